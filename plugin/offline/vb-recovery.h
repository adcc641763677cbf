/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbRecovery:
 *
 * Brings a VPS back from a backup on a host that has lost it, or never had it: its disks from the
 * pool's folder, its definition with the paths of these disks. Asks neither the service nor its
 * database. One thread; every function may block.
 */
typedef struct _VbRecovery VbRecovery;

/**
 * vb_recovery_new:
 * @pool: folder of the pool
 * @uri: (nullable): where to define the VPS; %NULL: nowhere, its definition is written only
 * @vps: UUID
 * @backup: id
 * @name: (nullable): makes it a new VPS of that name, with a UUID and MAC addresses of its own
 * @into: absolute path of the folder for the disks
 *
 * Looks whether it can work. Makes no file but the folder.
 *
 * Returns: (transfer full) (nullable): %NULL with a #VB_ERROR: %VB_ERROR_INVALID_ARGUMENT when the
 * VPS is here, or files of its disks' names are in @into
 */
VbRecovery *vb_recovery_new (const char *pool,
                             const char *uri,
                             const char *vps,
                             const char *backup,
                             const char *name,
                             const char *into,
                             GError **error);
void vb_recovery_free (VbRecovery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbRecovery, vb_recovery_free)

/**
 * vb_recovery_run:
 * @transfer: counts bytes, cancels
 *
 * Makes disks and definition, and defines the VPS. Where libvirt does not take the definition, the
 * error says so and the files stay, so that the definition can be corrected; on any other failure
 * nothing is left.
 */
gboolean vb_recovery_run (VbRecovery *self, VbTransfer *transfer, GError **error);

/** vb_recovery_get_vps: Returns: (transfer none): UUID of the VPS that is defined */
const char *vb_recovery_get_vps (VbRecovery *self);

/** vb_recovery_get_disks: Returns: (transfer none) (element-type VbDisk): the new disks */
GPtrArray *vb_recovery_get_disks (VbRecovery *self);

/** vb_recovery_get_definition_path: Returns: (transfer none): file with the new definition */
const char *vb_recovery_get_definition_path (VbRecovery *self);

/** vb_recovery_get_notes: Returns: (transfer none) (element-type utf8): what is not as it was,
 * translated */
GPtrArray *vb_recovery_get_notes (VbRecovery *self);

G_END_DECLS
