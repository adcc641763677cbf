/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-trusted-path.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb-error.h"
#include "vb-i18n.h"

/* As the kernel: more is a circle. */
#define MAX_LINKS 40

/* As Debian and Fedora call the user that runs QEMU. */
static const char *const qemu_names[] = { "libvirt-qemu", "qemu" };

static gboolean
is_trusted_user (uid_t uid)
{
  struct passwd entry;
  struct passwd *found = NULL;
  char buffer[4096];

  if (uid == 0 || uid == geteuid ())
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (qemu_names); i++)
    {
      getpwnam_r (qemu_names[i], &entry, buffer, sizeof buffer, &found);
      if (found != NULL && found->pw_uid == uid)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_trusted_group (gid_t gid)
{
  struct group entry;
  struct group *found = NULL;
  char buffer[16384];

  if (gid == 0)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (qemu_names); i++)
    {
      getgrnam_r (qemu_names[i], &entry, buffer, sizeof buffer, &found);
      if (found != NULL && found->gr_gid == gid)
        return TRUE;
    }
  return FALSE;
}

/* In a sticky folder nobody can replace what is another's. */
static gboolean
is_closed (const struct stat *info)
{
  if (!is_trusted_user (info->st_uid))
    return FALSE;
  if (S_ISDIR (info->st_mode) && (info->st_mode & S_ISVTX) != 0)
    return TRUE;
  return (info->st_mode & S_IWOTH) == 0
         && ((info->st_mode & S_IWGRP) == 0 || is_trusted_group (info->st_gid));
}

static gboolean
is_closed_path (const char *path)
{
  struct stat info;

  return lstat (path, &info) == 0 && is_closed (&info);
}

gboolean
vb_trusted_path_is_private (const char *path)
{
  g_autofree char *at = g_strdup (path);

  while (TRUE)
    {
      char *parent;

      if (!is_closed_path (at))
        return FALSE;
      if (g_str_equal (at, "/"))
        return TRUE;
      parent = g_path_get_dirname (at);
      g_free (at);
      at = parent;
    }
}

/* --- following links --- */

typedef struct
{
  GString *done;   /* without links, without a slash at its end */
  GPtrArray *rest; /* (element-type utf8): parts to come, the next one last */
  guint links;
} Walk;

static void
walk_clear (Walk *walk)
{
  g_string_free (walk->done, TRUE);
  g_ptr_array_unref (walk->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

static void
walk_push (Walk *walk, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  if (path[0] == '/')
    g_string_truncate (walk->done, 0);
  for (guint i = g_strv_length (parts); i > 0; i--)
    if (parts[i - 1][0] != '\0' && !g_str_equal (parts[i - 1], "."))
      g_ptr_array_add (walk->rest, g_strdup (parts[i - 1]));
}

static gboolean
follow (Walk *walk, const struct stat *link, const char *path, GError **error)
{
  char target[PATH_MAX];
  const char *folder = walk->done->len > 0 ? walk->done->str : "/";
  gssize length = readlink (path, target, sizeof target - 1);

  if (!is_trusted_user (link->st_uid) || !is_closed_path (folder)
      || !vb_trusted_path_is_private (folder))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                           _ ("A disk image is reached through a link that others than root could "
                              "change; name the file itself in the definition of the VPS."));
      return FALSE;
    }
  if (length < 0 || ++walk->links > MAX_LINKS)
    {
      vb_error_set_errno (error, length < 0 ? errno : ELOOP, "Failed to follow the link %s", path);
      return FALSE;
    }
  target[length] = '\0';
  walk_push (walk, target);
  return TRUE;
}

static gboolean
step (Walk *walk, const char *name, GError **error)
{
  g_autofree char *path = g_strconcat (walk->done->str, "/", name, NULL);
  const char *slash = strrchr (walk->done->str, '/');
  struct stat info;

  if (g_str_equal (name, ".."))
    {
      g_string_truncate (walk->done, slash != NULL ? (gsize) (slash - walk->done->str) : 0);
      return TRUE;
    }
  if (lstat (path, &info) != 0)
    {
      if (errno == ENOENT || errno == ENOTDIR)
        g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING, "The image %s is missing", path);
      else
        vb_error_set_errno (error, errno, "Failed to look at %s", path);
      return FALSE;
    }
  if (S_ISLNK (info.st_mode))
    return follow (walk, &info, path, error);
  g_string_append_printf (walk->done, "/%s", name);
  return TRUE;
}

char *
vb_trusted_path_resolve (const char *path, GError **error)
{
  g_auto (Walk) walk = { g_string_new (NULL), g_ptr_array_new_with_free_func (g_free), 0 };

  walk_push (&walk, path);
  while (walk.rest->len > 0)
    {
      g_autofree char *name = g_ptr_array_steal_index (walk.rest, walk.rest->len - 1);

      if (!step (&walk, name, error))
        return NULL;
    }
  return g_strdup (walk.done->len > 0 ? walk.done->str : "/");
}
