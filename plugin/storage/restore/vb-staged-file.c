/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-staged-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"

#define MAX_XATTR_BYTES (64 * 1024)

struct _VbStagedFile
{
  char *target;
  char *folder_path;
  int folder;
  char *name;
  char *partial;
  char *new_name;
  char *old_name;
};

/* --- making it --- */

/* A name that leaves no room for ours is told by its sum. */
static char *
name_beside (const char *name, const char *operation, const char *what)
{
  char *own = g_strdup_printf (".%s.vps-backup.%s.%s", name, operation, what);
  g_autofree char *sum = NULL;

  if (strlen (own) <= NAME_MAX)
    return own;
  g_free (own);
  sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);
  return g_strdup_printf (".%.32s.vps-backup.%s.%s", sum, operation, what);
}

char *
vb_staged_file_dup_old_name (const char *name, const char *operation)
{
  return name_beside (name, operation, "old");
}

VbStagedFile *
vb_staged_file_new (const char *operation, const char *target, const char *path, GError **error)
{
  char *real = realpath (path, NULL);
  if (real == NULL)
    {
      vb_error_set_errno (error, errno, "Failed to find the image of %s", target);
      return NULL;
    }

  g_autoptr (VbStagedFile) self = g_new0 (VbStagedFile, 1);
  self->target = g_strdup (target);
  self->folder_path = g_path_get_dirname (real);
  self->name = g_path_get_basename (real);
  free (real);
  self->partial = name_beside (self->name, operation, "partial");
  self->new_name = name_beside (self->name, operation, "new");
  self->old_name = name_beside (self->name, operation, "old");
  self->folder = vb_files_open_folder (AT_FDCWD, self->folder_path, error);
  if (self->folder < 0)
    return NULL;
  return g_steal_pointer (&self);
}

void
vb_staged_file_free (VbStagedFile *self)
{
  vb_fd_clear (&self->folder);
  g_free (self->target);
  g_free (self->folder_path);
  g_free (self->name);
  g_free (self->partial);
  g_free (self->new_name);
  g_free (self->old_name);
  g_free (self);
}

int
vb_staged_file_create (VbStagedFile *self, GError **error)
{
  return vb_files_remove (self->folder, self->partial, error)
             ? vb_files_create (self->folder, self->partial, error)
             : -1;
}

int
vb_staged_file_open_disk (VbStagedFile *self, GError **error)
{
  return vb_files_open (self->folder, self->name, O_RDONLY, error);
}

char *
vb_staged_file_dup_new_path (VbStagedFile *self)
{
  return g_build_filename (self->folder_path, self->partial, NULL);
}

const char *
vb_staged_file_get_target (VbStagedFile *self)
{
  return self->target;
}

char *
vb_staged_file_dup_path (VbStagedFile *self)
{
  return g_build_filename (self->folder_path, self->name, NULL);
}

int
vb_staged_file_get_folder (VbStagedFile *self)
{
  return self->folder;
}

gboolean
vb_staged_file_complete (VbStagedFile *self, GError **error)
{
  return VB_FAULT_AROUND (vb_files_rename (self->folder, self->partial, self->new_name, error),
                          "staged.complete.%s", self->target);
}

/* --- putting it in place --- */

