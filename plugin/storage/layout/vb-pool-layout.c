/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-pool-layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-i18n.h"
#include "json/vb-strict-json.h"

#define FORMAT "vps-backup pool"
#define VERSION 1
#define MAX_MARKER_BYTES 4096
#define MAX_TRIES 10

VbPoolLayout *
vb_pool_layout_copy (const VbPoolLayout *self)
{
  VbPoolLayout *copy = g_new0 (VbPoolLayout, 1);
  copy->path = g_strdup (self->path);
  copy->id = g_strdup (self->id);
  copy->reserve = self->reserve;
  return copy;
}

void
vb_pool_layout_free (VbPoolLayout *self)
{
  g_free (self->path);
  g_free (self->id);
  g_free (self);
}

/* --- the marker --- */

static gboolean
is_empty (int root)
{
  struct dirent *entry;
  gboolean empty = TRUE;

  int fd = openat (root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  if (folder == NULL)
    {
      vb_fd_clear (&fd);
      return FALSE;
    }
  /* A new file system is not quite empty. */
  while (empty && (entry = readdir (folder)) != NULL)
    empty = g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, "..")
            || g_str_equal (entry->d_name, "lost+found");
  closedir (folder);
  return empty;
}

static char *
read_marker (int root, GError **error)
{
  gsize length;
  guint64 version;

  g_autofree char *text
      = vb_files_read (root, VB_POOL_MARKER_FILE, MAX_MARKER_BYTES, &length, error);
  g_autoptr (JsonObject) object = text ? vb_strict_json_parse (text, length, error) : NULL;
  if (object == NULL)
    return NULL;

  const char *id = vb_strict_json_get_string (object, "id");
  if (g_strcmp0 (vb_strict_json_get_string (object, "format"), FORMAT) != 0 || id == NULL
      || !g_uuid_string_is_valid (id) || !vb_strict_json_get_bytes (object, "version", &version))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "It is not the marker of a pool");
      return NULL;
    }
  if (version != VERSION)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "The pool needs a newer vps-backup");
      return NULL;
    }
  return g_strdup (id);
}

gboolean
vb_pool_layout_init (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0700) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to create the folder %s", path);
      return FALSE;
    }
  vb_autofd int root = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    {
      vb_error_set_errno (error, errno, "Failed to open the folder %s", path);
      return FALSE;
    }

  if (vb_files_exists (root, VB_POOL_MARKER_FILE))
    {
      g_autofree char *present = read_marker (root, error);
      return present != NULL;
    }
  if (!is_empty (root))
    {
      g_set_error (
          error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
          _ ("The folder %s is not empty and holds no backups; name an empty or new folder."),
          path);
      return FALSE;
    }
  if (fchmod (root, 0700) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to set the rights of the folder %s", path);
      return FALSE;
    }
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *text = g_strdup_printf (
      "{\"format\": \"" FORMAT "\", \"version\": %d, \"id\": \"%s\"}\n", VERSION, id);
  return vb_files_replace (root, VB_POOL_MARKER_FILE, text, strlen (text), error);
}

int
vb_pool_layout_open (const VbPoolLayout *self, char **id, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *found = NULL;

  vb_autofd int root = open (self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    vb_error_set_errno (&local, errno, "Failed to open the folder");
  else
    found = read_marker (root, &local);
  if (found && self->id && !g_str_equal (found, self->id))
    g_set_error_literal (&local, VB_ERROR, VB_ERROR_INTERNAL, "Another pool is mounted there");
  if (local)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE, "The pool %s is not available: %s",
                   self->path, local->message);
      return -1;
    }
  if (id)
    *id = g_steal_pointer (&found);
  return g_steal_fd (&root);
}

/* --- folders --- */

/* Ids come from outside and become names of folders. */
static gboolean
check_id (const char *id, GError **error)
{
  if (id && g_uuid_string_is_valid (id))
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                       vb_error_public_message (VB_ERROR_NOT_FOUND));
  return FALSE;
}

