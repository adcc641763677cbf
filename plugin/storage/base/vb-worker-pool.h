/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbWorkerPool:
 *
 * A few threads that work on jobs, and a descriptor that says when one is done, so that a thread
 * that polls sockets can hand out work and take it back. All methods are for that one thread.
 */
typedef struct _VbWorkerPool VbWorkerPool;

/** VbWorkerFunc: works on @job in one of the threads */
typedef void (*VbWorkerFunc) (gpointer job, gpointer user_data);

/** vb_worker_pool_new: Returns: (transfer full) (nullable): %NULL with @error when there are no
 * threads to be had */
VbWorkerPool *
vb_worker_pool_new (guint threads, VbWorkerFunc func, gpointer user_data, GError **error);

/** vb_worker_pool_free: waits for all jobs; their results are dropped */
void vb_worker_pool_free (VbWorkerPool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbWorkerPool, vb_worker_pool_free)

/** vb_worker_pool_push: queues @job, which is not %NULL */
void vb_worker_pool_push (VbWorkerPool *self, gpointer job);

/** vb_worker_pool_pop: Returns: (nullable): a job that is done, or %NULL when none is at the
 * moment */
gpointer vb_worker_pool_pop (VbWorkerPool *self);

/** vb_worker_pool_get_pending: Returns: number of jobs pushed and not popped yet */
guint vb_worker_pool_get_pending (VbWorkerPool *self);

/** vb_worker_pool_get_fd: Returns: a descriptor that is readable while a job can be popped */
int vb_worker_pool_get_fd (VbWorkerPool *self);

/** vb_worker_pool_wait: waits until a job can be popped, at most @timeout_ms */
void vb_worker_pool_wait (VbWorkerPool *self, int timeout_ms);

G_END_DECLS
