/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-staging.h"

G_BEGIN_DECLS

/**
 * VbImageStaging:
 *
 * New images beside disks that are files. It remembers nothing but where they are: what was done is told by
 * the names that are there, so that after a crash it can be made anew.
 *
 * | name beside DISK | |
 * |---|---|
 * | `.DISK.vps-backup.OPERATION.partial` | new image that is being written |
 * | `.DISK.vps-backup.OPERATION.new` | new image, whole and synced |
 * | `.DISK.vps-backup.OPERATION.old` | the old image, after the swap |
 */
#define VB_TYPE_IMAGE_STAGING (vb_image_staging_get_type ())
G_DECLARE_FINAL_TYPE (VbImageStaging, vb_image_staging, VB, IMAGE_STAGING, GObject)

/**
 * vb_image_staging_new:
 * @operation: id of the operation
 *
 * Returns: (transfer full) (nullable): a staging without disks; %NULL when @operation is not an id
 */
VbImageStaging *vb_image_staging_new (const char *operation, GError **error);

/**
 * vb_image_staging_recover:
 * @disks: (element-type VbDisk): the disks of the VPS
 *
 * Returns: (transfer full) (nullable): the staging that @operation has left beside @disks
 */
VbImageStaging *vb_image_staging_recover (const char *operation, GPtrArray *disks, GError **error);

/**
 * vb_image_staging_add:
 * @target: name of the disk
 * @path: absolute path of its image; symbolic links are resolved
 *
 * Returns: %FALSE when the folder of @path cannot be opened or its name is too long to have others made of it
 */
gboolean vb_image_staging_add (VbImageStaging *self, const char *target, const char *path, GError **error);

/** vb_image_staging_create: Returns: a descriptor of the new, empty image of disk number @index, or -1 */
int vb_image_staging_create (VbImageStaging *self, guint index, GError **error);

/** vb_image_staging_dup_new_path: Returns: (transfer full): absolute path of the new image of disk number @index */
char *vb_image_staging_dup_new_path (VbImageStaging *self, guint index);

/** vb_image_staging_open_disk: Returns: a descriptor of the present image of disk number @index for reading, or -1 */
int vb_image_staging_open_disk (VbImageStaging *self, guint index, GError **error);

/** vb_image_staging_get_folder: Returns: descriptor of the folder of disk number @index, owned by @self */
int vb_image_staging_get_folder (VbImageStaging *self, guint index);

/** vb_image_staging_complete: all new images are whole and synced: gives them their names */
gboolean vb_image_staging_complete (VbImageStaging *self, GError **error);

G_END_DECLS
