/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-schedule.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define UTC "UTC"
#define MAX_ZONE_BYTES 64

struct _VbSchedule
{
  gatomicrefcount ref_count;

  char at[sizeof "HH:MM"];
  guint hour;
  guint minute;
  guint jitter_minutes;
  guint keep;
  char *zone_name;
  GTimeZone *zone;
  char *timing;
};

/* --- making one --- */

static gboolean
read_at (VbSchedule *self, const char *at)
{
  if (at == NULL || strlen (at) != 5 || at[2] != ':')
    return FALSE;
  for (guint i = 0; i < 5; i++)
    if (i != 2 && !g_ascii_isdigit (at[i]))
      return FALSE;
  self->hour = (guint) (at[0] - '0') * 10 + (guint) (at[1] - '0');
  self->minute = (guint) (at[3] - '0') * 10 + (guint) (at[4] - '0');
  memcpy (self->at, at, sizeof self->at);
  return self->hour < 24 && self->minute < 60;
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
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, sentence);
  return FALSE;
}

static gboolean
fill (VbSchedule *self,
      const char *at,
      gint64 jitter_minutes,
      gint64 keep,
      const char *zone,
      GError **error)
{
  if (!read_at (self, at))
    return refuse (error, _ ("at: give a time of day from 00:00 to 23:59, such as 03:30."));
  if (jitter_minutes < 0 || jitter_minutes > VB_SCHEDULE_MAX_JITTER_MINUTES)
    return refuse (error, _ ("jitter: give 0 to 360 minutes."));
  if (keep < 1 || keep > VB_SCHEDULE_MAX_KEEP)
    return refuse (error, _ ("keep: give a number of backups from 1 to 99."));
  if (!read_zone (self, zone))
    return refuse (error, _ ("zone: give the name of a time zone, such as Europe/Berlin or UTC."));
  self->jitter_minutes = (guint) jitter_minutes;
  self->keep = (guint) keep;
  self->timing = g_strdup_printf ("%s+%u %s", self->at, self->jitter_minutes, self->zone_name);
  return TRUE;
}

VbSchedule *
vb_schedule_new (const char *at,
                 gint64 jitter_minutes,
                 gint64 keep,
                 const char *zone,
                 GError **error)
{
  g_autoptr (VbSchedule) self = g_new0 (VbSchedule, 1);

  g_atomic_ref_count_init (&self->ref_count);
  return fill (self, at, jitter_minutes, keep, zone, error) ? g_steal_pointer (&self) : NULL;
}

/* Returns: -1 for what is no number */
static gint64
read_number (const char *text, const char *unit)
{
  g_autofree char *digits = text != NULL && g_str_has_suffix (text, unit)
                                ? g_strndup (text, strlen (text) - strlen (unit))
                                : g_strdup (text);
  guint64 number;

  if (digits == NULL || !g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT32, &number, NULL))
    return -1;
  return (gint64) number;
}

VbSchedule *
vb_schedule_parse (const char *at,
                   const char *jitter,
                   const char *keep,
                   const char *zone,
                   GError **error)
{
  return vb_schedule_new (at, jitter != NULL ? read_number (jitter, "m") : 0,
                          read_number (keep, ""), zone, error);
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
  g_free (self->zone_name);
  g_free (self->timing);
  g_free (self);
}

/* --- what it says --- */

const char *
vb_schedule_get_at (const VbSchedule *self)
{
  return self->at;
}

guint
vb_schedule_get_jitter_minutes (const VbSchedule *self)
{
  return self->jitter_minutes;
}

guint
vb_schedule_get_keep (const VbSchedule *self)
{
  return self->keep;
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

gboolean
vb_schedule_equal (const VbSchedule *a, const VbSchedule *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  return a->keep == b->keep && g_str_equal (a->timing, b->timing);
}

/* --- when it runs --- */

static gint64
get_jitter_s (const VbSchedule *self, const char *vps, const GDate *day)
{
  if (self->jitter_minutes == 0)
    return 0;
  g_autofree char *seed = g_strdup_printf ("%s %u", vps, g_date_get_julian (day));
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);
  hash[8] = '\0';
  return (gint64) (g_ascii_strtoull (hash, NULL, 16) % (self->jitter_minutes * 60));
}

GDateTime *
vb_schedule_get_run (const VbSchedule *self, const char *vps, const GDate *day)
{
  g_autoptr (GDateTime) local
      = g_date_time_new (self->zone, g_date_get_year (day), (int) g_date_get_month (day),
                         g_date_get_day (day), (int) self->hour, (int) self->minute, 0);
  g_autoptr (GDateTime) run
      = local ? g_date_time_add_seconds (local, (gdouble) get_jitter_s (self, vps, day)) : NULL;

  return run ? g_date_time_to_utc (run) : NULL;
}

void
vb_schedule_get_due_day (const VbSchedule *self, const char *vps, GDateTime *now, GDate *day)
{
  g_autoptr (GDateTime) local = g_date_time_to_timezone (now, self->zone);
  int year, month, of_month;

  g_date_time_get_ymd (local, &year, &month, &of_month);
  g_date_set_dmy (day, (GDateDay) of_month, (GDateMonth) month, (GDateYear) year);
  /* A run that the jitter has taken past midnight leaves two days to look at. */
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GDateTime) run = vb_schedule_get_run (self, vps, day);
      if (run != NULL && g_date_time_compare (run, now) <= 0)
        return;
      g_date_subtract_days (day, 1);
    }
}
