/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-undo.h"
#include "storage/base/vb-reserve.h"
#include "vb-image-staging.h"

G_BEGIN_DECLS

/*
 * The images that a restore has replaced and that stay beside the new ones under the name that the
 * swap gave them (see #VbStagedFile), so that the restore can be undone. All block; worker
 * threads. */

/**
 * vb_kept_images_note:
 * @staging: after the swap
 * @undo: gets the files
 * @kept: (out): whether the old images can be kept: there is one of each disk, none of them is a
 * device, and their file systems have more than @reserve free
 */
gboolean vb_kept_images_note (VbImageStaging *staging,
                              VbUndo *undo,
                              const VbReserve *reserve,
                              gboolean *kept,
                              GError **error);

/** vb_kept_images_have_room: whether each file system with images of @undo has more than @reserve
 * free; %TRUE for one that cannot be asked */
gboolean vb_kept_images_have_room (const VbUndo *undo, const VbReserve *reserve);

/**
 * vb_kept_images_find:
 * @disks: (nullable) (element-type VbDisk): the disks of the VPS, which have to be those that the
 * restore has put in place; %NULL does not look at that, for an undo that was begun with
 *
 * Returns: (transfer full) (nullable): a staging whose undo() puts the kept images back; %NULL with
 * %VB_ERROR_NOT_FOUND or %VB_ERROR_UNSUPPORTED_DISK
 */
VbImageStaging *vb_kept_images_find (const VbUndo *undo, GPtrArray *disks, GError **error);

/**
 * vb_kept_images_drop:
 * @even_the_last: also where the disk itself is gone, so that the kept image is the only one
 *
 * Deletes the kept images; success when there are none.
 */
gboolean vb_kept_images_drop (const VbUndo *undo, gboolean even_the_last, GError **error);

/** vb_kept_images_share_space: @disks: (element-type VbDisk): whether space that is free without
 * @undo is free beside one of them */
gboolean vb_kept_images_share_space (const VbUndo *undo, GPtrArray *disks);

G_END_DECLS
