/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/base/vb-id-locks.h"
#include "core/model/vb-capture.h"
#include "storage/layout/vb-pool-layout.h"

G_BEGIN_DECLS

/**
 * vb_capture_job_run:
 * @folder: the pool
 * @reflinks: whether its files can share extents
 * @busy: ids that are worked on
 * @capture: the point in time
 * @info: in: what is known of the backup; out: disks, sizes, incremental
 *
 * Writes the partial folder of a backup: images, checksums, definition, UEFI variables and a first
 * manifest. Does not hang with the pool (see vb_run_abandonable()). On failure nothing is left, or
 * will be once the pool answers.
 */
gboolean vb_capture_job_run (const VbPoolLayout *folder,
                             gboolean reflinks,
                             VbIdLocks *busy,
                             const VbCapture *capture,
                             VbBackupInfo *info,
                             VbTransfer *transfer,
                             GError **error);

G_END_DECLS
