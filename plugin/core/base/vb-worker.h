/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbWorker:
 *
 * Threads for blocking calls to one backend. GTask's own threads are shared by the whole process
 * and few: a hung pool must not keep the host manager's other tasks from running, so each backend
 * has its own.
 */
typedef struct _VbWorker VbWorker;

/** vb_worker_new: @max_threads: calls that may run at once, others wait */
VbWorker *vb_worker_new (guint max_threads);

/** vb_worker_run: runs @func for @task in a thread, as g_task_run_in_thread() does. When the
 * process may have no more threads and none of ours runs, @task ends with %VB_ERROR_INTERNAL */
void vb_worker_run (VbWorker *self, GTask *task, GTaskThreadFunc func);

/** vb_worker_free: does not wait: a call that hangs must not keep the process from ending */
void vb_worker_free (VbWorker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbWorker, vb_worker_free)

G_END_DECLS
