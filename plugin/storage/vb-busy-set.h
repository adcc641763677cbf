/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbBusySet:
 *
 * Ids that somebody works on. Work that was left to itself because its file system hangs (see vb_run()) may
 * wake up much later: nobody may begin with the same id before it has cleaned up. Thread-safe.
 */
typedef struct _VbBusySet VbBusySet;

VbBusySet *vb_busy_set_new (void);
VbBusySet *vb_busy_set_ref (VbBusySet *self);
void vb_busy_set_unref (VbBusySet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbBusySet, vb_busy_set_unref)

/**
 * vb_busy_set_acquire:
 * @transfer: (nullable): asked now and then whether to give up
 *
 * Waits until nobody works on @id.
 */
gboolean vb_busy_set_acquire (VbBusySet *self, const char *id, VbTransfer *transfer, GError **error);

/** vb_busy_set_try: as vb_busy_set_acquire() but without waiting: Returns: %FALSE when somebody works on @id */
gboolean vb_busy_set_try (VbBusySet *self, const char *id);

/** vb_busy_set_release: the work on @id has ended */
void vb_busy_set_release (VbBusySet *self, const char *id);

G_END_DECLS
