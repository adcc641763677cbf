/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-image-staging.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "vb-disk.h"
#include "vb-error.h"
#include "vb-files.h"

#define MAX_XATTR_BYTES (64 * 1024)

typedef struct
{
  char *target;
  char *folder_path;
  int folder;
  char *name;
  char *partial;
  char *new_name;
  char *old_name;
} Entry;

struct _VbImageStaging
{
  GObject parent_instance;

  char *operation;
  GPtrArray *entries; /* (element-type Entry) */
  gboolean complete;  /* made by us just now: every new image must be there for a swap */
};

static void vb_image_staging_iface_init (VbStagingInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbImageStaging,
                               vb_image_staging,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_STAGING, vb_image_staging_iface_init))

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  vb_fd_clear (&entry->folder);
  g_free (entry->target);
  g_free (entry->folder_path);
  g_free (entry->name);
  g_free (entry->partial);
  g_free (entry->new_name);
  g_free (entry->old_name);
  g_free (entry);
}

static Entry *
get_entry (VbImageStaging *self, guint index)
{
  return g_ptr_array_index (self->entries, index);
}

static gboolean
is_same_file (const Entry *entry, const char *a, const char *b)
{
  struct stat first, second;
  return fstatat (entry->folder, a, &first, AT_SYMLINK_NOFOLLOW) == 0
         && fstatat (entry->folder, b, &second, AT_SYMLINK_NOFOLLOW) == 0 && first.st_dev == second.st_dev
         && first.st_ino == second.st_ino;
}

static gboolean
is_entry_swapped (const Entry *entry)
{
  return vb_files_exists (entry->folder, entry->old_name) && !vb_files_exists (entry->folder, entry->new_name)
         && !is_same_file (entry, entry->name, entry->old_name);
}

/* --- swap --- */

/* Access control lists and security labels. What libvirt notes for itself ("trusted.") belongs to the old file. */
static void
copy_attributes (int from, int to)
{
  g_autofree char *names = g_malloc (MAX_XATTR_BYTES);
  g_autofree char *value = g_malloc (MAX_XATTR_BYTES);

  gssize length = flistxattr (from, names, MAX_XATTR_BYTES);
  for (const char *name = names; length > 0 && name < names + length; name += strlen (name) + 1)
    {
      gssize n = g_str_has_prefix (name, "trusted.") ? -1 : fgetxattr (from, name, value, MAX_XATTR_BYTES);
      if (n >= 0)
        (void) fsetxattr (to, name, value, (gsize) n, 0); /* a file system may refuse what it has not asked for */
    }
}

static gboolean
copy_owner (const Entry *entry, GError **error)
{
  struct stat info;

  vb_autofd int from = vb_files_open (entry->folder, entry->name, O_RDONLY, error);
  vb_autofd int to = from >= 0 ? vb_files_open (entry->folder, entry->new_name, O_RDWR, error) : -1;
  if (to < 0)
    return FALSE;
  if (fstat (from, &info) != 0 || fchown (to, info.st_uid, info.st_gid) != 0 || fchmod (to, info.st_mode & 07777) != 0)
    {
      vb_error_set_errno (error, errno, "Copying the owner of %s", entry->target);
      return FALSE;
    }
  copy_attributes (from, to);
  return vb_files_sync (to, "the new image", error);
}

static gboolean
swap_entry (const Entry *entry, gboolean must_be_there, GError **error)
{
  if (!vb_files_exists (entry->folder, entry->new_name))
    {
      if (!must_be_there || vb_files_exists (entry->folder, entry->old_name))
        return TRUE; /* nothing to do, or done before */
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The new image of %s is gone", entry->target);
      return FALSE;
    }
  if (!copy_owner (entry, error))
    return FALSE;
  if (linkat (entry->folder, entry->name, entry->folder, entry->old_name, 0) != 0
      && !(errno == EEXIST && is_same_file (entry, entry->name, entry->old_name)))
    {
      vb_error_set_errno (error, errno, "Keeping the old image of %s", entry->target);
      return FALSE;
    }
  return vb_files_rename (entry->folder, entry->new_name, entry->name, error);
}

static gboolean
undo_entry (const Entry *entry, GError **error)
{
  if (!vb_files_exists (entry->folder, entry->old_name))
    return TRUE;
  if (is_same_file (entry, entry->name, entry->old_name))
    return vb_files_remove (entry->folder, entry->old_name, error) && vb_files_sync (entry->folder, "the folder", error);

  /* The new image keeps a name of its own until it is discarded. */
  if (linkat (entry->folder, entry->name, entry->folder, entry->new_name, 0) != 0 && errno != EEXIST && errno != ENOENT)
    {
      vb_error_set_errno (error, errno, "Keeping the new image of %s", entry->target);
      return FALSE;
    }
  return vb_files_rename (entry->folder, entry->old_name, entry->name, error);
}

static gboolean
staging_undo (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  gboolean ok = TRUE;

  /* As much as can be: the first failure is told. */
  for (guint i = self->entries->len; i > 0; i--)
    ok = undo_entry (get_entry (self, i - 1), ok ? error : NULL) && ok;
  return ok;
}

