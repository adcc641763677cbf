/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-pool.h"

G_BEGIN_DECLS

/**
 * VbDirectoryPool:
 *
 * A #VbPool in a folder of any file system: a sparse raw image, a file of checksums and a manifest
 * for each backup. See #VbPoolLayout for its layout, #VbManifest and #VbSums for its files.
 */
#define VB_TYPE_DIRECTORY_POOL (vb_directory_pool_get_type ())
G_DECLARE_FINAL_TYPE (VbDirectoryPool, vb_directory_pool, VB, DIRECTORY_POOL, GObject)

/**
 * vb_directory_pool_new:
 * @path: the folder, which need not be there yet
 * @reserve: space that is never used up, such as "5%" or "10G"
 *
 * Returns: (transfer full) (nullable): %NULL with %VB_ERROR_INVALID_ARGUMENT when @reserve cannot
 * be understood
 */
VbDirectoryPool *vb_directory_pool_new (const char *path, const char *reserve, GError **error);

/** vb_directory_pool_set_undo_reserve: @reserve: disks that a restore has replaced are not kept on
 * a file system with less free; before the first restore */
gboolean
vb_directory_pool_set_undo_reserve (VbDirectoryPool *self, const char *reserve, GError **error);

/**
 * vb_directory_pool_share:
 * @owner: see vb_directory_claims_owner_of()
 * @timeout_s: the claim of a host that does not renew it for so long can be taken over
 *
 * Other hosts may use the same pool: from now on it has #VbClaims. Once, before anybody uses it.
 */
void vb_directory_pool_share (VbDirectoryPool *self, const char *owner, guint timeout_s);

/**
 * vb_directory_pool_create:
 * @path: a folder that is empty or does not exist
 *
 * Makes a pool of it. One that is a pool already is left as it is.
 *
 * Returns: %FALSE with %VB_ERROR_INVALID_ARGUMENT when it holds other things
 */
gboolean vb_directory_pool_create (const char *path, GError **error);

G_END_DECLS
