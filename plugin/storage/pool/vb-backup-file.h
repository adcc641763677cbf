/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-disk-file.h"
#include "storage/layout/vb-pool-layout.h"

G_BEGIN_DECLS

/**
 * VbBackupFile:
 *
 * A disk of a backup as a stand-alone qcow2 image that is computed while it is read (#VbQcow2View).
 * The image of the pool stays open: deleting the backup meanwhile takes nothing from a reader.
 * Every chunk is compared with its checksum before any byte of it is handed out.
 */
#define VB_TYPE_BACKUP_FILE (vb_backup_file_get_type ())
G_DECLARE_FINAL_TYPE (VbBackupFile, vb_backup_file, VB, BACKUP_FILE, GObject)

/**
 * vb_backup_file_open:
 * @target: name of one of the backup's disks
 *
 * Blocks as the pool does: worker threads only.
 *
 * Returns: (transfer full) (nullable): %NULL with %VB_ERROR_NOT_FOUND when the backup has no such
 * disk, %VB_ERROR_CHECKSUM_MISMATCH when it is damaged, or what opening the pool says
 */
VbBackupFile *vb_backup_file_open (const VbPoolLayout *layout,
                                   const char *vps,
                                   const char *backup,
                                   const char *target,
                                   GError **error);

G_END_DECLS
