/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/base/vb-id-locks.h"
#include "core/base/vb-error.h"
#include "storage/base/vb-run-abandonable.h"

#define DEADLINE_US (60 * G_TIME_SPAN_SECOND)

/* Work that ends when it is told to, and notes what happens to it. */
typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean may_end;
  gboolean stopped;
  guint undone;
  guint freed;
  gboolean fails;
} Work;

static void
wait_for (Work *work, const gboolean *what)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_mutex_lock (&work->mutex);
  while (!*what)
    g_assert_true (g_cond_wait_until (&work->cond, &work->mutex, deadline));
  g_mutex_unlock (&work->mutex);
}

static void
set (Work *work, guint *what)
{
  g_mutex_lock (&work->mutex);
  (*what)++;
  g_cond_broadcast (&work->cond);
  g_mutex_unlock (&work->mutex);
}

static gboolean
work_func (gpointer data, GCancellable *stop, GError **error)
{
  Work *work = data;

  wait_for (work, &work->may_end);
  work->stopped = g_cancellable_is_cancelled (stop);
  if (work->fails)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH, "damaged");
  return !work->fails;
}

static void
work_undo (gpointer data)
{
  Work *work = data;
  set (work, &work->undone);
}

static void
work_free (gpointer data)
{
  Work *work = data;
  set (work, &work->freed);
}

static void
test_success (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  Work work = { .may_end = TRUE };

  g_assert_true (vb_run_abandonable (transfer, work_func, work_undo, &work, work_free, &error));
  g_assert_no_error (error);
  wait_for (&work, (gboolean *) &work.freed);
  g_assert_cmpuint (work.undone, ==, 0);
}

static void
test_failure (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  Work work = { .may_end = TRUE, .fails = TRUE };

  g_assert_false (vb_run_abandonable (transfer, work_func, work_undo, &work, work_free, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);
  wait_for (&work, (gboolean *) &work.freed);
  g_assert_cmpuint (work.undone, ==, 0); /* what fails cleans up for itself */
}

/* Work that hangs is left alone; when it succeeds after all, it is taken back. */
static void
test_hang (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  Work work = { .may_end = FALSE };

  vb_transfer_cancel (transfer);
  g_assert_false (vb_run_abandonable (transfer, work_func, work_undo, &work, work_free, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CANCELLED);
  g_assert_cmpuint (work.freed, ==, 0);
  g_assert_cmpuint (work.undone, ==, 0);

  set (&work, (guint *) &work.may_end);
  wait_for (&work, (gboolean *) &work.freed);
  g_assert_true (work.stopped);
  g_assert_cmpuint (work.undone, ==, 1);
}

static gpointer
acquire_thread (gpointer data)
{
  g_assert_true (vb_id_locks_acquire (data, "a", NULL, NULL));
  return NULL;
}

static void
test_busy (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbIdLocks) busy = vb_id_locks_new ();
  g_autoptr (VbTransfer) cancelled = vb_transfer_new (NULL, 0);

  vb_transfer_cancel (cancelled);
  g_assert_true (vb_id_locks_acquire (busy, "a", NULL, &error));
  g_assert_true (vb_id_locks_acquire (busy, "b", NULL, &error));
  g_assert_false (vb_id_locks_acquire (busy, "a", cancelled, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CANCELLED);

  GThread *thread = g_thread_new ("acquire", acquire_thread, busy);
  vb_id_locks_release (busy, "a");
  g_thread_join (thread);
  vb_id_locks_release (busy, "a");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/run/success", test_success);
  g_test_add_func ("/run/failure", test_failure);
  g_test_add_func ("/run/hang", test_hang);
  g_test_add_func ("/run/busy", test_busy);
  return g_test_run ();
}
