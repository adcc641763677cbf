/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-disk.h"
#include "vb-pool-folder.h"
#include "vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbInPlaceState:
 * @VB_IN_PLACE_STAGED: the backup has been verified; no device is touched
 * @VB_IN_PLACE_WRITING: some devices may be half overwritten: there is only the way forward
 * @VB_IN_PLACE_WRITTEN: all devices are whole and synced
 */
typedef enum
{
  VB_IN_PLACE_STAGED,
  VB_IN_PLACE_WRITING,
  VB_IN_PLACE_WRITTEN,
} VbInPlaceState;

/**
 * VbInPlace:
 *
 * The part of a restore that overwrites block devices, which can neither be swapped nor put back. What it does
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
typedef struct _VbInPlace VbInPlace;

/** vb_in_place_new: Returns: (transfer full): a restore without disks */
VbInPlace *vb_in_place_new (const VbPoolFolder *folder, const char *operation, const char *vps, const char *backup);
void vb_in_place_free (VbInPlace *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbInPlace, vb_in_place_free)

/**
 * vb_in_place_load:
 * @disks: (element-type VbDisk): the disks of the VPS. Only these are overwritten, wherever they are now: a note in a
 *   shared pool must not name us other devices
 * @found: (out) (transfer full) (nullable): what @operation has noted, or %NULL
 *
 * Returns: %FALSE with %VB_ERROR_POOL_UNAVAILABLE when nobody can know, or %VB_ERROR_DISK_MISSING
 */
gboolean vb_in_place_load (const VbPoolFolder *folder,
                           const char *operation,
                           GPtrArray *disks,
                           VbInPlace **found,
                           GError **error);

/**
 * vb_in_place_add:
 * @size_bytes: of the disk in the backup
 *
 * Returns: %FALSE with %VB_ERROR_UNSUPPORTED_DISK unless @path is a block device that can be written, or
 *   %VB_ERROR_INSUFFICIENT_SPACE when it is too small
 */
gboolean vb_in_place_add (VbInPlace *self, const char *target, const char *path, guint64 size_bytes, GError **error);

/** vb_in_place_get_count: Returns: number of devices */
guint vb_in_place_get_count (VbInPlace *self);

/** vb_in_place_note: notes that all has been verified; durable on return */
gboolean vb_in_place_note (VbInPlace *self, GError **error);

VbInPlaceState vb_in_place_get_state (VbInPlace *self);

/**
 * vb_in_place_write:
 * @transfer: (nullable): what is written is added; its bandwidth limit is kept. It cannot be cancelled
 *
 * Overwrites all devices; every chunk is checked against its sum first. If it fails in state %VB_IN_PLACE_WRITING it has to
 * be called again until it succeeds: before that no device may be used.
 */
gboolean vb_in_place_write (VbInPlace *self, VbTransfer *transfer, GError **error);

/** vb_in_place_forget: removes the note; %VB_ERROR_TOO_LATE while devices are half overwritten */
gboolean vb_in_place_forget (VbInPlace *self, GError **error);

G_END_DECLS
