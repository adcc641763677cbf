/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-schedule.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define UTC "UTC"
#define MAX_ZONE_BYTES 64
#define MINUTES_A_DAY 1440
#define HOURS_A_DAY 24

struct _VbSchedule
{
  gatomicrefcount ref_count;

  char *id;
  char at[sizeof "HH:MM"];
  VbCalendar calendar;
  guint jitter_minutes;
  VbKeep keep;
  char *zone_name;
  GTimeZone *zone;
  char *timing;
};

/* --- making one --- */

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, sentence);
  return FALSE;
}

static gboolean
read_id (VbSchedule *self, const char *id)
{
  gsize length;

  self->id = g_strdup (id != NULL ? id : VB_SCHEDULE_FIRST);
  length = strlen (self->id);
  return length > 0 && length <= VB_SCHEDULE_MAX_ID_BYTES
         && strspn (self->id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
                == length;
}

/* Returns: minutes, or -1 */
static int
read_at (const char *at)
{
  if (at == NULL || strlen (at) != 5 || at[2] != ':')
    return -1;
  for (guint i = 0; i < 5; i++)
    if (i != 2 && !g_ascii_isdigit (at[i]))
      return -1;
  int hour = (at[0] - '0') * 10 + (at[1] - '0');
  int minute = (at[3] - '0') * 10 + (at[4] - '0');
  return hour < HOURS_A_DAY && minute < 60 ? hour * 60 + minute : -1;
}

static gboolean
read_days (VbSchedule *self, const char *days)
{
  g_auto (GStrv) names = days != NULL ? g_strsplit (days, ",", -1) : NULL;

  if (days == NULL)
    return TRUE;
  self->calendar.weekdays = 0;
  for (guint i = 0; names[i] != NULL; i++)
    {
      int weekday = vb_weekday_parse (names[i], strlen (names[i]));
      if (weekday < 0)
        return FALSE;
      self->calendar.weekdays |= (guint8) (1 << weekday);
    }
  return self->calendar.weekdays != 0;
}

static gboolean
read_times (VbSchedule *self, const VbScheduleForm *form, GError **error)
{
  int at = read_at (form->at);
  guint hours = (guint) (form->every_hours != 0 ? form->every_hours : HOURS_A_DAY);
  guint32 mask = 0;

  if (form->calendar != NULL)
    return vb_calendar_parse (&self->calendar, form->calendar, error);
  if (at < 0)
    return refuse (error, _ ("at: give a time of day from 00:00 to 23:59, such as 03:30."));
  if (form->every_hours < 0 || hours > HOURS_A_DAY || HOURS_A_DAY % hours != 0)
    return refuse (error, _ ("every: give 1, 2, 3, 4, 6, 8, 12 or 24 hours."));
  for (guint i = 0; i < HOURS_A_DAY; i += hours)
    mask |= G_GUINT64_CONSTANT (1) << ((guint) at / 60 + i) % HOURS_A_DAY;
  vb_calendar_set_daily (&self->calendar, mask, (guint) at % 60);
  if (!read_days (self, form->days))
    return refuse (error, _ ("days: give days of the week, such as mon,thu."));
  return TRUE;
}

/* GLib takes it for the name of a file below the folder of time zones, so nothing may lead out of
 * there. */
static gboolean
is_zone_name (const char *name)
{
  /* All zones begin with a capital; "leapseconds" lies there too and is none. */
  if (!g_ascii_isupper (name[0]) || strlen (name) > MAX_ZONE_BYTES)
    return FALSE;
  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("/_-+", *p) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
read_zone (VbSchedule *self, const char *zone)
{
  self->zone_name = g_strdup (zone != NULL ? zone : UTC);
  if (!is_zone_name (self->zone_name))
    return FALSE;
  self->zone = g_time_zone_new_identifier (self->zone_name);
  return self->zone != NULL;
}

static gboolean
is_count (gint64 number, gint64 lowest)
{
  return number >= lowest && number <= VB_KEEP_MAX;
}

static gboolean
read_keep (VbSchedule *self, const VbScheduleForm *form, GError **error)
{
  if (!is_count (form->keep, 1))
    return refuse (error, _ ("keep: give a number of backups from 1 to 99."));
  if (!is_count (form->keep_daily, 0) || !is_count (form->keep_weekly, 0)
      || !is_count (form->keep_monthly, 0))
    return refuse (error, _ ("keep_daily, keep_weekly, keep_monthly: give numbers from 0 to 99."));
  self->keep.last = (guint) form->keep;
  self->keep.daily = (guint) form->keep_daily;
  self->keep.weekly = (guint) form->keep_weekly;
  self->keep.monthly = (guint) form->keep_monthly;
  return TRUE;
}

static gboolean
fill (VbSchedule *self, const VbScheduleForm *form, GError **error)
{
  if (!read_id (self, form->id))
    return refuse (error, _ ("id: give 1 to 64 letters, digits, - and _."));
  if (!read_times (self, form, error))
    return FALSE;
  if (form->jitter_minutes < 0 || form->jitter_minutes > VB_SCHEDULE_MAX_JITTER_MINUTES)
    return refuse (error, _ ("jitter: give 0 to 360 minutes."));
  if (!read_keep (self, form, error))
    return FALSE;
  if (!read_zone (self, form->zone))
    return refuse (error, _ ("zone: give the name of a time zone, such as Europe/Berlin or UTC."));
  g_autofree char *times = vb_calendar_to_string (&self->calendar);
  guint first = vb_calendar_get_first (&self->calendar);
  g_snprintf (self->at, sizeof self->at, "%02u:%02u", first / 60 % HOURS_A_DAY, first % 60);
  self->jitter_minutes = (guint) form->jitter_minutes;
  self->timing = g_strdup_printf ("%s+%u %s", times, self->jitter_minutes, self->zone_name);
  return TRUE;
}

VbSchedule *
vb_schedule_new (const VbScheduleForm *form, GError **error)
{
  g_autoptr (VbSchedule) self = g_new0 (VbSchedule, 1);

  g_atomic_ref_count_init (&self->ref_count);
  return fill (self, form, error) ? g_steal_pointer (&self) : NULL;
}

VbSchedule *
vb_schedule_new_daily (const char *at,
                       gint64 jitter_minutes,
                       gint64 keep,
                       const char *zone,
                       GError **error)
{
  const VbScheduleForm form
      = { .at = at, .jitter_minutes = jitter_minutes, .keep = keep, .zone = zone };

  return vb_schedule_new (&form, error);
}

VbSchedule *
vb_schedule_ref (VbSchedule *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
vb_schedule_unref (VbSchedule *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->zone, g_time_zone_unref);
  g_free (self->id);
  g_free (self->zone_name);
  g_free (self->timing);
  g_free (self);
}

/* --- what it says --- */

const char *
vb_schedule_get_id (const VbSchedule *self)
{
  return self->id;
}

const char *
vb_schedule_get_at (const VbSchedule *self)
{
  return self->at;
}

char *
vb_schedule_get_days (const VbSchedule *self)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < 7; i++)
    if ((self->calendar.weekdays >> i & 1) != 0)
      g_string_append_printf (text, "%s%s", text->len > 0 ? "," : "", vb_weekday_to_string (i));
  g_string_ascii_down (text);
  return g_string_free (text, self->calendar.weekdays == 0x7f);
}

