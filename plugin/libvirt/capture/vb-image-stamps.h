/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/base/vb-image-chain.h"

G_BEGIN_DECLS

/**
 * vb_image_stamps_take:
 *
 * What tells later whether somebody has changed the images of a VPS that is off while they were
 * read. Blocks as long as a hung file system does.
 *
 * Returns: (transfer full): one for each layer of @chain
 */
GArray *vb_image_stamps_take (VbImageChain *chain);

/**
 * vb_image_stamps_check:
 * @stamps: as vb_image_stamps_take() gave them
 * @error: (out) (optional): %VB_ERROR_DISK_BUSY, names the image
 *
 * Returns: whether all images are as they were. A block device cannot tell
 */
gboolean vb_image_stamps_check (VbImageChain *chain, GArray *stamps, GError **error);

G_END_DECLS