static gboolean
is_same_file (VbStagedFile *self, const char *a, const char *b)
{
  struct stat first, second;
  return fstatat (self->folder, a, &first, AT_SYMLINK_NOFOLLOW) == 0
         && fstatat (self->folder, b, &second, AT_SYMLINK_NOFOLLOW) == 0
         && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

gboolean
vb_staged_file_has_new (VbStagedFile *self)
{
  return vb_files_exists (self->folder, self->new_name);
}

gboolean
vb_staged_file_is_swapped (VbStagedFile *self)
{
  return vb_files_exists (self->folder, self->old_name) && !vb_staged_file_has_new (self)
         && !is_same_file (self, self->name, self->old_name);
}

/* Access control lists and security labels. What libvirt notes for itself ("trusted.") belongs to
 * the old file. */
static void
copy_attributes (int from, int to)
{
  g_autofree char *names = g_malloc (MAX_XATTR_BYTES);
  g_autofree char *value = g_malloc (MAX_XATTR_BYTES);

  gssize length = flistxattr (from, names, MAX_XATTR_BYTES);
  for (const char *name = names; length > 0 && name < names + length; name += strlen (name) + 1)
    {
      gssize n = g_str_has_prefix (name, "trusted.")
                     ? -1
                     : fgetxattr (from, name, value, MAX_XATTR_BYTES);
      if (n >= 0)
        (void) fsetxattr (to, name, value, (gsize) n,
                          0); /* a file system may refuse what it has not asked for */
    }
}

static gboolean
copy_owner (VbStagedFile *self, GError **error)
{
  struct stat info;

  vb_autofd int from = vb_files_open (self->folder, self->name, O_RDONLY, error);
  vb_autofd int to = from >= 0 ? vb_files_open (self->folder, self->new_name, O_RDWR, error) : -1;
  if (to < 0)
    return FALSE;
  if (fstat (from, &info) != 0 || fchown (to, info.st_uid, info.st_gid) != 0
      || fchmod (to, info.st_mode & 07777) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to copy the owner of %s", self->target);
      return FALSE;
    }
  copy_attributes (from, to);
  return vb_files_sync (to, "the new image", error);
}

gboolean
vb_staged_file_swap (VbStagedFile *self, gboolean must, GError **error)
{
  if (!vb_files_exists (self->folder, self->new_name))
    {
      if (!must || vb_files_exists (self->folder, self->old_name))
        return TRUE; /* nothing to do, or done before */
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The new image of %s is gone", self->target);
      return FALSE;
    }
  if (!copy_owner (self, error))
    return FALSE;
  if (VB_FAULT_AROUND (linkat (self->folder, self->name, self->folder, self->old_name, 0),
                       "swap.link.%s", self->target)
          != 0
      && !(errno == EEXIST && is_same_file (self, self->name, self->old_name)))
    {
      vb_error_set_errno (error, errno, "Failed to keep the old image of %s", self->target);
      return FALSE;
    }
  return VB_FAULT_AROUND (vb_files_rename (self->folder, self->new_name, self->name, error),
                          "swap.rename.%s", self->target);
}

gboolean
vb_staged_file_undo (VbStagedFile *self, GError **error)
{
  if (!vb_files_exists (self->folder, self->old_name))
    return TRUE;
  if (is_same_file (self, self->name, self->old_name))
    return vb_files_remove (self->folder, self->old_name, error)
           && vb_files_sync (self->folder, "the folder", error);

  /* The new image keeps a name of its own until it is discarded. */
  if (VB_FAULT_AROUND (linkat (self->folder, self->name, self->folder, self->new_name, 0),
                       "undo.link.%s", self->target)
          != 0
      && errno != EEXIST && errno != ENOENT)
    {
      vb_error_set_errno (error, errno, "Failed to keep the new image of %s", self->target);
      return FALSE;
    }
  return VB_FAULT_AROUND (vb_files_rename (self->folder, self->old_name, self->name, error),
                          "undo.rename.%s", self->target);
}

gboolean
vb_staged_file_finish (VbStagedFile *self, GError **error)
{
  if (!vb_files_exists (self->folder, self->old_name))
    return TRUE;
  if (!vb_files_exists (self->folder, self->name))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "The image of %s is gone; its old one is kept", self->target);
      return FALSE;
    }
  return VB_FAULT_AROUND (vb_files_remove (self->folder, self->old_name, error), "finish.remove.%s",
                          self->target)
         && vb_files_sync (self->folder, "the folder", error);
}

gboolean
vb_staged_file_discard (VbStagedFile *self, GError **error)
{
  return vb_files_remove (self->folder, self->partial, error)
         && vb_files_remove (self->folder, self->new_name, error)
         && vb_files_sync (self->folder, "the folder", error);
}
