/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-pool-layout.h"

G_BEGIN_DECLS

/**
 * VbPoolHandle:
 *
 * The way into one pool, shared by all that work in it: the first pool that is seen at the path is
 * ours, another one that is mounted there later is not. Thread-safe; its functions block as its
 * file system does.
 */
typedef struct _VbPoolHandle VbPoolHandle;

/** vb_pool_handle_new: @reserve: space to be left; Returns: (transfer full) (nullable): %NULL when
 * @reserve is no such thing */
VbPoolHandle *vb_pool_handle_new (const char *path, const char *reserve, GError **error);
VbPoolHandle *vb_pool_handle_ref (VbPoolHandle *self);
void vb_pool_handle_unref (VbPoolHandle *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPoolHandle, vb_pool_handle_unref)

/** vb_pool_handle_open: Returns: a descriptor of its folder, or -1 with
 * %VB_ERROR_POOL_UNAVAILABLE */
int vb_pool_handle_open (VbPoolHandle *self, GError **error);

/** vb_pool_handle_dup_folder: Returns: (transfer full): for jobs that open it themselves */
VbPoolLayout *vb_pool_handle_dup_folder (VbPoolHandle *self);

/** vb_pool_handle_has_reflinks: whether files in it can share extents. @root: its descriptor */
gboolean vb_pool_handle_has_reflinks (VbPoolHandle *self, int root);

/**
 * vb_pool_handle_look:
 * @status: (out): its space, and what it can
 *
 * Reads only: it is asked where nobody may be kept waiting by a pool that takes no writes.
 */
gboolean vb_pool_handle_look (VbPoolHandle *self, VbPoolStatus *status, GError **error);

/** vb_pool_handle_touch: what hangs or has become read-only (its file system may not say so) shows
 * only when it is written to: sets the time of the folder. Errors: %VB_ERROR_POOL_UNAVAILABLE */
gboolean vb_pool_handle_touch (VbPoolHandle *self, GError **error);

/**
 * vb_pool_handle_blame:
 * @ok: whether a piece of work in the pool succeeded
 * @failure: (transfer full) (nullable): its error
 *
 * A failure that has no better name may be because the pool is gone or has become read-only: then
 * @error is %VB_ERROR_POOL_UNAVAILABLE, else it is @failure.
 *
 * Returns: @ok
 */
gboolean vb_pool_handle_blame (VbPoolHandle *self, gboolean ok, GError *failure, GError **error);

G_END_DECLS
