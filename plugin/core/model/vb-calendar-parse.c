/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads calendar events as systemd.time(7) describes them. */
#include "vb-calendar.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

static const char *const long_weekday_names[] = {
  "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};

static const struct
{
  const char *name;
  const char *meaning;
} shorthands[] = {
  { "hourly", "*:00" },
  { "daily", "00:00" },
  { "weekly", "Mon 00:00" },
  { "monthly", "*-*-01 00:00" },
  { "quarterly", "*-01,04,07,10-01 00:00" },
  { "semiannually", "*-01,07-01 00:00" },
  { "yearly", "*-01-01 00:00" },
  { "annually", "*-01-01 00:00" },
};

/* --- reading: numbers --- */

static gboolean
read_number (const char **text, guint *number)
{
  guint64 value = 0;
  const char *p = *text;

  for (; g_ascii_isdigit (*p) && p - *text < 4; p++)
    value = value * 10 + (guint64) (*p - '0');
  if (p == *text)
    return FALSE;
  *text = p;
  *number = (guint) value;
  return TRUE;
}

/* "*", "4", "4..6", each with "/2" behind it: a step, which without an end goes on to the end. */
static gboolean
read_item (const char **text, guint lowest, guint highest, guint64 *bits)
{
  guint first = lowest, last = highest, step = 1;
  gboolean is_one = FALSE;

  if (**text == '*')
    (*text)++;
  else if (read_number (text, &first))
    is_one = TRUE;
  else
    return FALSE;
  if (is_one && g_str_has_prefix (*text, ".."))
    {
      *text += 2;
      is_one = FALSE;
      if (!read_number (text, &last))
        return FALSE;
    }
  if (**text == '/')
    {
      (*text)++;
      is_one = FALSE;
      if (!read_number (text, &step))
        return FALSE;
    }
  if (is_one)
    last = first;
  if (first < lowest || last > highest || first > last || step == 0)
    return FALSE;
  for (guint i = first; i <= last; i += step)
    *bits |= G_GUINT64_CONSTANT (1) << i;
  return TRUE;
}

static gboolean
read_list (const char **text, guint lowest, guint highest, guint64 *bits)
{
  *bits = 0;
  while (read_item (text, lowest, highest, bits))
    {
      if (**text != ',')
        return TRUE;
      (*text)++;
    }
  return FALSE;
}

/* --- reading: the three words --- */

int
vb_weekday_parse (const char *text, gsize length)
{
  for (int i = 0; i < 7; i++)
    if ((length == 3 && g_ascii_strncasecmp (text, vb_weekday_to_string ((guint) i), length) == 0)
        || (length == strlen (long_weekday_names[i])
            && g_ascii_strncasecmp (text, long_weekday_names[i], length) == 0))
      return i;
  return -1;
}

static int
read_weekday (const char **text)
{
  gsize length = strspn (*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
  int weekday = vb_weekday_parse (*text, length);

  *text += length;
  return weekday;
}

static gboolean
read_weekdays (VbCalendar *self, const char *text)
{
  self->weekdays = 0;
  while (TRUE)
    {
      int first = read_weekday (&text);
      gboolean is_range = g_str_has_prefix (text, "..");
      text += is_range ? 2 : 0;
      int last = is_range ? read_weekday (&text) : first;
      if (first < 0 || last < 0)
        return FALSE;
      for (int i = first;; i = (i + 1) % 7)
        {
          self->weekdays |= (guint8) (1 << i);
          if (i == last)
            break;
        }
      if (*text != ',')
        return *text == '\0';
      text++;
    }
}

/* "*-MM-DD", "MM-DD", with "~" for the days counted from the end of the month. */
static gboolean
read_date (VbCalendar *self, const char *text)
{
  guint64 months, days;

  if (g_str_has_prefix (text, "*-") && strpbrk (text + 2, "-~") != NULL)
    text += 2;
  if (!read_list (&text, 1, 12, &months) || (*text != '-' && *text != '~'))
    return FALSE;
  gboolean from_end = *text++ == '~';
  if (!read_list (&text, 1, 31, &days) || *text != '\0')
    return FALSE;
  self->months = (guint16) months;
  self->days = from_end ? 0 : (guint32) days;
  self->last_days = from_end ? (guint32) days : 0;
  return TRUE;
}

static gboolean
read_time (VbCalendar *self, const char *text)
{
  guint64 hours, minutes, seconds;

  if (!read_list (&text, 0, 23, &hours) || *text++ != ':' || !read_list (&text, 0, 59, &minutes))
    return FALSE;
  if (*text == ':' && (text++, !read_list (&text, 0, 59, &seconds) || seconds != 1))
    return FALSE;
  self->hours = (guint32) hours;
  self->minutes = minutes;
  return *text == '\0';
}

static gboolean
read_words (VbCalendar *self, char **words)
{
  if (*words != NULL && g_ascii_isalpha (**words) && !read_weekdays (self, *words++))
    return FALSE;
  if (*words != NULL && strchr (*words, ':') == NULL && !read_date (self, *words++))
    return FALSE;
  return *words == NULL || (read_time (self, *words) && words[1] == NULL);
}

static const char *
expand (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (shorthands); i++)
    if (g_ascii_strcasecmp (shorthands[i].name, text) == 0)
      return shorthands[i].meaning;
  return text;
}

static char **
split (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, " ", -1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0')
      g_strv_builder_add (words, parts[i]);
  return g_strv_builder_end (words);
}

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, sentence);
  return FALSE;
}

gboolean
vb_calendar_parse (VbCalendar *self, const char *text, GError **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  g_auto (GStrv) words = split (expand (stripped));

  vb_calendar_set_daily (self, 1, 0);
  if (*words == NULL || !read_words (self, words))
    return refuse (error, _ ("calendar: give days and times as systemd does, such as "
                             "“Mon..Fri 02:00” or “*-*-01 04:30”, without seconds and years."));
  if (vb_calendar_count_a_day (self) > VB_CALENDAR_MAX_A_DAY)
    return refuse (error, _ ("calendar: give at most 24 times a day."));
  if (vb_calendar_next (self, 0) == VB_CALENDAR_NEVER)
    return refuse (error, _ ("calendar: this day never comes."));
  return TRUE;
}
