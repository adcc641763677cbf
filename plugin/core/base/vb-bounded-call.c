/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-bounded-call.h"

/* Of the caller and the thread. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean ended;  /* protected by mutex, as is result */
  gpointer result; /* until somebody takes it */
  VbBoundedCallFunc func;
  gpointer data;
  GDestroyNotify data_free;
  GDestroyNotify result_free;
} Call;

struct _VbBoundedCall
{
  gint64 limit_us;
  Call *late; /* (nullable): the one that was given up */
};

static void
call_finalize (gpointer data)
{
  Call *call = data;

  if (call->result != NULL)
    call->result_free (call->result);
  call->data_free (call->data);
  g_mutex_clear (&call->mutex);
  g_cond_clear (&call->cond);
}

static void
call_unref (Call *call)
{
  g_atomic_rc_box_release_full (call, call_finalize);
}

static gpointer
run (gpointer data)
{
  Call *call = data;
  gpointer result = call->func (call->data);

  g_mutex_lock (&call->mutex);
  call->result = result;
  call->ended = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->mutex);
  call_unref (call);
  return NULL;
}

VbBoundedCall *
vb_bounded_call_new (guint limit_ms)
{
  VbBoundedCall *self = g_new0 (VbBoundedCall, 1);
  self->limit_us = (gint64) limit_ms * 1000;
  return self;
}

void
vb_bounded_call_free (VbBoundedCall *self)
{
  g_clear_pointer (&self->late, call_unref);
  g_free (self);
}

static gboolean
has_ended (Call *call)
{
  g_mutex_lock (&call->mutex);
  gboolean ended = call->ended;
  g_mutex_unlock (&call->mutex);
  return ended;
}

/* Returns: whether it has ended in time, with its result in *@result */
static gboolean
wait (Call *call, gint64 limit_us, gpointer *result)
{
  gint64 until_us = g_get_monotonic_time () + limit_us;

  g_mutex_lock (&call->mutex);
  while (!call->ended && g_cond_wait_until (&call->cond, &call->mutex, until_us))
    ;
  gboolean ended = call->ended;
  if (ended)
    *result = g_steal_pointer (&call->result);
  g_mutex_unlock (&call->mutex);
  return ended;
}

gboolean
vb_bounded_call_run (VbBoundedCall *self,
                     VbBoundedCallFunc func,
                     gpointer data,
                     GDestroyNotify data_free,
                     gpointer *result,
                     GDestroyNotify result_free)
{
  if (self->late != NULL && has_ended (self->late))
    g_clear_pointer (&self->late, call_unref);
  if (self->late != NULL)
    {
      data_free (data);
      return FALSE;
    }

  Call *call = g_atomic_rc_box_new0 (Call);
  g_mutex_init (&call->mutex);
  g_cond_init (&call->cond);
  call->func = func;
  call->data = data;
  call->data_free = data_free;
  call->result_free = result_free;

  GThread *thread = g_thread_try_new ("vb-bounded-call", run, g_atomic_rc_box_acquire (call), NULL);
  gboolean in_time = FALSE;
  if (thread != NULL)
    {
      g_thread_unref (thread);
      in_time = wait (call, self->limit_us, result);
      if (!in_time)
        self->late = g_atomic_rc_box_acquire (call);
    }
  else
    call_unref (call);
  call_unref (call);
  return in_time;
}
