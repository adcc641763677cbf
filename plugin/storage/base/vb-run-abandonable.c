/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-run-abandonable.h"

#include "core/base/vb-error.h"

#define CHECK_INTERVAL_US (50 * G_TIME_SPAN_MILLISECOND)
#define PATIENCE_US (2 * G_TIME_SPAN_SECOND)

/* Shared by the caller and the thread; whoever is last frees it. */
typedef struct
{
  GMutex mutex; /* protects done, ok, unwanted, error */
  GCond cond;
  gboolean done;
  gboolean ok;
  gboolean unwanted;
  GError *error;

  GCancellable *stop;
  VbRunAbandonableFunc func;
  VbUndoFunc undo;
  gpointer data;
  GDestroyNotify free_data;
} Run;

static void
run_finalize (gpointer data)
{
  Run *run = data;

  if (run->free_data)
    run->free_data (run->data);
  g_clear_error (&run->error);
  g_object_unref (run->stop);
  g_cond_clear (&run->cond);
  g_mutex_clear (&run->mutex);
}

static gpointer
run_thread (gpointer data)
{
  Run *run = data;
  g_autoptr (GError) error = NULL;
  gboolean ok = run->func (run->data, run->stop, &error);

  g_mutex_lock (&run->mutex);
  if (ok && run->unwanted && run->undo)
    {
      g_mutex_unlock (&run->mutex);
      run->undo (run->data);
      ok = FALSE;
      g_mutex_lock (&run->mutex);
    }
  run->done = TRUE;
  run->ok = ok;
  run->error = g_steal_pointer (&error);
  g_cond_broadcast (&run->cond);
  g_mutex_unlock (&run->mutex);
  g_atomic_rc_box_release_full (run, run_finalize);
  return NULL;
}

static gboolean
wait_done (Run *run, gint64 time_us)
{
  gint64 until = g_get_monotonic_time () + time_us;

  g_mutex_lock (&run->mutex);
  while (!run->done && g_cond_wait_until (&run->cond, &run->mutex, until))
    ;
  gboolean done = run->done;
  g_mutex_unlock (&run->mutex);
  return done;
}

/* Returns: FALSE when the work had already ended */
static gboolean
ask_to_stop (Run *run)
{
  g_mutex_lock (&run->mutex);
  gboolean in_time = !run->done;
  run->unwanted = in_time;
  g_mutex_unlock (&run->mutex);

  if (in_time)
    {
      g_cancellable_cancel (run->stop);
      wait_done (run, PATIENCE_US);
    }
  return in_time;
}

static gboolean
start (Run *run, GError **error)
{
  GThread *thread
      = g_thread_try_new ("vb-storage", run_thread, g_atomic_rc_box_acquire (run), error);
  if (thread == NULL)
    {
      g_atomic_rc_box_release_full (run, run_finalize);
      return FALSE;
    }
  g_thread_unref (thread);
  return TRUE;
}

gboolean
vb_run_abandonable (VbTransfer *transfer,
                    VbRunAbandonableFunc func,
                    VbUndoFunc undo,
                    gpointer data,
                    GDestroyNotify free_data,
                    GError **error)
{
  g_autoptr (GError) stopped = NULL;
  Run *run = g_atomic_rc_box_new0 (Run);
  g_mutex_init (&run->mutex);
  g_cond_init (&run->cond);
  run->stop = g_cancellable_new ();
  run->func = func;
  run->undo = undo;
  run->data = data;
  run->free_data = free_data;

  gboolean ok = start (run, error);
  while (ok && !wait_done (run, CHECK_INTERVAL_US))
    if (!vb_transfer_check (transfer, &stopped))
      {
        if (ask_to_stop (run))
          {
            g_propagate_error (error, g_steal_pointer (&stopped));
            ok = FALSE;
          }
        break;
      }
  if (ok)
    {
      ok = run->ok;
      if (run->error)
        g_propagate_error (error, g_steal_pointer (&run->error));
    }
  g_atomic_rc_box_release_full (run, run_finalize);
  return ok;
}

gboolean
vb_run_abandonable_check (GCancellable *stop, GError **error)
{
  if (!g_cancellable_is_cancelled (stop))
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_CANCELLED,
                       vb_error_public_message (VB_ERROR_CANCELLED));
  return FALSE;
}
