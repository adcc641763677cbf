/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-disk.h"
#include "vb-device-restore.h"
#include "storage/layout/vb-manifest.h"
#include "vb-staged-file.h"
#include "core/interfaces/vb-staging.h"

G_BEGIN_DECLS

/**
 * VbImageStaging:
 *
 * New images beside disks that are files (see #VbStagedFile), and devices that are to be
 * overwritten (see #VbDeviceRestore). Once swap() has begun with the devices, undo() and discard()
 * fail with %VB_ERROR_TOO_LATE: the VPS must stay off until a further swap() has succeeded.
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
 * @folder: the pool
 * @disks: (element-type VbDisk): the disks of the VPS
 *
 * Returns: (transfer full) (nullable): the staging that @operation has left beside @disks. %NULL
 *   with %VB_ERROR_POOL_UNAVAILABLE when one of them is a device and the pool, which knows of
 *   these, is not there
 */
VbImageStaging *vb_image_staging_recover (const VbPoolLayout *folder,
                                          const char *operation,
                                          GPtrArray *disks,
                                          GError **error);

/** vb_image_staging_find_disk: Returns: (transfer none) (nullable): the one of @disks (element-type
 * VbDisk) called @target */
const VbDisk *vb_image_staging_find_disk (GPtrArray *disks, const char *target);

/** vb_image_staging_add: Returns: (transfer none) (nullable): a new entry, see
 * vb_staged_file_new() */
VbStagedFile *
vb_image_staging_add (VbImageStaging *self, const char *target, const char *path, GError **error);

/**
 * vb_image_staging_add_nvram:
 * @manifest: of the backup
 * @disks: (element-type VbDisk): those of the VPS
 * @file: (out) (transfer none) (nullable): where its UEFI variables are to be put; %NULL when the
 * backup or the VPS has none
 */
gboolean vb_image_staging_add_nvram (VbImageStaging *self,
                                     const VbManifest *manifest,
                                     GPtrArray *disks,
                                     VbStagedFile **file,
                                     GError **error);

/** vb_image_staging_set_in_place: @in_place: (transfer full): devices to be overwritten by
 * swap() */
void vb_image_staging_set_in_place (VbImageStaging *self, VbDeviceRestore *in_place);

/** vb_image_staging_set_restored: @target: a disk that gets @from of the backup */
void
vb_image_staging_set_restored (VbImageStaging *self, const char *target, const VbBackupDisk *from);

/** vb_image_staging_get_files: Returns: (transfer none) (element-type VbStagedFile): all entries */
GPtrArray *vb_image_staging_get_files (VbImageStaging *self);

/** vb_image_staging_complete: all new images are whole and synced: gives them their names */
gboolean vb_image_staging_complete (VbImageStaging *self, GError **error);

G_END_DECLS
