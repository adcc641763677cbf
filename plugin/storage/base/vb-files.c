/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "core/base/vb-safe-open.h"

/* Deeper than anything that a pool holds: what is deeper is not ours. */
#define MAX_TREE_DEPTH 8

int
vb_files_open_folder (int parent, const char *name, GError **error)
{
  int fd = parent == AT_FDCWD
               ? vb_safe_open_resolved (name, O_RDONLY | O_DIRECTORY)
               : openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    vb_error_set_errno (error, errno, "Failed to open the folder %s", name);
  return fd;
}

int
vb_files_make_folder (int parent, const char *name, GError **error)
{
  if (mkdirat (parent, name, 0700) == 0)
    {
      if (!vb_files_sync (parent, "the folder above", error))
        return -1;
    }
  else if (errno != EEXIST)
    {
      vb_error_set_errno (error, errno, "Failed to create the folder %s", name);
      return -1;
    }
  return vb_files_open_folder (parent, name, error);
}

int
vb_files_create (int folder, const char *name, GError **error)
{
  int fd = openat (folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    vb_error_set_errno (error, errno, "Failed to create %s", name);
  return fd;
}

int
vb_files_open (int folder, const char *name, int flags, GError **error)
{
  struct stat info;

  /* O_NONBLOCK: a fifo that somebody put there must not hang us. It means nothing to a regular
   * file. */
  vb_autofd int fd = openat (folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &info) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to open %s", name);
      return -1;
    }
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s is not a regular file", name);
      return -1;
    }
  return g_steal_fd (&fd);
}

gboolean
vb_files_write (int folder, const char *name, const void *data, gsize length, GError **error)
{
  vb_autofd int fd = vb_files_create (folder, name, error);
  if (fd < 0)
    return FALSE;
  if (!vb_files_pwrite (fd, data, length, 0))
    {
      vb_error_set_errno (error, errno, "Failed to write %s", name);
      return FALSE;
    }
  return vb_files_sync (fd, name, error);
}

gboolean
vb_files_replace (int folder, const char *name, const void *data, gsize length, GError **error)
{
  g_autofree char *unique = g_uuid_string_random ();
  g_autofree char *temporary = g_strdup_printf (".%s.%s", name, unique);

  if (vb_files_write (folder, temporary, data, length, error)
      && vb_files_rename (folder, temporary, name, error))
    return TRUE;
  unlinkat (folder, temporary, 0);
  return FALSE;
}

char *
vb_files_read (int folder, const char *name, gsize maximum, gsize *length, GError **error)
{
  struct stat info;

  vb_autofd int fd = vb_files_open (folder, name, O_RDONLY, error);
  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to read %s", name);
      return NULL;
    }
  if (info.st_size < 0 || (guint64) info.st_size > maximum)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s is too long", name);
      return NULL;
    }

  g_autofree char *data = g_malloc ((gsize) info.st_size + 1);
  if (!vb_files_pread (fd, data, (gsize) info.st_size, 0))
    {
      vb_error_set_errno (error, errno, "Failed to read %s", name);
      return NULL;
    }
  data[info.st_size] = '\0';
  if (length)
    *length = (gsize) info.st_size;
  return g_steal_pointer (&data);
}

gboolean
vb_files_exists (int folder, const char *name)
{
  struct stat info;
  return fstatat (folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean
vb_files_sync (int fd, const char *what, GError **error)
{
  if (fsync (fd) == 0)
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to sync %s", what);
  return FALSE;
}

gboolean
vb_files_rename (int folder, const char *from, const char *to, GError **error)
{
  if (renameat (folder, from, folder, to) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to rename %s to %s", from, to);
      return FALSE;
    }
  return vb_files_sync (folder, "the folder", error);
}

gboolean
vb_files_remove (int folder, const char *name, GError **error)
{
  if (unlinkat (folder, name, 0) == 0 || errno == ENOENT)
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to remove %s", name);
  return FALSE;
}

static gboolean
remove_tree (int parent, const char *name, guint depth)
{
  if (unlinkat (parent, name, 0) == 0 || errno == ENOENT)
    return TRUE;
  if (errno != EISDIR && errno != EPERM)
    return FALSE;
  if (depth == 0)
    {
      errno = ELOOP;
      return FALSE;
    }

  int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  if (folder == NULL)
    {
      vb_fd_clear (&fd);
      return FALSE;
    }

  struct dirent *entry;
  gboolean ok = TRUE;
  while (ok && (entry = readdir (folder)) != NULL)
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      ok = remove_tree (dirfd (folder), entry->d_name, depth - 1);
  int saved = errno;
  closedir (folder);
  errno = saved;
  return ok && (unlinkat (parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT);
}

gboolean
vb_files_remove_tree (int parent, const char *name, GError **error)
{
  if (remove_tree (parent, name, MAX_TREE_DEPTH))
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to remove %s", name);
  return FALSE;
}

gboolean
vb_files_pwrite (int fd, const void *data, gsize length, guint64 offset)
{
  const char *from = data;

  while (length > 0)
    {
      gssize n = pwrite (fd, from, length, (off_t) offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          if (n == 0)
            errno = EIO;
          return FALSE;
        }
      from += n;
      offset += (guint64) n;
      length -= (gsize) n;
    }
  return TRUE;
}

gboolean
vb_files_pread (int fd, void *data, gsize length, guint64 offset)
{
  char *to = data;

  while (length > 0)
    {
      gssize n = pread (fd, to, length, (off_t) offset);
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          if (n == 0)
            errno = EIO;
          return FALSE;
        }
      to += n;
      offset += (guint64) n;
      length -= (gsize) n;
    }
  return TRUE;
}

gboolean
vb_files_is_zero (const void *data, gsize length)
{
  const guint8 *bytes = data;

  /* Equal to itself shifted by one, and the first byte is zero: so are all. libc's memcmp is
   * vectorised. */
  return length == 0 || (bytes[0] == 0 && memcmp (bytes, bytes + 1, length - 1) == 0);
}

gboolean
vb_files_for_each (int folder, VbFilesFunc func, gpointer user_data, GError **error)
{
  struct dirent *entry;
  gboolean ok = TRUE;

  int fd = openat (folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  if (stream == NULL)
    {
      vb_error_set_errno (error, errno, "Failed to list a folder");
      vb_fd_clear (&fd);
      return FALSE;
    }
  errno = 0;
  while (ok && (entry = readdir (stream)) != NULL)
    {
      ok = g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, "..")
           || func (folder, entry->d_name, user_data, error);
      errno = 0;
    }
  if (ok && errno != 0)
    {
      vb_error_set_errno (error, errno, "Failed to list a folder");
      ok = FALSE;
    }
  closedir (stream);
  return ok;
}
