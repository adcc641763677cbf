/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "core/base/vb-image-chain.h"

G_BEGIN_DECLS

/**
 * vb_qcow2_remove_bitmaps:
 * @chain: its top is a qcow2 image that nobody uses
 *
 * Removes all persistent bitmaps: what they say is not true of what the image is to become. Runs
 * qemu-img.
 */
gboolean vb_qcow2_remove_bitmaps (VbImageChain *chain, GError **error);

G_END_DECLS
