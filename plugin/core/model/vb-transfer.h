/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define VB_TYPE_TRANSFER (vb_transfer_get_type ())
G_DECLARE_FINAL_TYPE (VbTransfer, vb_transfer, VB, TRANSFER, GObject)

/**
 * VbTransferTick:
 * @user_data: data given to vb_transfer_set_tick()
 * @error: where to say why the transfer must stop
 *
 * Called in the copying thread about once a second.
 *
 * Returns: %FALSE with @error set to make the transfer fail
 */
typedef gboolean (*VbTransferTick) (gpointer user_data, GError **error);

/**
 * vb_transfer_new:
 * @cancellable: (nullable): what cancels the transfer; %NULL: it gets one of its own
 * @bandwidth_limit_bytes_per_s: 0 for none
 *
 * The meeting point between a copier's thread, which counts bytes into it, and the main context,
 * which reads the counts for progress. Counting is thread-safe; nothing here calls back to the main
 * context.
 *
 * Returns: (transfer full): a new transfer
 */
VbTransfer *vb_transfer_new (GCancellable *cancellable, guint64 bandwidth_limit_bytes_per_s);

/** vb_transfer_get_cancellable: Returns: (transfer none): any thread */
GCancellable *vb_transfer_get_cancellable (VbTransfer *self);

/** vb_transfer_set_background: it must hold up nobody: lowest priority for its reads; before it
 * starts only */
void vb_transfer_set_background (VbTransfer *self);

/** vb_transfer_is_background: Returns: whether vb_transfer_set_background() was called; any
 * thread */
gboolean vb_transfer_is_background (VbTransfer *self);

/** vb_transfer_set_paused: no further requests are made meanwhile, by what keeps to
 * vb_transfer_throttle_us(). Any thread */
void vb_transfer_set_paused (VbTransfer *self, gboolean paused);

/** vb_transfer_get_bandwidth_limit: Returns: bytes a second, 0 for none; any thread */
guint64 vb_transfer_get_bandwidth_limit (VbTransfer *self);

/**
 * vb_transfer_cancel:
 *
 * Asks the transfer to stop. Any thread.
 *
 * Returns: %FALSE when it is too late, because vb_transfer_close() was faster
 */
gboolean vb_transfer_cancel (VbTransfer *self);

/**
 * vb_transfer_close:
 *
 * The point of no return: from now on it cannot be cancelled. Exactly one of close and cancel wins.
 * Any thread.
 *
 * Returns: %FALSE when it has been cancelled
 */
gboolean vb_transfer_close (VbTransfer *self);

/**
 * vb_transfer_suspend:
 *
 * Asks the transfer to stop so that it can go on later, after a restart of the service: unlike
 * after a cancel, what has been copied is kept. Any thread.
 *
 * Returns: %FALSE when it is too late, because it was cancelled or closed
 */
gboolean vb_transfer_suspend (VbTransfer *self);

/** vb_transfer_is_cancelled: whether vb_transfer_cancel() has stopped it; any thread */
gboolean vb_transfer_is_cancelled (VbTransfer *self);

/** vb_transfer_is_suspended: whether vb_transfer_suspend() has stopped it; any thread */
gboolean vb_transfer_is_suspended (VbTransfer *self);

/** vb_transfer_set_total: @bytes: how much there is to move in all; may be corrected later. Any
 * thread. */
void vb_transfer_set_total (VbTransfer *self, guint64 bytes);

/** vb_transfer_add: @bytes: moved since the last call. Any thread. */
void vb_transfer_add (VbTransfer *self, guint64 bytes);

/** vb_transfer_set_done: @bytes: moved by an earlier run that is being continued; the bandwidth
 * limit ignores them. Any thread. */
void vb_transfer_set_done (VbTransfer *self, guint64 bytes);

/** vb_transfer_restart: sets done to 0, when a capture restarts. Any thread. */
void vb_transfer_restart (VbTransfer *self);

/** vb_transfer_expect: @later_bytes: an estimate of what a further phase will move, which counts
 * for the total from now on. Any thread. */
void vb_transfer_expect (VbTransfer *self, guint64 later_bytes);

/** vb_transfer_next_phase: what was moved stays counted, what was expected is yet to come, and it
 * can be cancelled again. Any thread. */
void vb_transfer_next_phase (VbTransfer *self);

/** vb_transfer_get_phase: as vb_transfer_get(), of the present phase alone. Any thread. */
void vb_transfer_get_phase (VbTransfer *self, guint64 *done, guint64 *total);

/** vb_transfer_get: @done: (out): bytes moved; @total: (out): bytes in all, 0 while unknown. Any
 * thread. */
void vb_transfer_get (VbTransfer *self, guint64 *done, guint64 *total);

/** vb_transfer_set_tick: sets what the copier calls about once a second; before the copy starts
 * only. */
void vb_transfer_set_tick (VbTransfer *self, VbTransferTick tick, gpointer user_data);

/**
 * vb_transfer_check:
 * @error: (out) (optional): %VB_ERROR_CANCELLED when cancelled, %VB_ERROR_INTERRUPTED when
 * suspended, or the tick's error
 *
 * For the copying thread, each time round its loop (at least each 100 ms).
 *
 * Returns: %FALSE with @error set when the transfer has to stop
 */
gboolean vb_transfer_check (VbTransfer *self, GError **error);

/**
 * vb_transfer_throttle_us:
 *
 * Returns: µs to wait before the next request so that the bandwidth limit holds (0: none). Copying
 * thread.
 */
gint64 vb_transfer_throttle_us (VbTransfer *self);

G_END_DECLS
