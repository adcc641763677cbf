/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * VbProgress:
 *
 * Bytes into percent, rate and time left, and the clock that finds an operation stalled. Percent
 * never goes backwards and stays below 100 until vb_progress_complete(). Times are monotonic µs
 * given by the caller.
 */
#define VB_TYPE_PROGRESS (vb_progress_get_type ())
G_DECLARE_FINAL_TYPE (VbProgress, vb_progress, VB, PROGRESS, GObject)

/** vb_progress_percent_of: Returns: what @done of @total bytes stands for, below 100. Any thread */
double vb_progress_percent_of (guint64 done, guint64 total);

VbProgress *vb_progress_new (gint64 stall_timeout_us, gint64 now_us);

/** vb_progress_update: Returns: whether anything that a client sees has changed */
gboolean vb_progress_update (VbProgress *self, guint64 done, guint64 total, gint64 now_us);
/** vb_progress_touch: something other than bytes moved, such as a state: restarts the stall
 * clock */
void vb_progress_touch (VbProgress *self, gint64 now_us);
/**
 * vb_progress_restore:
 * @still_us: how long nothing had moved then
 *
 * Continues after a restart from what was journalled; the time in between counts for nothing.
 */
void vb_progress_restore (VbProgress *self,
                          double percent,
                          guint64 done,
                          guint64 total,
                          gint64 still_us);
void vb_progress_complete (VbProgress *self);

/** vb_progress_get_percent: Returns: 0–100, at most one decimal */
double vb_progress_get_percent (VbProgress *self);
guint64 vb_progress_get_done (VbProgress *self);
guint64 vb_progress_get_total (VbProgress *self);
/** vb_progress_get_rate: Returns: bytes a second over the last seconds */
guint64 vb_progress_get_rate (VbProgress *self, gint64 now_us);
/** vb_progress_get_eta_s: Returns: seconds left, or -1 while unknown */
gint64 vb_progress_get_eta_s (VbProgress *self, gint64 now_us);
/** vb_progress_get_still_us: Returns: µs since something has moved */
gint64 vb_progress_get_still_us (VbProgress *self, gint64 now_us);
gboolean vb_progress_is_stalled (VbProgress *self, gint64 now_us);

G_END_DECLS
