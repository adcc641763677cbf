/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-backup-info.h"
#include "storage/base/vb-id-locks.h"
#include "core/interfaces/vb-pool.h"

G_BEGIN_DECLS

/* Complete backups in an open pool: @root is the descriptor of its folder. Errors are of
 * #VB_ERROR. */

/**
 * vb_backup_store_list:
 * @reflinks: whether files can share extents
 *
 * Damaged and foreign folders are logged and left out.
 *
 * Returns: (transfer full) (element-type VbBackupInfo) (nullable): all backups of all VPSs
 */
GPtrArray *vb_backup_store_list (int root, gboolean reflinks, GError **error);

/** vb_backup_store_list_vps: likewise, of one VPS; none when it has no folder */
GPtrArray *vb_backup_store_list_vps (int root, const char *vps, gboolean reflinks, GError **error);

/**
 * vb_backup_store_commit:
 * @reflinks: whether files can share extents
 * @info: its name, times and owner go into the manifest; completed_at and unique_bytes are set
 *
 * Makes a partial backup complete and durable. Success if it is complete already.
 */
gboolean vb_backup_store_commit (int root, gboolean reflinks, VbBackupInfo *info, GError **error);

/** vb_backup_store_remove: deletes it; it is gone at one instant */
gboolean vb_backup_store_remove (int root, const char *vps, const char *backup, GError **error);

/**
 * vb_backup_store_sweep:
 * @busy: whoever works on a backup is in it
 * @claims: (nullable): a VPS that another host has is left alone
 *
 * See #VbPoolInterface.sweep.
 */
gboolean vb_backup_store_sweep (int root,
                                VbIdLocks *busy,
                                VbClaims *claims,
                                VbPoolGivenUp given_up,
                                gpointer user_data,
                                GError **error);

/** vb_backup_store_protect: notes in its manifest whether it may be deleted */
gboolean vb_backup_store_protect (int root,
                                  const char *vps,
                                  const char *backup,
                                  gboolean is_protected,
                                  GError **error);

/** vb_backup_store_rename: changes the name in its manifest */
gboolean vb_backup_store_rename (int root,
                                 const char *vps,
                                 const char *backup,
                                 const char *name,
                                 GError **error);

G_END_DECLS
