/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-sums.h"
#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbImageSink:
 * @data: part of an image that agrees with its checksums; not all zeros everywhere, or it would not
 * be here
 * @length: its bytes
 * @offset: where it belongs; a multiple of the reader's unit
 *
 * Takes verified data, in several threads at once and not in order.
 */
typedef gboolean (*VbImageSink) (gpointer user_data,
                                 const guint8 *data,
                                 gsize length,
                                 guint64 offset,
                                 GError **error);

/**
 * vb_image_reader_open:
 * @backup: descriptor of a backup's folder
 * @target: name of a disk
 * @sums: (out) (transfer full): its checksums
 *
 * Returns: a descriptor of the disk's image, or -1: %VB_ERROR_CHECKSUM_MISMATCH when image or
 *   checksums are missing or do not fit each other
 */
int vb_image_reader_open (int backup, const char *target, VbSums **sums, GError **error);

/**
 * vb_image_reader_run:
 * @fd: a raw image of a backup
 * @sums: its checksums
 * @unit_bytes: how much at once, a multiple of the checksums' chunk
 * @sink: (nullable): where it goes
 * @bad_chunks: (nullable): chunks that differ are counted here and passed over; %NULL: the first
 *   one ends it with %VB_ERROR_CHECKSUM_MISMATCH
 * @transfer: bytes of data read are added; its bandwidth limit is kept
 * @stop: ends it
 *
 * Reads all of an image, holes included, and checks every chunk before it counts.
 */
gboolean vb_image_reader_run (int fd,
                              VbSums *sums,
                              gsize unit_bytes,
                              VbImageSink sink,
                              gpointer sink_data,
                              guint64 *bad_chunks,
                              VbTransfer *transfer,
                              GCancellable *stop,
                              GError **error);

/** vb_image_reader_get_todo: @bytes: (out): data in the image, as the reader will count it */
gboolean vb_image_reader_get_todo (int fd, VbSums *sums, guint64 *bytes, GError **error);

G_END_DECLS
