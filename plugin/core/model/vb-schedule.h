/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-calendar.h"
#include "vb-retention.h"

G_BEGIN_DECLS

/** VB_SCHEDULE_FIRST: id of a schedule that has none: there was only one in older versions */
#define VB_SCHEDULE_FIRST "default"
/** VB_SCHEDULE_MAX_ID_BYTES: longest id */
#define VB_SCHEDULE_MAX_ID_BYTES 64
/** VB_SCHEDULE_MAX_JITTER_MINUTES: longest span over which the runs of a day may be spread */
#define VB_SCHEDULE_MAX_JITTER_MINUTES 360

/**
 * VbSchedule:
 *
 * When backups of a VPS are made without anybody asking, and how many of them are kept.
 * Immutable; any thread.
 *
 * A run is at a local minute (#VbCalendar) in the schedule's time zone, plus a part of the jitter
 * that only depends on the VPS and on the day: it spreads the runs of many VPSs, is the same after a
 * restart, and never reaches the next run. Where clocks are changed: a time that does not exist
 * becomes the first one after it that does, of one that comes twice only one counts.
 */
typedef struct _VbSchedule VbSchedule;

/**
 * VbScheduleForm:
 * @id: (nullable): letters, digits, "-" and "_"; %NULL for %VB_SCHEDULE_FIRST
 * @at: (nullable): time of day of the first run, "HH:MM"
 * @days: (nullable): weekdays such as "mon,thu"; %NULL for all
 * @every_hours: runs from @at around the clock every so many hours, a divisor of 24; 0 or 24 for one
 * run a day
 * @calendar: (nullable): when @at, @days and @every_hours are not enough: as vb_calendar_parse()
 * takes it; they are not looked at then
 * @jitter_minutes: each run comes up to so many minutes later, 0 to
 * %VB_SCHEDULE_MAX_JITTER_MINUTES
 * @zone: (nullable): name of a time zone such as "Europe/Berlin"; %NULL for UTC
 * @keep: number of backups that stay, 1 to %VB_KEEP_MAX
 * @keep_daily: 0 to %VB_KEEP_MAX, as the next two
 *
 * What a person says of a schedule. -1 in a number is what no schedule takes.
 */
typedef struct
{
  const char *id;
  const char *at;
  const char *days;
  gint64 every_hours;
  const char *calendar;
  gint64 jitter_minutes;
  const char *zone;
  gint64 keep;
  gint64 keep_daily;
  gint64 keep_weekly;
  gint64 keep_monthly;
} VbScheduleForm;

/**
 * vb_schedule_new:
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT with a sentence for the person who asked
 *
 * Returns: (transfer full) (nullable): the schedule
 */
VbSchedule *vb_schedule_new (const VbScheduleForm *form, GError **error);

/** vb_schedule_new_daily: the form that older clients know. As vb_schedule_new() */
VbSchedule *vb_schedule_new_daily (const char *at,
                                   gint64 jitter_minutes,
                                   gint64 keep,
                                   const char *zone,
                                   GError **error);

VbSchedule *vb_schedule_ref (VbSchedule *self);
void vb_schedule_unref (VbSchedule *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSchedule, vb_schedule_unref)

/** vb_schedule_get_id: Returns: (transfer none): what tells it from others of the VPS */
const char *vb_schedule_get_id (const VbSchedule *self);
/** vb_schedule_get_at: Returns: (transfer none): "HH:MM", its first time of day */
const char *vb_schedule_get_at (const VbSchedule *self);
/** vb_schedule_get_days: Returns: (transfer full) (nullable): as in #VbScheduleForm; %NULL for all */
char *vb_schedule_get_days (const VbSchedule *self);
/** vb_schedule_get_calendar: Returns: (transfer none): when it runs */
const VbCalendar *vb_schedule_get_calendar (const VbSchedule *self);
/** vb_schedule_is_plain: Returns: whether time, days and hours say all of it, and no calendar is
 * needed */
gboolean vb_schedule_is_plain (const VbSchedule *self);
guint vb_schedule_get_jitter_minutes (const VbSchedule *self);
/** vb_schedule_get_keep: Returns: (transfer none): what stays of its backups */
const VbKeep *vb_schedule_get_keep (const VbSchedule *self);
/** vb_schedule_get_zone: Returns: (transfer none): name of its time zone, "UTC" if none was
 * given */
const char *vb_schedule_get_zone (const VbSchedule *self);
/** vb_schedule_get_timing: Returns: (transfer none): one line with all that decides when it runs */
const char *vb_schedule_get_timing (const VbSchedule *self);
/** vb_schedule_count_kept: Returns: most backups that it keeps at a time */
guint vb_schedule_count_kept (const VbSchedule *self);

/** vb_schedule_equal: @a: (nullable); @b: (nullable) */
gboolean vb_schedule_equal (const VbSchedule *a, const VbSchedule *b);

/**
 * vb_schedule_get_time:
 * @vps: UUID of the VPS
 * @run: local minute of one of its runs
 *
 * Returns: (transfer full) (nullable): when that run begins, in UTC; %NULL beyond the end of all
 * calendars
 */
GDateTime *vb_schedule_get_time (const VbSchedule *self, const char *vps, gint64 run);

/** vb_schedule_get_due: @now: any time. Returns: the newest run that is not later than @now, or
 * %VB_CALENDAR_NEVER */
gint64 vb_schedule_get_due (const VbSchedule *self, const char *vps, GDateTime *now);

/** vb_schedule_minute_of: @time: any time. Returns: the local minute in its zone */
gint64 vb_schedule_minute_of (const VbSchedule *self, GDateTime *time);

/** vb_schedule_run_to_text: Returns: (transfer full): name of a run, which sorts as they do:
 * "YYYY-MM-DD", with " HH:MM" behind it where a day may have several */
char *vb_schedule_run_to_text (const VbSchedule *self, gint64 run);

G_END_DECLS
