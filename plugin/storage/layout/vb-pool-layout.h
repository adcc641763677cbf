/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "core/interfaces/vb-pool.h"
#include "storage/base/vb-reserve.h"

G_BEGIN_DECLS

#define VB_POOL_MARKER_FILE "vps-backup.json"

/**
 * VbPoolLayout:
 * @path: the folder
 * @id: (nullable): the id that its marker must have, %NULL for any
 * @reserve: space to be left on it
 *
 * The folders of a pool. It is opened afresh for each operation and all work is done relative to
 * that
 * descriptor: if the pool is unmounted meanwhile, nothing can end up in the mount point below.
 *
 * | path | |
 * |---|---|
 * | `vps-backup.json` | marker: `{"format": "vps-backup pool", "version": 1, "id": UUID}` |
 * | `VPS/BACKUP/` | a complete backup, 0700 |
 * | `VPS/.BACKUP.partial/` | one that is being written |
 * | `VPS/.BACKUP.deleted/` | one that is deleted: whoever has the claim on the VPS removes it |
 * | `.claims/` | which host works on which VPS, see vb-claim-file.h |
 *
 * Versions: 1 is the first.
 */
typedef struct
{
  char *path;
  char *id;
  VbReserve reserve;
} VbPoolLayout;

VbPoolLayout *vb_pool_layout_copy (const VbPoolLayout *self);
void vb_pool_layout_free (VbPoolLayout *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPoolLayout, vb_pool_layout_free)

/** vb_pool_layout_init: makes the empty or new folder @path a pool; one that is a pool already is
 * left as it is */
gboolean vb_pool_layout_init (const char *path, GError **error);

/**
 * vb_pool_layout_open:
 * @id: (out) (optional) (transfer full): the id in its marker
 *
 * Returns: a descriptor, or -1 with %VB_ERROR_POOL_UNAVAILABLE when the marker is not there
 */
int vb_pool_layout_open (const VbPoolLayout *self, char **id, GError **error);

/** vb_pool_layout_open_vps: Returns: a descriptor of the folder of @vps, made if @create; -1,
 * %VB_ERROR_NOT_FOUND */
int vb_pool_layout_open_vps (int root, const char *vps, gboolean create, GError **error);

/** vb_pool_layout_open_backup: Returns: a descriptor of a complete backup; -1,
 * %VB_ERROR_NOT_FOUND */
int vb_pool_layout_open_backup (int root, const char *vps, const char *backup, GError **error);

/** vb_pool_layout_partial_name: Returns: (transfer full): name of the folder of an incomplete
 * @backup */
char *vb_pool_layout_partial_name (const char *backup);

/** vb_pool_layout_make_partial: Returns: a descriptor of a new folder for an incomplete @backup, or
 * -1 */
int vb_pool_layout_make_partial (int root, const char *vps, const char *backup, GError **error);

/** vb_pool_layout_open_partial: Returns: a descriptor of the folder of an incomplete @backup; -1,
 * %VB_ERROR_NOT_FOUND */
int vb_pool_layout_open_partial (int root, const char *vps, const char *backup, GError **error);

/** vb_pool_layout_remove_partial: removes it, and the folder of @vps if nothing else is in it;
 * success if there is none */
gboolean
vb_pool_layout_remove_partial (int root, const char *vps, const char *backup, GError **error);

/** vb_pool_layout_give_up_partial: makes an incomplete backup a deleted one; success if there is
 * none */
gboolean
vb_pool_layout_give_up_partial (int root, const char *vps, const char *backup, GError **error);

/** vb_pool_layout_deleted_name: Returns: (transfer full): name of the folder of a deleted
 * @backup */
char *vb_pool_layout_deleted_name (const char *backup);

/** vb_pool_layout_remove_deleted: as vb_pool_layout_remove_partial() of one that is deleted */
gboolean
vb_pool_layout_remove_deleted (int root, const char *vps, const char *backup, GError **error);

/** vb_pool_layout_get_space: Returns: %FALSE with %VB_ERROR_POOL_UNAVAILABLE when it cannot be
 * written */
gboolean
vb_pool_layout_get_space (const VbPoolLayout *self, int root, VbPoolStatus *status, GError **error);

/** vb_pool_layout_check_space: %VB_ERROR_INSUFFICIENT_SPACE when @bytes do not fit beside the
 * reserve */
gboolean
vb_pool_layout_check_space (const VbPoolLayout *self, int root, guint64 bytes, GError **error);

G_END_DECLS
