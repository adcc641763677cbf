/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-backup-info.h"
#include "vb-disk.h"

G_BEGIN_DECLS

/**
 * VbDiskIsSame:
 * @disk: a disk of the VPS
 * @from: a disk of a backup, whose origin is known
 *
 * Returns: whether another backup of the VPS proves that they are one
 */
typedef gboolean (*VbDiskIsSame) (const VbDisk *disk, const VbBackupDisk *from, gpointer user_data);

/**
 * vb_disk_map_restore:
 * @backup: to be restored
 * @disks: (element-type VbDisk): those of the VPS
 * @is_same: (nullable): asked where ids and paths do not tell
 * @error: (out) (optional): %VB_ERROR_DISK_MISSING
 *
 * Where each disk of @backup goes: to the one of its name if all names are there, else by id, path,
 * name, and, where only one is left on both sides or sizes are unique, by that. A disk that is
 * another one than then is not overwritten. Any thread.
 *
 * Returns: (transfer full) (nullable) (element-type utf8 VbDisk): target in @backup → one of @disks
 */
GHashTable *vb_disk_map_restore (const VbBackupInfo *backup,
                                 GPtrArray *disks,
                                 VbDiskIsSame is_same,
                                 gpointer user_data,
                                 GError **error);

/**
 * vb_disk_map_clone:
 * @backup: of another VPS
 * @disks: (element-type VbDisk): those of the VPS that is to hold its data
 * @error: (out) (optional): %VB_ERROR_DISK_MISSING, also when a disk is too small
 *
 * Where each disk of @backup goes when the disks of the VPS are other ones on purpose: to the one
 * of its name, which must be of its size at least. Any thread.
 *
 * Returns: as vb_disk_map_restore()
 */
GHashTable *vb_disk_map_clone (const VbBackupInfo *backup, GPtrArray *disks, GError **error);

G_END_DECLS
