/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-backup-info.h"

G_BEGIN_DECLS

/**
 * vb_disk_match_base:
 * @base: an earlier backup
 * @target: name that the disk has now
 * @now: what is known of the disk now, whose image has a whole bitmap of @base
 * @n_disks: how many disks the VPS has now
 * @error: (out) (optional): %VB_ERROR_NOT_FOUND with the reason, for the log
 *
 * A bitmap tells what has changed, but neither on which disk of the backup nor whether the images
 * below the disk are as they were. Any thread.
 *
 * Returns: (transfer none) (nullable): the disk of @base that the changes count from; %NULL when
 * that is not proven, and everything has to be read
 */
const VbBackupDisk *vb_disk_match_base (const VbBackupInfo *base,
                                        const char *target,
                                        const VbDiskOrigin *now,
                                        guint n_disks,
                                        GError **error);

G_END_DECLS
