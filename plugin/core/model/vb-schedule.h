/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_SCHEDULE_MAX_KEEP: most scheduled backups that a rotation may leave */
#define VB_SCHEDULE_MAX_KEEP 99
/** VB_SCHEDULE_MAX_JITTER_MINUTES: longest span over which the runs of a day may be spread */
#define VB_SCHEDULE_MAX_JITTER_MINUTES 360

/**
 * VbSchedule:
 *
 * When backups of a VPS are made without anybody asking, once a day, and how many of them are kept.
 * Immutable; any thread.
 *
 * A day's run is at that time of day in the schedule's time zone, plus a part of the jitter that
 * only depends on the VPS and on the day: it spreads the runs of many VPSs, and is the same after a
 * restart. Where clocks are changed: a time that does not exist becomes the first one after it that
 * does, of one that comes twice only one counts.
 */
typedef struct _VbSchedule VbSchedule;

/**
 * vb_schedule_new:
 * @at: time of day, "HH:MM"
 * @jitter_minutes: the run comes up to so many minutes later, 0 to %VB_SCHEDULE_MAX_JITTER_MINUTES
 * @keep: scheduled backups that stay, 1 to %VB_SCHEDULE_MAX_KEEP
 * @zone: (nullable): name of a time zone such as "Europe/Berlin"; %NULL for UTC
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT with a sentence for whoever asked for it
 *
 * Returns: (transfer full) (nullable): the schedule
 */
VbSchedule *vb_schedule_new (const char *at,
                             gint64 jitter_minutes,
                             gint64 keep,
                             const char *zone,
                             GError **error);

/**
 * vb_schedule_parse:
 * @at: (nullable): as for vb_schedule_new()
 * @jitter: (nullable): minutes such as "30m"; none when %NULL
 * @keep: (nullable): a number
 * @zone: (nullable): as for vb_schedule_new()
 *
 * Reads the attributes that a domain's metadata has.
 *
 * Returns: (transfer full) (nullable): the schedule
 */
VbSchedule *vb_schedule_parse (const char *at,
                               const char *jitter,
                               const char *keep,
                               const char *zone,
                               GError **error);

VbSchedule *vb_schedule_ref (VbSchedule *self);
void vb_schedule_unref (VbSchedule *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSchedule, vb_schedule_unref)

/** vb_schedule_get_at: Returns: (transfer none): "HH:MM" */
const char *vb_schedule_get_at (const VbSchedule *self);
guint vb_schedule_get_jitter_minutes (const VbSchedule *self);
guint vb_schedule_get_keep (const VbSchedule *self);
/** vb_schedule_get_zone: Returns: (transfer none): name of its time zone, "UTC" if none was
 * given */
const char *vb_schedule_get_zone (const VbSchedule *self);
/** vb_schedule_get_timing: Returns: (transfer none): one line with all that decides when it runs */
const char *vb_schedule_get_timing (const VbSchedule *self);

/** vb_schedule_equal: @a: (nullable); @b: (nullable) */
gboolean vb_schedule_equal (const VbSchedule *a, const VbSchedule *b);

/**
 * vb_schedule_get_run:
 * @vps: UUID of the VPS
 * @day: a day of the schedule's time zone
 *
 * Returns: (transfer full) (nullable): when that day's run begins, in UTC; %NULL beyond the end of
 * all calendars
 */
GDateTime *vb_schedule_get_run (const VbSchedule *self, const char *vps, const GDate *day);

/**
 * vb_schedule_get_due_day:
 * @now: any time
 * @day: (out caller-allocates): the newest day whose run is not later than @now
 */
void vb_schedule_get_due_day (const VbSchedule *self, const char *vps, GDateTime *now, GDate *day);

G_END_DECLS
