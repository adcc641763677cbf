/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/layout/vb-pool-layout.h"
#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * vb_verify_job_run:
 * @folder: the pool
 * @bad_chunks: (out): how many chunks of all disks differ from their checksums; where these are
 *   damaged themselves, all of the disk
 *
 * Reads all of a backup. Does not hang with the pool (see vb_run_abandonable()).
 */
gboolean vb_verify_job_run (const VbPoolLayout *folder,
                            const char *vps,
                            const char *backup,
                            VbTransfer *transfer,
                            guint64 *bad_chunks,
                            GError **error);

G_END_DECLS
