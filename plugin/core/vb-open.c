/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int
vb_open_resolved (const char *path, int flags)
{
  struct open_how how = { .flags = (guint64) (flags | O_CLOEXEC | O_NOFOLLOW),
                          .resolve = RESOLVE_NO_SYMLINKS };
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
