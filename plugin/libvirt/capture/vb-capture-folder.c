/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-capture-folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

#define SOCKET_NAME "nbd.sock"

/* After the runtime folder; the operation's id, which nobody can guess, keeps the name in /tmp
 * ours. */
static const char *const fallbacks[] = { "/run/vps-backup", "/tmp" };

#define N_CANDIDATES (1 + G_N_ELEMENTS (fallbacks))

static char *
candidate (const char *runtime_folder, const char *operation, guint number)
{
  if (number == 0)
    return g_build_filename (runtime_folder, operation, NULL);
  if (g_str_equal (fallbacks[number - 1], "/tmp"))
    {
      g_autofree char *name = g_strconcat ("vps-backup.", operation, NULL);

      return g_build_filename (fallbacks[number - 1], name, NULL);
    }
  return g_build_filename (fallbacks[number - 1], operation, NULL);
}

static char *
scratch_folder (const char *operation)
{
  return g_strconcat ("/var/tmp/vps-backup.", operation, NULL);
}

/* Groups beyond the first and ACLs are not asked: then a fallback is taken needlessly, which does
 * no harm. */
static gboolean
can_enter (const char *folder, gint64 uid, gint64 gid)
{
  struct stat status;

  if (stat (folder, &status) != 0)
    return FALSE;
  if (uid <= 0)
    return TRUE;
  if (status.st_uid == (uid_t) uid)
    return (status.st_mode & S_IXUSR) != 0;
  if (gid >= 0 && status.st_gid == (gid_t) gid)
    return (status.st_mode & S_IXGRP) != 0;
  return (status.st_mode & S_IXOTH) != 0;
}

static gboolean
can_reach (const char *folder, gint64 uid, gint64 gid)
{
  g_autofree char *real = g_canonicalize_filename (folder, "/");

  while (TRUE)
    {
      g_autofree char *parent = g_path_get_dirname (real);

      if (!can_enter (real, uid, gid))
        return FALSE;
      if (g_str_equal (parent, real))
        return TRUE;
      g_free (real);
      real = g_steal_pointer (&parent);
    }
}

static gboolean
is_usable (const char *folder, gint64 uid, gint64 gid)
{
  g_autofree char *parent = g_path_get_dirname (folder);
  g_autofree char *socket = vb_capture_folder_socket (folder);

  if (strlen (socket) >= sizeof (((struct sockaddr_un *) NULL)->sun_path))
    return FALSE;
  /* Customers' processes never run here, but the folder's name tells them nothing either: 0711. */
  if (g_mkdir_with_parents (parent, 0711) != 0)
    return FALSE;
  return can_reach (parent, uid, gid);
}

static gboolean
make (const char *folder, gint64 uid, gint64 gid, GError **error)
{
  if (g_mkdir (folder, 0700) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to create the folder %s", folder);
      return FALSE;
    }
  if (geteuid () == 0 && uid >= 0 && lchown (folder, (uid_t) uid, (gid_t) gid) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to give the folder %s to QEMU's user", folder);
      g_rmdir (folder);
      return FALSE;
    }
  return TRUE;
}

char *
vb_capture_folder_create (const char *runtime_folder,
                          const char *operation,
                          gint64 uid,
                          gint64 gid,
                          GError **error)
{
  for (guint i = 0; i < N_CANDIDATES; i++)
    {
      g_autofree char *folder = candidate (runtime_folder, operation, i);

      if (!is_usable (folder, uid, gid))
        continue;
      if (!make (folder, uid, gid, error))
        return NULL;
      if (i > 0)
        vb_log_debug (NULL, operation, NULL, "QEMU cannot use %s for its socket, taking %s",
                      runtime_folder, folder);
      return g_steal_pointer (&folder);
    }
  g_set_error (
      error, VB_ERROR, VB_ERROR_INTERNAL,
      "There is no folder for QEMU's socket that QEMU's user %" G_GINT64_FORMAT " can reach", uid);
  return NULL;
}

char *
vb_capture_folder_create_scratch (const char *folder,
                                  const char *operation,
                                  gint64 uid,
                                  gint64 gid,
                                  GError **error)
{
  struct statfs status;
  g_autofree char *other = NULL;

  if (statfs (folder, &status) != 0 || status.f_type != TMPFS_MAGIC)
    return g_strdup (folder);
  other = scratch_folder (operation);
  return make (other, uid, gid, error) ? g_steal_pointer (&other) : NULL;
}

char *
vb_capture_folder_socket (const char *folder)
{
  return g_build_filename (folder, SOCKET_NAME, NULL);
}

/* The folder is QEMU's own: nothing in it, and not the folder itself, may lead us elsewhere, at
 * whatever instant it is replaced by a link. */
static void
remove_folder (const char *folder)
{
  const struct dirent *entry;
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;

  if (dir == NULL)
    {
      if (fd >= 0)
        close (fd);
      return;
    }

  while ((entry = readdir (dir)) != NULL)
    unlinkat (fd, entry->d_name, 0);
  closedir (dir);
  if (g_rmdir (folder) != 0)
    vb_log_warning (NULL, NULL, NULL, "Failed to remove the folder %s: %s", folder,
                    g_strerror (errno));
}

void
vb_capture_folder_remove (const char *runtime_folder, const char *operation)
{
  g_autofree char *scratch = NULL;

  if (!g_uuid_string_is_valid (operation))
    return;
  scratch = scratch_folder (operation);
  remove_folder (scratch);
  for (guint i = 0; i < N_CANDIDATES; i++)
    {
      g_autofree char *folder = candidate (runtime_folder, operation, i);

      remove_folder (folder);
    }
}
