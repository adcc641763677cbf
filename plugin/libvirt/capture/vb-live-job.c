/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-live-job.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "vb-libvirt-backup.h"
#include "core/base/vb-log.h"

/* A guest writes at most a few hundred MiB in between. */
#define WATCH_INTERVAL_US (100 * 1000)

/* An abort that did not work, for want of a connection perhaps, is tried again so often. */
#define ABORT_INTERVAL_US G_USEC_PER_SEC

struct _VbLiveJob
{
  VbConnectionPool *gate;
  char *vps;
  char *operation;
  VbScratch *scratch;
  guint64 reserve_bytes;
  GThread *watcher;
  int process; /* pidfd of the VPS's QEMU, or -1 */

  GMutex lock;
  GCond cond;
  /* Under the lock. */
  gboolean unwatched;
  GError *lost;
};

VbLiveJob *
vb_live_job_new (VbConnectionPool *gate,
                 const char *vps,
                 const char *operation,
                 VbScratch *scratch,
                 guint64 reserve_bytes)
{
  VbLiveJob *self = g_atomic_rc_box_new0 (VbLiveJob);

  self->gate = vb_connection_pool_ref (gate);
  self->vps = g_strdup (vps);
  self->operation = g_strdup (operation);
  self->scratch = scratch;
  self->reserve_bytes = reserve_bytes;
  self->process = -1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

VbLiveJob *
vb_live_job_ref (VbLiveJob *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
live_job_clear (gpointer data)
{
  VbLiveJob *self = data;

  vb_live_job_unwatch (self);
  vb_connection_pool_unref (self->gate);
  vb_scratch_free (self->scratch);
  g_clear_error (&self->lost);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self->vps);
  g_free (self->operation);
  if (self->process >= 0)
    close (self->process);
}

void
vb_live_job_unref (VbLiveJob *self)
{
  g_atomic_rc_box_release_full (self, live_job_clear);
}

void
vb_live_job_lose (VbLiveJob *self, int code, const char *message)
{
  g_mutex_lock (&self->lock);
  if (self->lost == NULL)
    self->lost = g_error_new_literal (VB_ERROR, code, message);
  g_mutex_unlock (&self->lock);
}

/* Returns whether the watch goes on after the pause. */
static gboolean
pause_watch (VbLiveJob *self, gint64 pause_us)
{
  gint64 until = g_get_monotonic_time () + pause_us;
  gboolean goes_on;

  g_mutex_lock (&self->lock);
  while (!self->unwatched && g_cond_wait_until (&self->cond, &self->lock, until))
    ;
  goes_on = !self->unwatched;
  g_mutex_unlock (&self->lock);
  return goes_on;
}

static gboolean
abort_job (VbLiveJob *self, GError **error)
{
  g_autoptr (VbLibvirtLease) lease
      = vb_connection_pool_lease (self->gate, VB_LIBVIRT_URGENT, 0, error);
  g_autoptr (virDomain) domain
      = lease != NULL ? vb_libvirt_lease_lookup (lease, self->vps, error) : NULL;

  return domain != NULL && vb_libvirt_backup_abort (domain, self->operation, error);
}

static void
abort_until_gone (VbLiveJob *self)
{
  g_autoptr (GError) error = NULL;

  while (!abort_job (self, &error))
    {
      vb_log_warning (self->vps, self->operation, NULL, "%s", error->message);
      if (g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND))
        return;
      g_clear_error (&error);
      if (!pause_watch (self, ABORT_INTERVAL_US))
        return;
    }
}

static gpointer
watch_thread (gpointer data)
{
  VbLiveJob *self = data;

  while (pause_watch (self, WATCH_INTERVAL_US))
    {
      g_autoptr (GError) error = NULL;

      if (vb_scratch_check (self->scratch, self->reserve_bytes, &error))
        continue;
      vb_log_warning (self->vps, self->operation, NULL, "Failed to end the backup job: %s",
                      error->message);
      vb_live_job_lose (self, error->code, error->message);
      abort_until_gone (self);
      return NULL;
    }
  return NULL;
}

void
vb_live_job_watch (VbLiveJob *self)
{
  g_autoptr (GError) error = NULL;

  self->watcher = g_thread_try_new ("vb-scratch-watch", watch_thread, self, &error);
  /* A job whose scratch space nobody watches could fill the guest's file system. */
  if (self->watcher == NULL)
    vb_live_job_lose (self, VB_ERROR_INTERNAL, error->message);
}

void
vb_live_job_unwatch (VbLiveJob *self)
{
  g_mutex_lock (&self->lock);
  self->unwatched = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (self->watcher != NULL)
    g_thread_join (g_steal_pointer (&self->watcher));
}

gboolean
vb_live_job_check (VbLiveJob *self, GError **error)
{
  GError *lost;

  g_mutex_lock (&self->lock);
  lost = self->lost != NULL ? g_error_copy (self->lost) : NULL;
  g_mutex_unlock (&self->lock);
  if (lost != NULL)
    {
      g_propagate_error (error, lost);
      return FALSE;
    }
  return vb_scratch_check (self->scratch, self->reserve_bytes, error);
}

gboolean
vb_live_job_check_room (VbLiveJob *self, guint64 disk_bytes, GError **error)
{
  return vb_scratch_check_room (self->scratch, disk_bytes, self->reserve_bytes, error);
}

/* The kernel knows who listens. */
static pid_t
find_listener (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct ucred peer = { .pid = 0 };
  socklen_t length = sizeof peer;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    return 0;
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path
      || connect (fd, (struct sockaddr *) &address, sizeof address) != 0
      || getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    peer.pid = 0;
  close (fd);
  return peer.pid;
}

void
vb_live_job_know_process (VbLiveJob *self, const char *socket)
{
  pid_t pid = find_listener (socket);

  self->process = pid > 0 ? (int) syscall (SYS_pidfd_open, pid, 0) : -1;
}

gboolean
vb_live_job_has_process (VbLiveJob *self)
{
  struct pollfd poll_fd = { .fd = self->process, .events = POLLIN };

  return self->process >= 0 && poll (&poll_fd, 1, 0) == 0;
}

const char *
vb_live_job_get_vps (VbLiveJob *self)
{
  return self->vps;
}

VbScratch *
vb_live_job_get_scratch (VbLiveJob *self)
{
  return self->scratch;
}
