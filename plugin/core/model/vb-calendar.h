/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_CALENDAR_MAX_A_DAY: most times a day that a calendar may name */
#define VB_CALENDAR_MAX_A_DAY 24
/** VB_CALENDAR_NEVER: no minute */
#define VB_CALENDAR_NEVER (-1)

/**
 * VbCalendar:
 * @weekdays: bit 0 is Monday
 * @months: bit 1 is January
 * @days: of the month, bit 1 is the first
 * @last_days: of the month, counted from its end: bit 1 is the last
 * @hours: bit 0 is midnight
 * @minutes: of each of @hours
 *
 * The times of day at which something happens, and the days. Plain data, any thread.
 *
 * A local minute is the number of minutes since the day before 0001-01-01 of the clock on the wall,
 * whatever that does in between: day × 1440 + hour × 60 + minute.
 */
typedef struct
{
  guint8 weekdays;
  guint16 months;
  guint32 days;
  guint32 last_days;
  guint32 hours;
  guint64 minutes;
} VbCalendar;

/**
 * vb_calendar_parse:
 * @text: a calendar event as in systemd.time(7), such as "Mon..Fri 02:00", "*-*-01 04:30", "00/6:15"
 * or "weekly"; seconds and years other than 0 and * are refused, a time zone is none of its parts
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT with a sentence for the person who asked
 */
gboolean vb_calendar_parse (VbCalendar *self, const char *text, GError **error);

/** vb_calendar_to_string: Returns: (transfer full): the same as vb_calendar_parse() reads it, the
 * shortest form; "HH:MM" for every day at that time */
char *vb_calendar_to_string (const VbCalendar *self);

/** vb_calendar_set_daily: @hours and one minute: every day at those times */
void vb_calendar_set_daily (VbCalendar *self, guint32 hours, guint minute);

/** vb_calendar_is_weekly: Returns: whether only weekdays tell its days apart */
gboolean vb_calendar_is_weekly (const VbCalendar *self);

/** vb_calendar_count_a_day: Returns: how many times a day has that it names */
guint vb_calendar_count_a_day (const VbCalendar *self);

/** vb_calendar_get_step: Returns: hours between its times when they are the same around the clock,
 * 24 for one time; 0 when they are not */
guint vb_calendar_get_step (const VbCalendar *self);

/** vb_calendar_get_first: Returns: the first of its times of day, in minutes */
guint vb_calendar_get_first (const VbCalendar *self);

/** vb_calendar_get_gap: Returns: the shortest time between two of them, in minutes */
guint vb_calendar_get_gap (const VbCalendar *self);

/** vb_calendar_next: Returns: the first local minute after @minute that it names */
gint64 vb_calendar_next (const VbCalendar *self, gint64 minute);
/** vb_calendar_previous: Returns: the last local minute before @minute that it names */
gint64 vb_calendar_previous (const VbCalendar *self, gint64 minute);

/** vb_calendar_minute_of: @time: in the zone that counts. Returns: its local minute */
gint64 vb_calendar_minute_of (GDateTime *time);

/** vb_weekdays_parse: @text: "mon", "Tuesday". Returns: 0 for Monday, -1 for no weekday */
int vb_weekday_parse (const char *text, gsize length);
/** vb_weekday_to_string: Returns: (transfer none): "Mon" */
const char *vb_weekday_to_string (guint weekday);

G_END_DECLS
