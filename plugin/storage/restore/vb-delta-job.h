/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/base/vb-id-locks.h"
#include "core/model/vb-capture.h"
#include "vb-image-staging.h"
#include "storage/layout/vb-pool-layout.h"

G_BEGIN_DECLS

/** vb_delta_job_can_clone: whether vb_delta_job_run() has a chance with @disks (element-type
 * VbDisk) */
gboolean vb_delta_job_can_clone (GPtrArray *disks);

/**
 * vb_delta_job_run:
 * @folder: the pool
 * @busy: ids that are worked on
 * @delta: for each disk of its backup, an image and the bitmap in it of what has changed since
 * @disks: (element-type VbDisk): disks of the VPS, which is off
 * @limit_bytes: more than this is not written back
 *
 * Makes new images beside @disks: clones of them, into which every MiB with changes is written back
 * from the backup, after a check against its sum. Does not hang with the pool (see
 * vb_run_abandonable()).
 *
 * Returns: (transfer full) (nullable): the staging, complete and synced
 */
VbImageStaging *vb_delta_job_run (const VbPoolLayout *folder,
                                  VbIdLocks *busy,
                                  const VbCapture *delta,
                                  GPtrArray *disks,
                                  guint64 limit_bytes,
                                  VbTransfer *transfer,
                                  GError **error);

G_END_DECLS
