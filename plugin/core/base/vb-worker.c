/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-worker.h"

struct _VbWorker
{
  GThreadPool *threads;
};

typedef struct
{
  GTask *task;
  GTaskThreadFunc func;
} Call;

static void
run_call (gpointer data, gpointer user_data)
{
  Call *call = data;
  call->func (call->task, g_task_get_source_object (call->task), g_task_get_task_data (call->task),
              g_task_get_cancellable (call->task));
  g_object_unref (call->task);
  g_free (call);
}

VbWorker *
vb_worker_new (guint max_threads)
{
  VbWorker *self = g_new0 (VbWorker, 1);
  self->threads = g_thread_pool_new (run_call, NULL, (gint) max_threads, FALSE, NULL);
  return self;
}

void
vb_worker_run (VbWorker *self, GTask *task, GTaskThreadFunc func)
{
  Call *call = g_new0 (Call, 1);
  call->task = g_object_ref (task);
  call->func = func;
  g_thread_pool_push (self->threads, call, NULL);
}

void
vb_worker_free (VbWorker *self)
{
  g_thread_pool_free (self->threads, FALSE, FALSE);
  g_free (self);
}
