/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-staged-file.h"
#include "core/base/vb-image-chain.h"
#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbDeltaDisk:
 *
 * One disk of a restore that writes back only what has changed. One thread.
 */
typedef struct _VbDeltaDisk VbDeltaDisk;

/**
 * vb_delta_disk_new:
 * @target: name of the disk
 * @image: path of the disk's image
 * @format: of the disk's image
 * @chain: images of the disk; the top has the bitmap
 * @bitmap: name of the bitmap
 */
VbDeltaDisk *vb_delta_disk_new (const char *target,
                                const char *image,
                                const char *format,
                                VbImageChain *chain,
                                const char *bitmap);
void vb_delta_disk_free (VbDeltaDisk *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDeltaDisk, vb_delta_disk_free)

/** vb_delta_disk_get_target: Returns: (transfer none): name of the disk */
const char *vb_delta_disk_get_target (VbDeltaDisk *self);

/** vb_delta_disk_get_image: Returns: (transfer none): path of the disk's image */
const char *vb_delta_disk_get_image (VbDeltaDisk *self);

/**
 * vb_delta_disk_look:
 * @backup: descriptor of the backup's folder
 * @from: name that the disk has in it
 * @changed_bytes: (out): how much has changed
 *
 * Reads the bitmap, and compares samples of what it says is unchanged with the backup.
 *
 * Returns: %FALSE with an error that is never %VB_ERROR_CHECKSUM_MISMATCH because of the disk
 */
gboolean vb_delta_disk_look (VbDeltaDisk *self,
                             int backup,
                             const char *from,
                             guint64 *changed_bytes,
                             GCancellable *stop,
                             GError **error);

/**
 * vb_delta_disk_write_back:
 * @backup: descriptor of the backup's folder
 * @file: the new image
 *
 * Clones the present image, and writes back into the clone; all is synced.
 */
gboolean vb_delta_disk_write_back (VbDeltaDisk *self,
                                   int backup,
                                   VbStagedFile *file,
                                   VbTransfer *transfer,
                                   GCancellable *stop,
                                   GError **error);

G_END_DECLS