const VbCalendar *
vb_schedule_get_calendar (const VbSchedule *self)
{
  return &self->calendar;
}

gboolean
vb_schedule_is_plain (const VbSchedule *self)
{
  return vb_calendar_is_weekly (&self->calendar) && vb_calendar_get_step (&self->calendar) != 0;
}

guint
vb_schedule_get_jitter_minutes (const VbSchedule *self)
{
  return self->jitter_minutes;
}

const VbKeep *
vb_schedule_get_keep (const VbSchedule *self)
{
  return &self->keep;
}

const char *
vb_schedule_get_zone (const VbSchedule *self)
{
  return self->zone_name;
}

const char *
vb_schedule_get_timing (const VbSchedule *self)
{
  return self->timing;
}

guint
vb_schedule_count_kept (const VbSchedule *self)
{
  const VbCalendar *calendar = &self->calendar;
  guint weekdays = (guint) __builtin_popcount (calendar->weekdays);
  guint of_month = (guint) __builtin_popcount (calendar->days | calendar->last_days);

  return vb_keep_count (&self->keep, vb_calendar_count_a_day (calendar), MIN (weekdays, of_month),
                        MIN (of_month, weekdays * 5));
}

gboolean
vb_schedule_equal (const VbSchedule *a, const VbSchedule *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return g_str_equal (a->id, b->id) && vb_keep_equal (&a->keep, &b->keep)
         && g_str_equal (a->timing, b->timing);
}

