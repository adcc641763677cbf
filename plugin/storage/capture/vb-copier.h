/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/nbd/vb-nbd-source.h"
#include "storage/base/vb-sparse-file.h"
#include "storage/layout/vb-sums.h"
#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbCopyMark:
 * @user_data: as in #VbCopyPlan
 * @chunks: all chunks before this number have been written; they will not be touched again
 *
 * Called every few seconds in the calling thread, and when the copy is stopped: the place to make
 * durable what has been copied.
 *
 * Returns: %FALSE with @error set to end the copy
 */
typedef gboolean (*VbCopyMark) (gpointer user_data, guint64 chunks, GError **error);

/**
 * VbCopyPlan:
 * @data: what is read from the source and written
 * @zeros: (nullable): what has become zeros; only with @base
 * @base: descriptor of the image of the earlier backup that @data and @zeros change: the image is a
 *   clone of it, and the sums are its; or -1: the image is one hole and the sums are those of zeros
 * @first_chunk: all before it is copied already, and not in @data and @zeros
 * @mark: (nullable): told how far the copy has got
 * @mark_data: for @mark
 *
 * What is to be done to an image, which has the size of the disk already.
 */
typedef struct
{
  VbRanges *data;
  VbRanges *zeros;
  int base;
  guint64 first_chunk;
  VbCopyMark mark;
  gpointer mark_data;
} VbCopyPlan;

/**
 * VbCopyStep:
 * @user_data: data given to vb_copier_copy()
 *
 * Called now and then from a thread that writes, about each 64 MiB.
 *
 * Returns: %FALSE with @error set to end the copy
 */
typedef gboolean (*VbCopyStep) (gpointer user_data, GError **error);

/**
 * vb_copier_copy:
 * @source: the disk; of no use after a failure but to be freed
 * @plan: what to copy
 * @image: the image
 * @sums: brought up to date
 * @step: (nullable): such as a look at the free space
 * @transfer: bytes of @plan's data are added as they are written; its bandwidth limit is kept
 * @stop: ends the copy
 * @written: (out) (optional): bytes really written, zeros left out
 *
 * Copies with several requests under way. With a base every MiB of it that is touched in part is
 * first checked against its sum: %VB_ERROR_CHECKSUM_MISMATCH when the earlier backup is damaged.
 */
gboolean vb_copier_copy (VbNbdSource *source,
                         const VbCopyPlan *plan,
                         VbSparseFile *image,
                         VbSums *sums,
                         VbCopyStep step,
                         gpointer step_data,
                         VbTransfer *transfer,
                         GCancellable *stop,
                         guint64 *written,
                         GError **error);

G_END_DECLS
