/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbIdLocks:
 *
 * Ids that somebody works on. Work that was left to itself because its file system hangs (see
 * vb_run_abandonable()) may wake up much later: nobody may begin with the same id before it has
 * cleaned up. Thread-safe.
 */
typedef struct _VbIdLocks VbIdLocks;

VbIdLocks *vb_id_locks_new (void);
VbIdLocks *vb_id_locks_ref (VbIdLocks *self);
void vb_id_locks_unref (VbIdLocks *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbIdLocks, vb_id_locks_unref)

/**
 * vb_id_locks_acquire:
 * @transfer: (nullable): asked now and then whether to give up
 *
 * Waits until nobody works on @id.
 */
gboolean
vb_id_locks_acquire (VbIdLocks *self, const char *id, VbTransfer *transfer, GError **error);

/** vb_id_locks_try: as vb_id_locks_acquire() but without waiting: Returns: %FALSE when somebody
 * works on @id */
gboolean vb_id_locks_try (VbIdLocks *self, const char *id);

/** vb_id_locks_release: the work on @id has ended */
void vb_id_locks_release (VbIdLocks *self, const char *id);

G_END_DECLS
