/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/base/vb-id-locks.h"
#include "vb-image-staging.h"
#include "storage/layout/vb-pool-layout.h"

G_BEGIN_DECLS

/**
 * vb_stage_job_check:
 * @folder: the pool
 * @vps: UUID of the VPS that @backup belongs to
 * @disks: (element-type VbDisk): disks of the VPS
 * @is_clone: whether they are those of another VPS, see vb_disk_map_clone()
 *
 * Refuses what cannot work before anything is read: %VB_ERROR_NOT_FOUND, %VB_ERROR_DISK_MISSING,
 * %VB_ERROR_UNSUPPORTED_DISK, %VB_ERROR_INSUFFICIENT_SPACE beside the disks.
 */
gboolean vb_stage_job_check (const VbPoolLayout *folder,
                             const char *vps,
                             const char *backup,
                             GPtrArray *disks,
                             gboolean is_clone,
                             GError **error);

/**
 * vb_stage_job_run:
 * @folder: the pool
 * @busy: ids that are worked on
 * @operation: id of the operation
 * @vps: UUID of the VPS that @backup belongs to
 * @disks: (element-type VbDisk): disks of the VPS
 * @is_clone: whether they are those of another VPS, see vb_disk_map_clone()
 *
 * Makes new images beside @disks from a backup. Does not hang with the pool (see
 * vb_run_abandonable()).
 *
 * Returns: (transfer full) (nullable): the staging, complete and synced
 */
VbImageStaging *vb_stage_job_run (const VbPoolLayout *folder,
                                  VbIdLocks *busy,
                                  const char *vps,
                                  const char *backup,
                                  const char *operation,
                                  GPtrArray *disks,
                                  gboolean is_clone,
                                  VbTransfer *transfer,
                                  GError **error);

G_END_DECLS
