/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbRunAbandonableFunc:
 * @data: as given to vb_run_abandonable()
 * @stop: cancelled when the work is to end as soon as it can, cleaning up behind it
 * @error: why it failed
 *
 * The work, in a thread of its own. It must touch nothing but @data, which it may outlive the
 * caller with.
 */
typedef gboolean (*VbRunAbandonableFunc) (gpointer data, GCancellable *stop, GError **error);

/**
 * VbUndoFunc:
 *
 * Takes back what @func did, in the same thread: it succeeded when nobody wanted its result any
 * more.
 */
typedef void (*VbUndoFunc) (gpointer data);

/**
 * vb_run_abandonable:
 * @transfer: asked each 50 ms whether to stop, in the calling thread
 * @func: the work; whatever fails cleans up for itself
 * @undo: (nullable): called after @func has succeeded too late
 * @data: (transfer full): freed with @free_data when the work has ended and nobody waits for it any
 * more
 * @free_data: frees @data
 *
 * Does work that a hung file system may block for hours, without being blocked: a hung pool must
 * not keep us from noticing that the scratch files of a running VPS grow too large, or that we are
 * to shut down. When
 * @transfer wants to stop and the work does not end within two seconds, it is left to itself.
 *
 * Returns: %FALSE with the error of @func or, when it was stopped, of vb_transfer_check()
 */
gboolean vb_run_abandonable (VbTransfer *transfer,
                             VbRunAbandonableFunc func,
                             VbUndoFunc undo,
                             gpointer data,
                             GDestroyNotify free_data,
                             GError **error);

/** vb_run_abandonable_check: for @func: Returns: %FALSE with %VB_ERROR_CANCELLED when @stop was
 * cancelled */
gboolean vb_run_abandonable_check (GCancellable *stop, GError **error);

G_END_DECLS