/* --- when it runs --- */

static gint64
get_jitter_s (const VbSchedule *self, const char *vps, guint32 day)
{
  gint64 most_s = MIN (self->jitter_minutes, vb_calendar_get_gap (&self->calendar)) * 60;

  if (most_s == 0)
    return 0;
  g_autofree char *seed = g_strdup_printf ("%s %u", vps, day);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);
  hash[8] = '\0';
  return (gint64) (g_ascii_strtoull (hash, NULL, 16) % (guint64) most_s);
}

GDateTime *
vb_schedule_get_time (const VbSchedule *self, const char *vps, gint64 run)
{
  guint32 day = (guint32) (run / MINUTES_A_DAY);
  guint of_day = (guint) (run % MINUTES_A_DAY);
  GDate date;

  g_date_clear (&date, 1);
  g_date_set_julian (&date, day);
  g_autoptr (GDateTime) local
      = g_date_time_new (self->zone, g_date_get_year (&date), (int) g_date_get_month (&date),
                         g_date_get_day (&date), (int) of_day / 60, (int) of_day % 60, 0);
  g_autoptr (GDateTime) time
      = local ? g_date_time_add_seconds (local, (gdouble) get_jitter_s (self, vps, day)) : NULL;

  return time ? g_date_time_to_utc (time) : NULL;
}

gint64
vb_schedule_minute_of (const VbSchedule *self, GDateTime *time)
{
  g_autoptr (GDateTime) local = g_date_time_to_timezone (time, self->zone);

  return vb_calendar_minute_of (local);
}

gint64
vb_schedule_get_due (const VbSchedule *self, const char *vps, GDateTime *now)
{
  /* A day ahead: where clocks are set back, a later minute of the wall's may have been. */
  gint64 run
      = vb_calendar_previous (&self->calendar, vb_schedule_minute_of (self, now) + MINUTES_A_DAY);

  while (run != VB_CALENDAR_NEVER)
    {
      g_autoptr (GDateTime) time = vb_schedule_get_time (self, vps, run);
      if (time != NULL && g_date_time_compare (time, now) <= 0)
        break;
      run = vb_calendar_previous (&self->calendar, run);
    }
  return run;
}

char *
vb_schedule_run_to_text (const VbSchedule *self, gint64 run)
{
  GDate date;

  g_date_clear (&date, 1);
  g_date_set_julian (&date, (guint32) (run / MINUTES_A_DAY));
  g_autofree char *day = g_strdup_printf ("%04u-%02u-%02u", g_date_get_year (&date),
                                          (guint) g_date_get_month (&date), g_date_get_day (&date));
  if (vb_calendar_count_a_day (&self->calendar) == 1)
    return g_steal_pointer (&day);
  return g_strdup_printf ("%s %02u:%02u", day, (guint) (run % MINUTES_A_DAY / 60),
                          (guint) (run % 60));
}
