/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/layout/vb-sums.h"
#include "storage/nbd/vb-nbd-source.h"

G_BEGIN_DECLS

/* Most chunks that are read to prove one disk. */
#define VB_DISK_PROOF_SAMPLES 16

/**
 * vb_disk_proof_choose:
 * @sums: checksums of the disk in the earlier backup
 * @changed: what a bitmap says has changed since
 * @size_bytes: of the disk now
 *
 * Chunks of which nothing has changed, at random: three of four among those that hold data. Any
 * thread.
 *
 * Returns: (transfer full) (element-type guint64): at most #VB_DISK_PROOF_SAMPLES, ascending, each
 * once
 */
GArray *vb_disk_proof_choose (VbSums *sums, const VbRanges *changed, guint64 size_bytes);

/**
 * vb_disk_proof_run:
 * @source: the disk; no read may be under way
 * @sums: as above
 * @changed: as above
 *
 * Reads some chunks that are said to be unchanged and compares them with their sums: a bitmap that
 * does not belong to the disk, or has missed a change, may be found out before it is trusted.
 *
 * Returns: %FALSE with %VB_ERROR_CHECKSUM_MISMATCH when one differs
 */
gboolean vb_disk_proof_run (VbNbdSource *source,
                            VbSums *sums,
                            const VbRanges *changed,
                            GCancellable *stop,
                            GError **error);

G_END_DECLS
