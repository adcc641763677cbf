/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbStaging:
 *
 * The new disk images that a restore has prepared beside the current ones: whole, verified and on stable
 * storage, but not yet in use. All methods block and run in a worker thread. A staging that is dropped
 * without swap() or discard() leaves its files for recovery by vb_pool_recover_staging().
 */
#define VB_TYPE_STAGING (vb_staging_get_type ())
G_DECLARE_INTERFACE (VbStaging, vb_staging, VB, STAGING, GObject)

/**
 * VbStagingInterface:
 * @swap: VPS off. Puts every new image in the place of the current one, which is kept beside it, with its owner and
 *   mode; the folders are synced. On failure everything is as before
 * @undo: VPS off. Puts the kept images back; success when nothing was swapped
 * @finish: deletes the kept old images: the restore is proven
 * @discard: deletes the new images; only before swap() or after undo()
 * @is_swapped: whether all new images are in place and the old ones are kept beside them
 */
struct _VbStagingInterface
{
  GTypeInterface parent_iface;

  gboolean (*swap) (VbStaging *self, GError **error);
  gboolean (*undo) (VbStaging *self, GError **error);
  gboolean (*finish) (VbStaging *self, GError **error);
  gboolean (*discard) (VbStaging *self, GError **error);
  gboolean (*is_swapped) (VbStaging *self);
};

gboolean vb_staging_swap (VbStaging *self, GError **error);
gboolean vb_staging_undo (VbStaging *self, GError **error);
gboolean vb_staging_finish (VbStaging *self, GError **error);
gboolean vb_staging_discard (VbStaging *self, GError **error);
gboolean vb_staging_is_swapped (VbStaging *self);

G_END_DECLS
