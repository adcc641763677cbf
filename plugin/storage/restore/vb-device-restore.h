/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-disk.h"
#include "storage/layout/vb-pool-layout.h"
#include "core/model/vb-transfer.h"

#include "core/model/vb-backup-info.h"

G_BEGIN_DECLS

/**
 * VbDeviceRestoreState:
 * @VB_IN_PLACE_STAGED: the backup has been verified; no device is touched
 * @VB_IN_PLACE_WRITING: some devices may be half overwritten: there is only the way forward
 * @VB_IN_PLACE_WRITTEN: all devices are whole and synced
 */
typedef enum
{
  VB_IN_PLACE_STAGED,
  VB_IN_PLACE_WRITING,
  VB_IN_PLACE_WRITTEN,
} VbDeviceRestoreState;

/**
 * VbDeviceRestore:
 *
 * The part of a restore that overwrites block devices, which can neither be swapped nor put back.
 * What it does
 * is noted in the pool before it is done, so that after a crash it can be completed: file
 * `.restore.OPERATION.json` in the pool's folder:
 *
 * | member | type | |
 * |---|---|---|
 * | `format` | string | "vps-backup restore" |
 * | `version` | integer | 1 |
 * | `vps`, `backup` | string | UUIDs |
 * | `state` | string | "staged", "writing" or "written" |
 * | `disks` | array of objects | `target`, `path` (of the device) |
 *
 * Versions: 1 is the first. One thread at a time.
 */
typedef struct _VbDeviceRestore VbDeviceRestore;

/** vb_device_restore_new: Returns: (transfer full): a restore without disks */
VbDeviceRestore *vb_device_restore_new (const VbPoolLayout *folder,
                                        const char *operation,
                                        const char *vps,
                                        const char *backup);
void vb_device_restore_free (VbDeviceRestore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDeviceRestore, vb_device_restore_free)

/**
 * vb_device_restore_load:
 * @disks: (element-type VbDisk): the disks of the VPS. Only these are overwritten, wherever they
 *   are now: a note in a shared pool must not name us other devices
 * @found: (out) (transfer full) (nullable): what @operation has noted, or %NULL
 *
 * Returns: %FALSE with %VB_ERROR_POOL_UNAVAILABLE when nobody can know, or %VB_ERROR_DISK_MISSING
 */
gboolean vb_device_restore_load (const VbPoolLayout *folder,
                                 const char *operation,
                                 GPtrArray *disks,
                                 VbDeviceRestore **found,
                                 GError **error);

/**
 * vb_device_restore_find:
 * @vps: (out) (transfer full): whose devices @operation was overwriting
 * @backup: (out) (transfer full): with what
 *
 * Returns: %FALSE with %VB_ERROR_NOT_FOUND when it has noted nothing, %VB_ERROR_POOL_UNAVAILABLE
 */
gboolean vb_device_restore_find (const VbPoolLayout *folder,
                                 const char *operation,
                                 char **vps,
                                 char **backup,
                                 GError **error);

/**
 * vb_device_restore_add:
 * @from: the disk in the backup
 *
 * Returns: %FALSE with %VB_ERROR_UNSUPPORTED_DISK unless @path is a block device that can be
 * written, or %VB_ERROR_INSUFFICIENT_SPACE when it is too small
 */
gboolean vb_device_restore_add (VbDeviceRestore *self,
                                const char *target,
                                const char *path,
                                const VbBackupDisk *from,
                                GError **error);

/** vb_device_restore_get_count: Returns: number of devices */
guint vb_device_restore_get_count (VbDeviceRestore *self);

/** vb_device_restore_note: notes that all has been verified; durable on return */
gboolean vb_device_restore_note (VbDeviceRestore *self, GError **error);

VbDeviceRestoreState vb_device_restore_get_state (VbDeviceRestore *self);

/**
 * vb_device_restore_write:
 * @transfer: (nullable): what is written is added; its bandwidth limit is kept. It cannot be
 * cancelled
 *
 * Overwrites all devices; every chunk is checked against its sum first. If it fails in state
 * %VB_IN_PLACE_WRITING it has to be called again until it succeeds: before that no device may be
 * used.
 */
gboolean vb_device_restore_write (VbDeviceRestore *self, VbTransfer *transfer, GError **error);

/** vb_device_restore_forget: removes the note; %VB_ERROR_TOO_LATE while devices are half
 * overwritten */
gboolean vb_device_restore_forget (VbDeviceRestore *self, GError **error);

G_END_DECLS
