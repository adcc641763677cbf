/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-safe-open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
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

static gboolean
fail (int errno_value, const char *what, GError **error)
{
  g_set_error_literal (error, G_FILE_ERROR, (gint) g_file_error_from_errno (errno_value), what);
  return FALSE;
}

static gboolean
read_all (int fd, gsize maximum, char **text, gsize *length, GError **error)
{
  struct stat info;
  gsize done = 0;

  if (fstat (fd, &info) != 0)
    return fail (errno, g_strerror (errno), error);
  if (!S_ISREG (info.st_mode))
    return fail (EINVAL, "it is not a regular file", error);
  if ((guint64) info.st_size > maximum)
    return fail (EFBIG, "it is too large", error);

  g_autofree char *buffer = g_malloc ((gsize) info.st_size + 1);
  while (done < (gsize) info.st_size)
    {
      ssize_t n = read (fd, buffer + done, (gsize) info.st_size - done);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail (errno, g_strerror (errno), error);
      if (n == 0)
        break;
      done += (gsize) n;
    }
  buffer[done] = '\0';
  if (length != NULL)
    *length = done;
  *text = g_steal_pointer (&buffer);
  return TRUE;
}

gboolean
vb_safe_open_read (const char *path, gsize maximum, char **text, gsize *length, GError **error)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return fail (errno, g_strerror (errno), error);

  gboolean ok = read_all (fd, maximum, text, length, error);
  close (fd);
  return ok;
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
