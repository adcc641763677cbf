/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-worker-pool.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "core/base/vb-error.h"
#include "vb-files.h"

struct _VbWorkerPool
{
  GThreadPool *threads;
  GAsyncQueue *done;
  int event; /* a semaphore that counts what is in the queue */
  guint pending;

  VbWorkerFunc func;
  gpointer user_data;
};

static void
work (gpointer job, gpointer data)
{
  VbWorkerPool *self = data;

  self->func (job, self->user_data);
  g_async_queue_push (self->done, job);
  eventfd_write (self->event, 1);
}

VbWorkerPool *
vb_worker_pool_new (guint threads, VbWorkerFunc func, gpointer user_data, GError **error)
{
  VbWorkerPool *self = g_new0 (VbWorkerPool, 1);
  self->done = g_async_queue_new ();
  self->func = func;
  self->user_data = user_data;
  self->event = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  if (self->event < 0)
    {
      vb_error_set_errno (error, errno, "Failed to create an event descriptor");
      vb_worker_pool_free (self);
      return NULL;
    }

  /* Exclusive: started now, so that the lack of threads is noticed before there is any work to
   * lose. */
  self->threads = g_thread_pool_new (work, self, (int) threads, TRUE, error);
  if (self->threads == NULL)
    g_clear_pointer (&self, vb_worker_pool_free);
  return self;
}

void
vb_worker_pool_free (VbWorkerPool *self)
{
  if (self->threads)
    g_thread_pool_free (self->threads, FALSE, TRUE);
  vb_fd_clear (&self->event);
  g_async_queue_unref (self->done);
  g_free (self);
}

void
vb_worker_pool_push (VbWorkerPool *self, gpointer job)
{
  self->pending++;
  g_thread_pool_push (self->threads, job, NULL);
}

gpointer
vb_worker_pool_pop (VbWorkerPool *self)
{
  eventfd_t one;
  gpointer job = NULL;

  if (eventfd_read (self->event, &one) == 0)
    {
      job = g_async_queue_try_pop (self->done);
      self->pending--;
    }
  return job;
}

guint
vb_worker_pool_get_pending (VbWorkerPool *self)
{
  return self->pending;
}

int
vb_worker_pool_get_fd (VbWorkerPool *self)
{
  return self->event;
}

void
vb_worker_pool_wait (VbWorkerPool *self, int timeout_ms)
{
  struct pollfd poll_fd = { .fd = self->event, .events = POLLIN };
  poll (&poll_fd, 1, timeout_ms);
}
