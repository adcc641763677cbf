/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/base/vb-image-chain.h"
#include "core/model/vb-disk-origin.h"

G_BEGIN_DECLS

/**
 * vb_disk_layers_of:
 * @chain: (nullable): images of a disk
 *
 * What was found of the images below the disk's own when the chain was looked at. Any thread.
 *
 * Returns: (transfer full) (nullable) (element-type VbLayer): %NULL when one is no file, or was
 * written to just then: nothing proves later that it is unchanged
 */
GPtrArray *vb_disk_layers_of (VbImageChain *chain);

G_END_DECLS
