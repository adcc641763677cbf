/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-calendar.h"

#define MINUTES_A_DAY 1440
#define ALL_WEEKDAYS 0x7f
#define ALL_MONTHS 0x1ffe
#define ALL_DAYS 0xfffffffe
/* No 29th of February in 8 years around 2100; one more for its weekday is not waited for. */
#define SEARCH_DAYS 3000

static const char *const weekday_names[] = {
  "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun",
};

/* --- writing --- */

static void
append_bits (GString *text, guint64 bits, guint highest, const char *const *names)
{
  const char *separator = "";

  for (guint i = 0; i <= highest; i++)
    {
      guint last = i;
      if ((bits >> i & 1) == 0)
        continue;
      while (last < highest && (bits >> (last + 1) & 1) != 0)
        last++;
      /* Two are a list, three a range. */
      guint first = i;
      i = last - first >= 2 ? last : first;
      g_string_append (text, separator);
      if (names != NULL)
        g_string_append (text, names[first]);
      else
        g_string_append_printf (text, "%02u", first);
      if (i > first && names != NULL)
        g_string_append_printf (text, "..%s", names[last]);
      else if (i > first)
        g_string_append_printf (text, "..%02u", last);
      separator = ",";
    }
}

static void
append_hours (const VbCalendar *self, GString *text)
{
  guint step = vb_calendar_get_step (self);
  guint first = (guint) __builtin_ctz (self->hours);

  if (step == 1)
    g_string_append_c (text, '*');
  else if (step > 1 && step < 24)
    g_string_append_printf (text, "%02u/%u", first, step);
  else
    append_bits (text, self->hours, 23, NULL);
}

char *
vb_calendar_to_string (const VbCalendar *self)
{
  GString *text = g_string_new (NULL);

  if (self->weekdays != ALL_WEEKDAYS)
    {
      append_bits (text, self->weekdays, 6, weekday_names);
      g_string_append_c (text, ' ');
    }
  if (!vb_calendar_is_weekly (self))
    {
      g_string_append (text, "*-");
      if (self->months == ALL_MONTHS)
        g_string_append_c (text, '*');
      else
        append_bits (text, self->months, 12, NULL);
      g_string_append_c (text, self->last_days != 0 ? '~' : '-');
      if (self->days == ALL_DAYS)
        g_string_append_c (text, '*');
      else
        append_bits (text, self->last_days != 0 ? self->last_days : self->days, 31, NULL);
      g_string_append_c (text, ' ');
    }
  append_hours (self, text);
  g_string_append_c (text, ':');
  append_bits (text, self->minutes, 59, NULL);
  return g_string_free (text, FALSE);
}

/* --- what it says --- */

void
vb_calendar_set_daily (VbCalendar *self, guint32 hours, guint minute)
{
  *self = (VbCalendar){ .weekdays = ALL_WEEKDAYS,
                        .months = ALL_MONTHS,
                        .days = ALL_DAYS,
                        .hours = hours,
                        .minutes = G_GUINT64_CONSTANT (1) << minute };
}

gboolean
vb_calendar_is_weekly (const VbCalendar *self)
{
  return self->months == ALL_MONTHS && self->days == ALL_DAYS;
}

guint
vb_calendar_count_a_day (const VbCalendar *self)
{
  return (guint) (__builtin_popcount (self->hours) * __builtin_popcountll (self->minutes));
}

guint
vb_calendar_get_step (const VbCalendar *self)
{
  guint n = (guint) __builtin_popcount (self->hours);
  guint first = (guint) __builtin_ctz (self->hours);

  if (24 % n != 0 || __builtin_popcountll (self->minutes) != 1)
    return 0;
  for (guint i = 0; i < n; i++)
    if ((self->hours >> ((first + i * (24 / n)) % 24) & 1) == 0)
      return 0;
  return 24 / n;
}

guint
vb_calendar_get_first (const VbCalendar *self)
{
  return (guint) __builtin_ctz (self->hours) * 60 + (guint) __builtin_ctzll (self->minutes);
}

static gboolean
is_time (const VbCalendar *self, guint of_day)
{
  return (self->hours >> (of_day / 60) & 1) != 0 && (self->minutes >> (of_day % 60) & 1) != 0;
}

guint
vb_calendar_get_gap (const VbCalendar *self)
{
  guint first = vb_calendar_get_first (self), gap = MINUTES_A_DAY, last = first;

  for (guint i = first + 1; i <= first + MINUTES_A_DAY; i++)
    if (is_time (self, i % MINUTES_A_DAY))
      {
        gap = MIN (gap, i - last);
        last = i;
      }
  return gap;
}

static gboolean
is_day (const VbCalendar *self, gint64 day)
{
  GDate date;

  g_date_clear (&date, 1);
  g_date_set_julian (&date, (guint32) day);
  guint of_month = g_date_get_day (&date);
  guint from_end
      = g_date_get_days_in_month (g_date_get_month (&date), g_date_get_year (&date)) - of_month + 1;
  return (self->weekdays >> (g_date_get_weekday (&date) - 1) & 1) != 0
         && (self->months >> g_date_get_month (&date) & 1) != 0
         && ((self->days >> of_month & 1) != 0 || (self->last_days >> from_end & 1) != 0);
}

/* The first one from @minute on in steps of +1, or -1, minutes. */
static gint64
search (const VbCalendar *self, gint64 minute, int step)
{
  gint64 from = minute / MINUTES_A_DAY;

  for (gint64 day = from; day >= 1 && ABS (day - from) <= SEARCH_DAYS; day += step)
    {
      gint64 end = step > 0 ? (day + 1) * MINUTES_A_DAY : day * MINUTES_A_DAY - 1;
      if (is_day (self, day))
        for (; minute != end; minute += step)
          if (is_time (self, (guint) (minute % MINUTES_A_DAY)))
            return minute;
      minute = end;
    }
  return VB_CALENDAR_NEVER;
}

gint64
vb_calendar_next (const VbCalendar *self, gint64 minute)
{
  return search (self, MAX (minute + 1, MINUTES_A_DAY), 1);
}

gint64
vb_calendar_previous (const VbCalendar *self, gint64 minute)
{
  return search (self, minute - 1, -1);
}

gint64
vb_calendar_minute_of (GDateTime *time)
{
  int year, month, day;
  GDate date;

  g_date_time_get_ymd (time, &year, &month, &day);
  g_date_clear (&date, 1);
  g_date_set_dmy (&date, (GDateDay) day, (GDateMonth) month, (GDateYear) year);
  return (gint64) g_date_get_julian (&date) * MINUTES_A_DAY + g_date_time_get_hour (time) * 60
         + g_date_time_get_minute (time);
}

const char *
vb_weekday_to_string (guint weekday)
{
  return weekday_names[weekday];
}
