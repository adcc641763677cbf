/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbPoolRecovery:
 *
 * A backup that becomes the disks of a VPS that is no more, in a folder of a host that may know
 * nothing of it: needs the folder of the pool, no service and no database. One thread.
 */
typedef struct _VbPoolRecovery VbPoolRecovery;

/**
 * vb_pool_recovery_new:
 * @pool: folder of the pool
 * @name: (nullable): what the files are called after; %NULL: after the VPS
 * @into: absolute path of the folder that will hold the disks; made if it is not there
 *
 * Reads what the backup is and chooses names for its disks; makes no file yet.
 *
 * Returns: (transfer full) (nullable): %NULL with %VB_ERROR_POOL_UNAVAILABLE, %VB_ERROR_NOT_FOUND,
 * or %VB_ERROR_INVALID_ARGUMENT when a file of one of these names is in @into already
 */
VbPoolRecovery *vb_pool_recovery_new (const char *pool,
                                      const char *vps,
                                      const char *backup,
                                      const char *name,
                                      const char *into,
                                      GError **error);
void vb_pool_recovery_free (VbPoolRecovery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPoolRecovery, vb_pool_recovery_free)

/** vb_pool_recovery_get_definition: Returns: (transfer none): domain XML as it was when the backup
 * was made */
const char *vb_pool_recovery_get_definition (VbPoolRecovery *self);

/** vb_pool_recovery_get_disks: Returns: (transfer none) (element-type VbDisk): the disks as they
 * will be */
GPtrArray *vb_pool_recovery_get_disks (VbPoolRecovery *self);

/** vb_pool_recovery_get_nvram: Returns: (transfer none) (nullable): where the UEFI variables will
 * be, if there are any */
const char *vb_pool_recovery_get_nvram (VbPoolRecovery *self);

/** vb_pool_recovery_get_xml_path: Returns: (transfer none): where the new definition will be */
const char *vb_pool_recovery_get_xml_path (VbPoolRecovery *self);

/**
 * vb_pool_recovery_run:
 * @transfer: counts bytes, cancels
 * @definition: domain XML that names the new disks, to be kept beside them
 *
 * Makes the disks, every chunk checked against its sum, and all else. Everything is on stable
 * storage on return; on failure nothing is left.
 */
gboolean vb_pool_recovery_run (VbPoolRecovery *self,
                               VbTransfer *transfer,
                               const char *definition,
                               GError **error);

G_END_DECLS
