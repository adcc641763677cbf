/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-safe-open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vb-log.h"

int
vb_safe_open_resolved (const char *path, int flags)
{
  struct open_how how
      = { .flags = (guint64) (flags | O_CLOEXEC | O_NOFOLLOW), .resolve = RESOLVE_NO_SYMLINKS };
  int fd;

  /* EAGAIN: something was renamed while the kernel was on its way. */
  do
    fd = (int) syscall (SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  while (fd < 0 && (errno == EINTR || errno == EAGAIN));

  /* A kernel, or a filter of system calls, that does not know it: the last part is looked at. */
  if (fd < 0 && (errno == ENOSYS || errno == EPERM))
    fd = open (path, flags | O_CLOEXEC | O_NOFOLLOW);
  return fd;
}

gboolean
vb_safe_open_sync_folder (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean synced = fd >= 0 && fsync (fd) == 0;
  int failure = errno;

  if (!synced)
    vb_log_warning (NULL, NULL, NULL, "Failed to sync the folder %s: %s", path,
                    g_strerror (failure));
  if (fd >= 0)
    close (fd);
  errno = failure;
  return synced;
}