static int
open_existing (int parent, const char *name, GError **error)
{
  int fd = openat (parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no backup folder %s", name);
  else if (fd < 0)
    vb_error_set_errno (error, errno, "Failed to open the backup folder %s", name);
  return fd;
}

int
vb_pool_layout_open_vps (int root, const char *vps, gboolean create, GError **error)
{
  if (!check_id (vps, error))
    return -1;
  return create ? vb_files_make_folder (root, vps, error) : open_existing (root, vps, error);
}

int
vb_pool_layout_open_backup (int root, const char *vps, const char *backup, GError **error)
{
  vb_autofd int folder = vb_pool_layout_open_vps (root, vps, FALSE, error);
  if (folder < 0 || !check_id (backup, error))
    return -1;
  return open_existing (folder, backup, error);
}

char *
vb_pool_layout_partial_name (const char *backup)
{
  return g_strdup_printf (".%s.partial", backup);
}

char *
vb_pool_layout_deleted_name (const char *backup)
{
  return g_strdup_printf (".%s.deleted", backup);
}

int
vb_pool_layout_make_partial (int root, const char *vps, const char *backup, GError **error)
{
  g_autofree char *name = vb_pool_layout_partial_name (backup);

  if (!check_id (backup, error))
    return -1;
  for (guint tries = MAX_TRIES;; tries--)
    {
      vb_autofd int folder = vb_pool_layout_open_vps (root, vps, TRUE, error);
      if (folder < 0)
        return -1;
      if (mkdirat (folder, name, 0700) == 0)
        return vb_files_sync (folder, "the folder of the VPS", error)
                   ? vb_files_open_folder (folder, name, error)
                   : -1;
      /* Whoever deletes the last backup of the VPS removes its folder, maybe just now. */
      if (errno != ENOENT || tries == 0)
        {
          vb_error_set_errno (error, errno, "Failed to create the backup folder %s", name);
          return -1;
        }
    }
}

int
vb_pool_layout_open_partial (int root, const char *vps, const char *backup, GError **error)
{
  g_autofree char *name = vb_pool_layout_partial_name (backup);

  if (!check_id (backup, error))
    return -1;
  vb_autofd int folder = vb_pool_layout_open_vps (root, vps, FALSE, error);
  return folder >= 0 ? vb_files_open_folder (folder, name, error) : -1;
}

static gboolean
remove_folder (int root, const char *vps, const char *name, GError **error)
{
  g_autoptr (GError) local = NULL;

  vb_autofd int folder = vb_pool_layout_open_vps (root, vps, FALSE, &local);
  if (folder < 0)
    {
      if (g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (!VB_FAULT_AROUND (vb_files_remove_tree (folder, name, error), "%s.remove",
                        strrchr (name, '.') + 1))
    return FALSE;
  /* Fails while other backups are there, as it should. */
  (void) unlinkat (root, vps, AT_REMOVEDIR);
  return TRUE;
}

gboolean
vb_pool_layout_remove_partial (int root, const char *vps, const char *backup, GError **error)
{
  g_autofree char *name = vb_pool_layout_partial_name (backup);
  return check_id (backup, error) && remove_folder (root, vps, name, error);
}

gboolean
vb_pool_layout_give_up_partial (int root, const char *vps, const char *backup, GError **error)
{
  g_autofree char *partial = vb_pool_layout_partial_name (backup);
  g_autofree char *deleted = vb_pool_layout_deleted_name (backup);

  vb_autofd int folder = vb_pool_layout_open_vps (root, vps, FALSE, NULL);
  return folder < 0 || !vb_files_exists (folder, partial)
         || vb_files_rename (folder, partial, deleted, error);
}

gboolean
vb_pool_layout_remove_deleted (int root, const char *vps, const char *backup, GError **error)
{
  g_autofree char *name = vb_pool_layout_deleted_name (backup);
  return check_id (backup, error) && remove_folder (root, vps, name, error);
}

/* --- space --- */

gboolean
vb_pool_layout_get_space (const VbPoolLayout *self, int root, VbPoolStatus *status, GError **error)
{
  struct statvfs info;

  if (fstatvfs (root, &info) != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE, "The pool %s is not available: %s",
                   self->path, g_strerror (errno));
      return FALSE;
    }
  if (info.f_flag & ST_RDONLY || faccessat (root, ".", W_OK, AT_EACCESS) != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE, "The pool %s cannot be written",
                   self->path);
      return FALSE;
    }

  guint64 available = (guint64) info.f_bavail * info.f_frsize;
  status->total_bytes = (guint64) info.f_blocks * info.f_frsize;
  guint64 reserve = vb_reserve_of (&self->reserve, status->total_bytes);
  status->free_bytes = available > reserve ? available - reserve : 0;
  return TRUE;
}

gboolean
vb_pool_layout_check_space (const VbPoolLayout *self, int root, guint64 bytes, GError **error)
{
  VbPoolStatus status = { 0 };

  if (!vb_pool_layout_get_space (self, root, &status, error))
    return FALSE;
  if (bytes < status.free_bytes)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE,
               "The pool has %" G_GUINT64_FORMAT
               " bytes left beside its reserve, %" G_GUINT64_FORMAT " are needed",
               status.free_bytes, bytes);
  return FALSE;
}