static gboolean
staging_swap (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);

  for (guint i = 0; i < self->entries->len; i++)
    if (!swap_entry (get_entry (self, i), self->complete, error))
      {
        g_autoptr (GError) worse = NULL;
        if (!staging_undo (staging, &worse))
          g_prefix_error (error, "%s, and before: ", worse->message);
        return FALSE;
      }
  return TRUE;
}

static gboolean
staging_finish (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = get_entry (self, i);
      if (!vb_files_exists (entry->folder, entry->old_name))
        continue;
      if (!vb_files_exists (entry->folder, entry->name))
        {
          g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The image of %s is gone; its old one is kept", entry->target);
          return FALSE;
        }
      if (!vb_files_remove (entry->folder, entry->old_name, error)
          || !vb_files_sync (entry->folder, "the folder", error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
staging_discard (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  gboolean ok = TRUE;

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = get_entry (self, i);
      gboolean removed = vb_files_remove (entry->folder, entry->partial, ok ? error : NULL)
                         && vb_files_remove (entry->folder, entry->new_name, ok ? error : NULL)
                         && vb_files_sync (entry->folder, "the folder", ok ? error : NULL);
      ok = ok && removed;
    }
  return ok;
}

static gboolean
staging_is_swapped (VbStaging *staging)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  gboolean swapped = FALSE;

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = get_entry (self, i);
      if (is_entry_swapped (entry))
        swapped = TRUE;
      else if (self->complete || vb_files_exists (entry->folder, entry->new_name))
        return FALSE;
    }
  return swapped;
}

static void
vb_image_staging_iface_init (VbStagingInterface *iface)
{
  iface->swap = staging_swap;
  iface->undo = staging_undo;
  iface->finish = staging_finish;
  iface->discard = staging_discard;
  iface->is_swapped = staging_is_swapped;
}

/* --- lifecycle --- */

static void
vb_image_staging_finalize (GObject *object)
{
  VbImageStaging *self = VB_IMAGE_STAGING (object);

  g_ptr_array_unref (self->entries);
  g_free (self->operation);
  G_OBJECT_CLASS (vb_image_staging_parent_class)->finalize (object);
}

static void
vb_image_staging_class_init (VbImageStagingClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_image_staging_finalize;
}

static void
vb_image_staging_init (VbImageStaging *self)
{
  self->entries = g_ptr_array_new_with_free_func (entry_free);
}

VbImageStaging *
vb_image_staging_new (const char *operation, GError **error)
{
  if (!g_uuid_string_is_valid (operation))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "The operation has no valid id");
      return NULL;
    }
  VbImageStaging *self = g_object_new (VB_TYPE_IMAGE_STAGING, NULL);
  self->operation = g_strdup (operation);
  return self;
}

VbImageStaging *
vb_image_staging_recover (const char *operation, GPtrArray *disks, GError **error)
{
  g_autoptr (VbImageStaging) self = vb_image_staging_new (operation, error);

  for (guint i = 0; self && i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      if (!vb_image_staging_add (self, disk->target, disk->path, error))
        return NULL;
    }
  return g_steal_pointer (&self);
}

/* --- building --- */

gboolean
vb_image_staging_add (VbImageStaging *self, const char *target, const char *path, GError **error)
{
  g_autofree char *real = realpath (path, NULL);
  if (real == NULL)
    {
      vb_error_set_errno (error, errno, "Looking for the image of %s", target);
      return FALSE;
    }

  Entry *entry = g_new0 (Entry, 1);
  entry->folder_path = g_path_get_dirname (real);
  entry->target = g_strdup (target);
  entry->name = g_path_get_basename (real);
  entry->partial = g_strdup_printf (".%s.vps-backup.%s.partial", entry->name, self->operation);
  entry->new_name = g_strdup_printf (".%s.vps-backup.%s.new", entry->name, self->operation);
  entry->old_name = g_strdup_printf (".%s.vps-backup.%s.old", entry->name, self->operation);
  entry->folder = vb_files_open_folder (AT_FDCWD, entry->folder_path, error);
  g_ptr_array_add (self->entries, entry);
  if (entry->folder < 0)
    return FALSE;
  if (strlen (entry->partial) > NAME_MAX)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, "The file name of the image of %s is too long", target);
      return FALSE;
    }
  return TRUE;
}

int
vb_image_staging_create (VbImageStaging *self, guint index, GError **error)
{
  const Entry *entry = get_entry (self, index);
  return vb_files_remove (entry->folder, entry->partial, error) ? vb_files_create (entry->folder, entry->partial, error)
                                                                : -1;
}

char *
vb_image_staging_dup_new_path (VbImageStaging *self, guint index)
{
  const Entry *entry = get_entry (self, index);
  return g_build_filename (entry->folder_path, entry->partial, NULL);
}

int
vb_image_staging_open_disk (VbImageStaging *self, guint index, GError **error)
{
  const Entry *entry = get_entry (self, index);
  return vb_files_open (entry->folder, entry->name, O_RDONLY, error);
}

int
vb_image_staging_get_folder (VbImageStaging *self, guint index)
{
  return get_entry (self, index)->folder;
}

gboolean
vb_image_staging_complete (VbImageStaging *self, GError **error)
{
  for (guint i = 0; i < self->entries->len; i++)
    if (!vb_files_rename (get_entry (self, i)->folder, get_entry (self, i)->partial, get_entry (self, i)->new_name, error))
      return FALSE;
  self->complete = TRUE;
  return TRUE;
}
