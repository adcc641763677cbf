/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbStaging:
 *
 * The new disk images that a restore has prepared beside the current ones: whole, verified and on
 * stable storage, but not yet in use. Block devices have no image beside them: what they will be
 * overwritten with is verified, and swap() overwrites them. While one of them is half overwritten
 * (neither can_undo() nor is_swapped()) the VPS must not be started, and only a further swap(), of
 * this staging or the one that recovery finds, leads out of it. All methods block and run in a
 * worker thread. A staging that is dropped without swap() or discard() leaves its files for
 * recovery by vb_pool_recover_staging().
 */
#define VB_TYPE_STAGING (vb_staging_get_type ())
G_DECLARE_INTERFACE (VbStaging, vb_staging, VB, STAGING, GObject)

/**
 * VbStagingInterface:
 * @swap: VPS off. Puts every new image in the place of the current one, which is kept beside it,
 * with its owner and mode; the folders are synced. Devices come last; what is written to them is
 * counted into the transfer (nullable). On failure everything is as before, unless can_undo() says
 * otherwise
 * @is_in_place: whether there are devices that swap() overwrites
 * @can_undo: whether all can still be put back: no device has been begun with
 * @undo: VPS off. Puts the kept images back; success when nothing was swapped
 * @finish: deletes the kept old images: the restore is proven
 * @discard: deletes the new images; only before swap() or after undo()
 * @dup_restored: (transfer full) (nullable) (element-type utf8 utf8): target → id of each disk that
 * the new images are of ("" without one); %NULL when that is not known, as after a crash
 * @is_swapped: whether all new images are in place and the old ones are kept beside them
 */
struct _VbStagingInterface
{
  GTypeInterface parent_iface;

  gboolean (*swap) (VbStaging *self, VbTransfer *transfer, GError **error);
  gboolean (*is_in_place) (VbStaging *self);
  gboolean (*can_undo) (VbStaging *self);
  gboolean (*undo) (VbStaging *self, GError **error);
  gboolean (*finish) (VbStaging *self, GError **error);
  gboolean (*discard) (VbStaging *self, GError **error);
  gboolean (*is_swapped) (VbStaging *self);
  GHashTable *(*dup_restored) (VbStaging *self);
};

gboolean vb_staging_swap (VbStaging *self, VbTransfer *transfer, GError **error);
gboolean vb_staging_is_in_place (VbStaging *self);
gboolean vb_staging_can_undo (VbStaging *self);
gboolean vb_staging_undo (VbStaging *self, GError **error);
gboolean vb_staging_finish (VbStaging *self, GError **error);
gboolean vb_staging_discard (VbStaging *self, GError **error);
gboolean vb_staging_is_swapped (VbStaging *self);
GHashTable *vb_staging_dup_restored (VbStaging *self);

G_END_DECLS
