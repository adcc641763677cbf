/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-worker.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/vb-error.h"

static void
double_it (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_int (task, 2 * GPOINTER_TO_INT (data));
}

static void
keep (GObject *source, GAsyncResult *result, gpointer kept)
{
  *(GAsyncResult **) kept = g_object_ref (result);
}

static gssize
run (VbWorker *worker, int number, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, keep, &result);

  g_task_set_task_data (task, GINT_TO_POINTER (number), NULL);
  vb_worker_run (worker, task, double_it);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return g_task_propagate_int (G_TASK (result), error);
}

static void
test_run (void)
{
  g_autoptr (VbWorker) worker = vb_worker_new (2);

  for (int i = 0; i < 100; i++)
    g_assert_cmpint (run (worker, i, NULL), ==, 2 * i);
}

/* The host process has as many threads as it may have: an error, and not the end of the process. */
static void
test_no_threads (void)
{
  if (geteuid () != 0)
    {
      g_test_skip ("needs root, to become a user with a limit");
      return;
    }
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      return;
    }
  /* GLib's own threads, which a service has long before it reaches a limit. */
  g_type_class_unref (g_type_class_ref (G_TYPE_TASK));
  g_unix_signal_add (SIGUSR1, G_SOURCE_FUNC (g_main_loop_quit), NULL);
  const struct rlimit none = { 0, 0 };
  g_assert_cmpint (setrlimit (RLIMIT_NPROC, &none), ==, 0);
  g_assert_cmpint (setuid (65534), ==, 0);
  g_autoptr (VbWorker) worker = vb_worker_new (2);
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (run (worker, 1, &error), ==, -1);
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  /* No exit handlers: the leak checker would need a thread, too. */
  _exit (EXIT_SUCCESS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker/run", test_run);
  g_test_add_func ("/worker/no-threads", test_no_threads);
  return g_test_run ();
}
