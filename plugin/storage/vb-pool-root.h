/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-pool-folder.h"

G_BEGIN_DECLS

/**
 * VbPoolRoot:
 *
 * The way into one pool, shared by all that work in it: the first pool that is seen at the path is ours, another one that is
 * mounted there later is not. Thread-safe; its functions block as its file system does.
 */
typedef struct _VbPoolRoot VbPoolRoot;

/** vb_pool_root_new: @reserve: space to be left; Returns: (transfer full) (nullable): %NULL when @reserve is no such thing */
VbPoolRoot *vb_pool_root_new (const char *path, const char *reserve, GError **error);
VbPoolRoot *vb_pool_root_ref (VbPoolRoot *self);
void vb_pool_root_unref (VbPoolRoot *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPoolRoot, vb_pool_root_unref)

/** vb_pool_root_open: Returns: a descriptor of its folder, or -1 with %VB_ERROR_POOL_UNAVAILABLE */
int vb_pool_root_open (VbPoolRoot *self, GError **error);

/** vb_pool_root_dup_folder: Returns: (transfer full): for jobs that open it themselves */
VbPoolFolder *vb_pool_root_dup_folder (VbPoolRoot *self);

/** vb_pool_root_has_reflinks: whether files in it can share extents. @root: its descriptor */
gboolean vb_pool_root_has_reflinks (VbPoolRoot *self, int root);

/**
 * vb_pool_root_look:
 * @status: (out): its space, and what it can
 *
 * Reads only: it is asked where nobody may be kept waiting by a pool that takes no writes.
 */
gboolean vb_pool_root_look (VbPoolRoot *self, VbPoolStatus *status, GError **error);

G_END_DECLS
