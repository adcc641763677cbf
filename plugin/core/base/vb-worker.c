/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-worker.h"

#include "vb-error.h"

struct _VbWorker
{
  GThreadPool *threads; /* NULL: the process has no more threads, and will have none */
};

/* Held by the queue, and by whoever has put it there. */
typedef struct
{
  GTask *task;
  GTaskThreadFunc func;
  gint taken; /* atomic: by the thread that runs it, or by the refusal */
} Call;

static void
call_clear (gpointer data)
{
  g_object_unref (((Call *) data)->task);
}

static gboolean
take (Call *call)
{
  return g_atomic_int_compare_and_exchange (&call->taken, FALSE, TRUE);
}

static void
run_call (gpointer data, gpointer user_data)
{
  Call *call = data;

  if (take (call))
    call->func (call->task, g_task_get_source_object (call->task),
                g_task_get_task_data (call->task), g_task_get_cancellable (call->task));
  g_atomic_rc_box_release_full (call, call_clear);
}

/* GLib since 2.76 needs a thread of its own before the first pool. Where it got none, later pools
 * come into being and wait for that thread for ever: there must be none. */
static gint is_without_spawner; /* atomic, of the process */

VbWorker *
vb_worker_new (guint max_threads)
{
  VbWorker *self = g_new0 (VbWorker, 1);

  if (!g_atomic_int_get (&is_without_spawner))
    self->threads = g_thread_pool_new (run_call, NULL, (gint) max_threads, FALSE, NULL);
  if (self->threads == NULL)
    g_atomic_int_set (&is_without_spawner, TRUE);
  return self;
}

/* It stays in the queue all the same, and would wait there for ever: no thread runs. @error:
 * (nullable) */
static void
refuse (Call *call, const GError *error)
{
  if (take (call))
    g_task_return_new_error (call->task, VB_ERROR, VB_ERROR_INTERNAL,
                             "Failed to start a thread: %s",
                             error != NULL ? error->message : "GLib cannot start any");
}

void
vb_worker_run (VbWorker *self, GTask *task, GTaskThreadFunc func)
{
  g_autoptr (GError) error = NULL;
  Call *call = g_atomic_rc_box_new0 (Call);

  call->task = g_object_ref (task);
  call->func = func;
  if (self->threads == NULL)
    refuse (call, NULL);
  else if (!g_thread_pool_push (self->threads, g_atomic_rc_box_acquire (call), &error)
           && g_thread_pool_get_num_threads (self->threads) == 0)
    refuse (call, error);
  g_atomic_rc_box_release_full (call, call_clear);
}

void
vb_worker_free (VbWorker *self)
{
  if (self->threads != NULL)
    g_thread_pool_free (self->threads, FALSE, FALSE);
  g_free (self);
}
