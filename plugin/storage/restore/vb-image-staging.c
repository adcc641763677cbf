/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-image-staging.h"

#include "core/base/vb-error.h"

struct _VbImageStaging
{
  GObject parent_instance;

  char *operation;
  GPtrArray *files;          /* (element-type VbStagedFile) */
  VbDeviceRestore *in_place; /* (nullable) */
  GHashTable *restored;      /* (nullable): target → id */
  gboolean complete;         /* made by us just now: every new image must be there for a swap */
};

static void vb_image_staging_iface_init (VbStagingInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbImageStaging,
                               vb_image_staging,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_STAGING, vb_image_staging_iface_init))

/* --- VbStaging --- */

static gboolean
undo_files (VbImageStaging *self, GError **error)
{
  gboolean ok = TRUE;

  /* As much as can be: the first failure is told. */
  for (guint i = self->files->len; i > 0; i--)
    ok = vb_staged_file_undo (g_ptr_array_index (self->files, i - 1), ok ? error : NULL) && ok;
  return ok;
}

static gboolean
staging_is_in_place (VbStaging *staging)
{
  return VB_IMAGE_STAGING (staging)->in_place != NULL;
}

static gboolean
staging_can_undo (VbStaging *staging)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  return self->in_place == NULL
         || vb_device_restore_get_state (self->in_place) == VB_IN_PLACE_STAGED;
}

static gboolean
staging_undo (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);

  if (!staging_can_undo (staging))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_TOO_LATE,
                           "A device that was overwritten cannot be put back");
      return FALSE;
    }
  return undo_files (self, error);
}

static gboolean
staging_swap (VbStaging *staging, VbTransfer *transfer, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < self->files->len; i++)
    ok = vb_staged_file_swap (g_ptr_array_index (self->files, i), self->complete, error);
  /* The devices last: what comes before can be undone. */
  ok = ok && (self->in_place == NULL || vb_device_restore_write (self->in_place, transfer, error));
  if (ok || !staging_can_undo (staging))
    return ok;

  g_autoptr (GError) worse = NULL;
  if (!undo_files (self, &worse))
    g_prefix_error (error, "%s, and before: ", worse->message);
  return FALSE;
}

static gboolean
staging_finish (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);

  for (guint i = 0; i < self->files->len; i++)
    if (!vb_staged_file_finish (g_ptr_array_index (self->files, i), error))
      return FALSE;
  return self->in_place == NULL || vb_device_restore_forget (self->in_place, error);
}

static gboolean
staging_discard (VbStaging *staging, GError **error)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);

  if (self->in_place && !vb_device_restore_forget (self->in_place, error))
    return FALSE;
  gboolean ok = TRUE;
  for (guint i = 0; i < self->files->len; i++)
    ok = vb_staged_file_discard (g_ptr_array_index (self->files, i), ok ? error : NULL) && ok;
  return ok;
}

static gboolean
staging_is_swapped (VbStaging *staging)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  gboolean swapped = self->in_place != NULL;

  if (self->in_place && vb_device_restore_get_state (self->in_place) != VB_IN_PLACE_WRITTEN)
    return FALSE;
  for (guint i = 0; i < self->files->len; i++)
    {
      VbStagedFile *file = g_ptr_array_index (self->files, i);
      if (vb_staged_file_is_swapped (file))
        swapped = TRUE;
      else if (self->complete || vb_staged_file_has_new (file))
        return FALSE;
    }
  return swapped;
}

static GHashTable *
staging_dup_restored (VbStaging *staging)
{
  VbImageStaging *self = VB_IMAGE_STAGING (staging);
  return self->restored ? g_hash_table_ref (self->restored) : NULL;
}

static void
vb_image_staging_iface_init (VbStagingInterface *iface)
{
  iface->swap = staging_swap;
  iface->is_in_place = staging_is_in_place;
  iface->can_undo = staging_can_undo;
  iface->undo = staging_undo;
  iface->finish = staging_finish;
  iface->discard = staging_discard;
  iface->is_swapped = staging_is_swapped;
  iface->dup_restored = staging_dup_restored;
}

/* --- lifecycle --- */

static void
vb_image_staging_finalize (GObject *object)
{
  VbImageStaging *self = VB_IMAGE_STAGING (object);

  g_ptr_array_unref (self->files);
  g_clear_pointer (&self->in_place, vb_device_restore_free);
  g_clear_pointer (&self->restored, g_hash_table_unref);
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
  self->files = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_staged_file_free);
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
vb_image_staging_recover (const VbPoolLayout *folder,
                          const char *operation,
                          GPtrArray *disks,
                          GError **error)
{
  g_autoptr (VbImageStaging) self = vb_image_staging_new (operation, error);
  gboolean has_devices = FALSE;

  for (guint i = 0; self && i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      has_devices = has_devices || disk->is_block;
      if (!disk->is_block && vb_image_staging_add (self, disk->target, disk->path, error) == NULL)
        return NULL;
    }
  if (self && has_devices
      && !vb_device_restore_load (folder, operation, disks, &self->in_place, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* --- building --- */

const VbDisk *
vb_image_staging_find_disk (GPtrArray *disks, const char *target)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      if (!disk->is_nvram && g_str_equal (disk->target, target))
        return disk;
    }
  return NULL;
}

gboolean
vb_image_staging_add_nvram (VbImageStaging *self,
                            const VbManifest *manifest,
                            GPtrArray *disks,
                            VbStagedFile **file,
                            GError **error)
{
  *file = NULL;
  for (guint i = 0; manifest->has_nvram && i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      if (disk->is_nvram)
        *file = vb_image_staging_add (self, disk->target, disk->path, error);
      if (disk->is_nvram && *file == NULL)
        return FALSE;
    }
  return TRUE;
}

VbStagedFile *
vb_image_staging_add (VbImageStaging *self, const char *target, const char *path, GError **error)
{
  VbStagedFile *file = vb_staged_file_new (self->operation, target, path, error);
  if (file)
    g_ptr_array_add (self->files, file);
  return file;
}

void
vb_image_staging_set_in_place (VbImageStaging *self, VbDeviceRestore *in_place)
{
  g_clear_pointer (&self->in_place, vb_device_restore_free);
  self->in_place = in_place;
}

void
vb_image_staging_set_restored (VbImageStaging *self, const char *target, const VbBackupDisk *from)
{
  if (self->restored == NULL)
    self->restored = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_replace (self->restored, g_strdup (target),
                        g_strdup (from->origin && from->origin->id ? from->origin->id : ""));
}

GPtrArray *
vb_image_staging_get_files (VbImageStaging *self)
{
  return self->files;
}

gboolean
vb_image_staging_complete (VbImageStaging *self, GError **error)
{
  for (guint i = 0; i < self->files->len; i++)
    if (!vb_staged_file_complete (g_ptr_array_index (self->files, i), error))
      return FALSE;
  if (self->in_place && !vb_device_restore_note (self->in_place, error))
    return FALSE;
  self->complete = TRUE;
  return TRUE;
}
