/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-operation-worker-private.h"

G_BEGIN_DECLS

/*
 * The phase of a restore in which the present state is backed up: a create of its own in the
 * journal, that is run in the thread of the restore. Job thread only. */

/**
 * vb_restore_back_up_first:
 *
 * Makes the backup that was asked for, or goes on with it after a restart of the service. Does
 * nothing when none was asked for, or it is complete.
 *
 * Returns: %FALSE when the restore must not begin; it has ended, or is left to the next start of
 * the service
 */
gboolean vb_restore_back_up_first (VbOperationWorker *self);

/** vb_restore_note_left: notes that the service leaves the restore now, with nothing changed, to
 * begin it again at its next start */
void vb_restore_note_left (VbOperationWorker *self);

/** vb_restore_was_left: whether that was so, and not so long ago that what was written to the VPS
 * since must not be lost */
gboolean vb_restore_was_left (VbOperationWorker *self);

G_END_DECLS
