/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-kept-images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"

static gboolean
has_room (int folder, const VbReserve *reserve)
{
  struct statvfs info;

  if (fstatvfs (folder, &info) != 0)
    return TRUE;
  guint64 free_bytes = (guint64) info.f_bavail * info.f_frsize;
  return free_bytes >= vb_reserve_of (reserve, (guint64) info.f_blocks * info.f_frsize);
}

/* The name under which the journal can find it again, or NULL when it cannot keep that. */
static char *
dup_path (VbStagedFile *file)
{
  g_autofree char *path = vb_staged_file_dup_path (file);
  return g_utf8_validate (path, -1, NULL) ? g_steal_pointer (&path) : NULL;
}

static gboolean
note_file (VbStagedFile *file, VbUndo *undo, gboolean *kept, GError **error)
{
  g_autofree char *path = dup_path (file);
  struct stat info;

  *kept = path != NULL;
  if (!*kept)
    return TRUE;
  if (lstat (path, &info) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to look at the restored disk %s",
                          vb_staged_file_get_target (file));
      return FALSE;
    }
  vb_undo_add_file (undo, vb_staged_file_get_target (file), path, info.st_ino);
  return TRUE;
}

gboolean
vb_kept_images_note (VbImageStaging *staging,
                     VbUndo *undo,
                     const VbReserve *reserve,
                     gboolean *kept,
                     GError **error)
{
  GPtrArray *files = vb_image_staging_get_files (staging);

  *kept = files->len > 0 && !vb_staging_is_in_place (VB_STAGING (staging));
  for (guint i = 0; *kept && i < files->len; i++)
    {
      VbStagedFile *file = g_ptr_array_index (files, i);
      /* Without one of its own a recovery has come across a disk that the backup does not hold. */
      if (vb_staged_file_is_swapped (file) && !note_file (file, undo, kept, error))
        return FALSE;
      *kept = *kept && has_room (vb_staged_file_get_folder (file), reserve);
    }
  *kept = *kept && undo->files->len > 0;
  return TRUE;
}

static int
open_folder (const VbUndoFile *file, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (file->path);
  return vb_files_open_folder (AT_FDCWD, folder, error);
}

gboolean
vb_kept_images_have_room (const VbUndo *undo, const VbReserve *reserve)
{
  for (guint i = 0; i < undo->files->len; i++)
    {
      vb_autofd int folder = open_folder (g_ptr_array_index (undo->files, i), NULL);
      if (folder >= 0 && !has_room (folder, reserve))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_on (const char *path, dev_t number)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct stat info;
  return stat (folder, &info) == 0 && info.st_dev == number;
}

static gboolean
is_beside (const VbUndoFile *file, GPtrArray *disks)
{
  g_autofree char *folder = g_path_get_dirname (file->path);
  struct stat info;

  if (stat (folder, &info) != 0)
    return FALSE;
  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      if (!disk->is_block && is_on (disk->path, info.st_dev))
        return TRUE;
    }
  return FALSE;
}

gboolean
vb_kept_images_share_space (const VbUndo *undo, GPtrArray *disks)
{
  for (guint i = 0; i < undo->files->len; i++)
    if (is_beside (g_ptr_array_index (undo->files, i), disks))
      return TRUE;
  return FALSE;
}

/* --- finding them again --- */

static const VbDisk *
find_disk (const VbUndoFile *file, GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      if (g_str_equal (disk->target, file->target))
        return disk;
    }
  return NULL;
}

/* What has taken the disk's place since is not to be lost: a snapshot on top, another file. */
static gboolean
is_as_restored (const VbUndoFile *file, GPtrArray *disks)
{
  const VbDisk *disk = find_disk (file, disks);
  char *real = disk && !disk->is_block ? realpath (disk->path, NULL) : NULL;
  struct stat info;
  gboolean same = g_strcmp0 (real, file->path) == 0 && lstat (file->path, &info) == 0
                  && info.st_ino == file->inode;

  free (real);
  return same;
}

static gboolean
check_file (const VbUndoFile *file, GPtrArray *disks, GError **error)
{
  if (is_as_restored (file, disks))
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
               "The disk %s is not the one that the restore has put in place (%s); it was replaced "
               "or has a snapshot on top, so the restore cannot be undone",
               file->target, file->path);
  return FALSE;
}

VbImageStaging *
vb_kept_images_find (const VbUndo *undo, GPtrArray *disks, GError **error)
{
  g_autoptr (VbImageStaging) staging = vb_image_staging_new (undo->operation, error);

  for (guint i = 0; staging != NULL && i < undo->files->len; i++)
    {
      const VbUndoFile *file = g_ptr_array_index (undo->files, i);
      if (disks != NULL && !check_file (file, disks, error))
        return NULL;
      VbStagedFile *added = vb_image_staging_add (staging, file->target, file->path, error);
      if (added == NULL)
        return NULL;
      if (disks != NULL && !vb_staged_file_is_swapped (added))
        {
          vb_error_set_public (error, VB_ERROR_NOT_FOUND);
          return NULL;
        }
    }
  return g_steal_pointer (&staging);
}

/* --- deleting them --- */

static gboolean
drop_file (const VbUndo *undo, const VbUndoFile *file, gboolean even_the_last, GError **error)
{
  g_autofree char *name = g_path_get_basename (file->path);
  g_autofree char *old_name = vb_staged_file_dup_old_name (name, undo->operation);
  g_autofree char *parent = g_path_get_dirname (file->path);
  struct stat info;

  if (lstat (parent, &info) != 0 && errno == ENOENT)
    return TRUE;
  vb_autofd int folder = open_folder (file, error);
  if (folder < 0)
    return FALSE;
  if (!vb_files_exists (folder, old_name))
    return TRUE;
  if (!even_the_last && !vb_files_exists (folder, name))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "The image of %s is gone; the one that was kept at the restore stays",
                   file->target);
      return FALSE;
    }
  return VB_FAULT_AROUND (vb_files_remove (folder, old_name, error), "kept.remove.%s", file->target)
         && vb_files_sync (folder, "the folder", error);
}

gboolean
vb_kept_images_drop (const VbUndo *undo, gboolean even_the_last, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < undo->files->len; i++)
    ok = drop_file (undo, g_ptr_array_index (undo->files, i), even_the_last, ok ? error : NULL)
         && ok;
  return ok;
}
