/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "core/base/vb-error.h"
#include "core/model/vb-schedules.h"
#include "core/model/vb-vps-rotation.h"

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"

static VbSchedule *
make (const char *at, gint64 jitter, const char *zone)
{
  g_autoptr (GError) error = NULL;
  VbSchedule *schedule = vb_schedule_new_daily (at, jitter, 2, zone, &error);
  g_assert_no_error (error);
  return schedule;
}

static gint64
run_of (const VbSchedule *schedule, const GDate *day)
{
  const char *at = vb_schedule_get_at (schedule);
  return (gint64) g_date_get_julian (day) * 1440 + atoi (at) * 60 + atoi (at + 3);
}

static void
assert_run (const VbSchedule *schedule,
            GDateDay day,
            GDateMonth month,
            GDateYear year,
            const char *expected)
{
  GDate date;
  g_date_clear (&date, 1);
  g_date_set_dmy (&date, day, month, year);
  g_autoptr (GDateTime) run = vb_schedule_get_time (schedule, VPS, run_of (schedule, &date));
  g_autofree char *text = g_date_time_format_iso8601 (run);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_due (const VbSchedule *schedule, const char *now_text, const char *expected)
{
  g_autoptr (GDateTime) now = g_date_time_new_from_iso8601 (now_text, NULL);
  gint64 due = vb_schedule_get_due (schedule, VPS, now);
  g_autofree char *text = vb_schedule_run_to_text (schedule, due);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_time_of_day (void)
{
  g_autoptr (VbSchedule) utc = make ("03:30", 0, NULL);
  g_autoptr (VbSchedule) berlin = make ("03:30", 0, "Europe/Berlin");

  g_assert_cmpstr (vb_schedule_get_zone (utc), ==, "UTC");
  assert_run (utc, 15, G_DATE_JANUARY, 2026, "2026-01-15T03:30:00Z");
  assert_run (berlin, 15, G_DATE_JANUARY, 2026, "2026-01-15T02:30:00Z");
  assert_run (berlin, 15, G_DATE_JULY, 2026, "2026-07-15T01:30:00Z");

  assert_due (utc, "2026-01-15T03:29:59Z", "2026-01-14");
  assert_due (utc, "2026-01-15T03:30:00Z", "2026-01-15");
  assert_due (utc, "2026-01-15T23:59:59Z", "2026-01-15");
  assert_due (utc, "2026-01-01T00:00:00Z", "2025-12-31");
  /* The day is the zone's, not that of UTC. */
  g_autoptr (VbSchedule) tokyo = make ("07:00", 0, "Asia/Tokyo");
  assert_due (tokyo, "2026-01-14T22:00:00Z", "2026-01-15");
  assert_due (tokyo, "2026-01-14T21:59:00Z", "2026-01-14");
}

static void
test_clock_changes (void)
{
  /* 02:30 does not exist on 2026-03-29 and comes twice on 2026-10-25. */
  g_autoptr (VbSchedule) berlin = make ("02:30", 0, "Europe/Berlin");
  assert_run (berlin, 28, G_DATE_MARCH, 2026, "2026-03-28T01:30:00Z");
  assert_run (berlin, 29, G_DATE_MARCH, 2026, "2026-03-29T01:00:00Z");
  assert_run (berlin, 30, G_DATE_MARCH, 2026, "2026-03-30T00:30:00Z");
  assert_run (berlin, 25, G_DATE_OCTOBER, 2026, "2026-10-25T01:30:00Z");
  assert_due (berlin, "2026-10-25T00:30:00Z", "2026-10-24");
  assert_due (berlin, "2026-10-25T01:30:00Z", "2026-10-25");
  assert_due (berlin, "2026-10-26T01:29:00Z", "2026-10-25");

  g_autoptr (VbSchedule) york = make ("02:30", 0, "America/New_York");
  assert_run (york, 8, G_DATE_MARCH, 2026, "2026-03-08T07:00:00Z");
  /* The day itself begins an hour late. */
  g_autoptr (VbSchedule) cairo = make ("00:15", 0, "Africa/Cairo");
  assert_run (cairo, 28, G_DATE_APRIL, 2023, "2023-04-27T22:00:00Z");
  /* A day that was left out. */
  g_autoptr (VbSchedule) samoa = make ("12:00", 0, "Pacific/Apia");
  assert_run (samoa, 31, G_DATE_DECEMBER, 2011, "2011-12-30T22:00:00Z");
}

/* Whatever the clocks do, the runs come in order, and each is due from its time on until the next:
 * one a day, and several on some days, at the same instant only where an hour is left out. */
static void
check_order (const VbScheduleForm *form, GDateMonth from, guint n_runs, guint most_at_once)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSchedule) schedule = vb_schedule_new (form, &error);
  g_assert_no_error (error);
  const VbCalendar *calendar = vb_schedule_get_calendar (schedule);
  g_autoptr (GDateTime) before = NULL;
  GDate day;
  guint at_once = 0;
  g_date_clear (&day, 1);
  g_date_set_dmy (&day, 1, from, 2026);
  gint64 run = vb_calendar_next (calendar, (gint64) g_date_get_julian (&day) * 1440);

  for (guint n = 0; n < n_runs; n++)
    {
      g_autoptr (GDateTime) time = vb_schedule_get_time (schedule, VPS, run);
      g_autoptr (GDateTime) shortly_before = g_date_time_add_seconds (time, -1);
      gint64 next = vb_calendar_next (calendar, run);
      g_autoptr (GDateTime) after = vb_schedule_get_time (schedule, VPS, next);
      g_assert_cmpint (vb_calendar_previous (calendar, next), ==, run);
      g_assert_true (before == NULL || g_date_time_compare (time, before) >= 0);
      at_once += before != NULL && g_date_time_equal (time, before);
      g_assert_cmpint (vb_schedule_get_due (schedule, VPS, time), ==,
                       g_date_time_equal (time, after) ? next : run);
      g_assert_cmpint (vb_schedule_get_due (schedule, VPS, shortly_before), <, run);
      g_clear_pointer (&before, g_date_time_unref);
      before = g_date_time_ref (time);
      run = next;
    }
  g_assert_cmpuint (at_once, <=, most_at_once);
}

static void
test_order (void)
{
  static const char *const zones[]
      = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC" };

  for (guint i = 0; i < G_N_ELEMENTS (zones); i++)
    {
      VbScheduleForm form
          = { .at = i % 2 ? "00:30" : "02:10", .jitter_minutes = 300, .keep = 2, .zone = zones[i] };
      check_order (&form, G_DATE_JANUARY, 730, 0);
      form.days = "sun,mon";
      check_order (&form, G_DATE_JANUARY, 200, 0);
      form.days = NULL;
      form.every_hours = 1;
      /* When clocks are changed. */
      check_order (&form, G_DATE_MARCH, 60 * 24, 2);
      check_order (&form, G_DATE_OCTOBER, 35 * 24, 2);
      form.calendar = "*-*~1 02,03:30,45";
      check_order (&form, G_DATE_JANUARY, 200, 0);
    }
}

static void
test_several_a_day (void)
{
  const VbScheduleForm form
      = { .id = "office", .at = "21:30", .every_hours = 8, .days = "mon,fri", .keep = 1 };
  g_autoptr (VbSchedule) schedule = vb_schedule_new (&form, NULL);
  g_autofree char *days = vb_schedule_get_days (schedule);

  g_assert_cmpstr (vb_schedule_get_id (schedule), ==, "office");
  g_assert_cmpstr (vb_schedule_get_at (schedule), ==, "05:30");
  g_assert_cmpstr (days, ==, "mon,fri");
  g_assert_true (vb_schedule_is_plain (schedule));
  g_assert_cmpstr (vb_schedule_get_timing (schedule), ==, "Mon,Fri 05/8:30+0 UTC");
  /* 2026-05-01 is a Friday. */
  assert_due (schedule, "2026-05-01T05:29:59Z", "2026-04-27 21:30");
  assert_due (schedule, "2026-05-01T13:30:00Z", "2026-05-01 13:30");
  assert_due (schedule, "2026-05-04T05:00:00Z", "2026-05-01 21:30");
}

static void
test_keep (void)
{
  static const struct
  {
    const char *days, *calendar;
    gint64 every, keep, daily, weekly, monthly;
    guint count;
  } cases[] = {
    { NULL, NULL, 0, 3, 0, 0, 0, 3 },   { NULL, NULL, 0, 1, 7, 0, 0, 7 },
    { NULL, NULL, 0, 3, 7, 0, 0, 7 },   { NULL, NULL, 0, 1, 7, 4, 6, 15 },
    { NULL, NULL, 6, 1, 7, 4, 0, 10 },  { NULL, NULL, 6, 4, 7, 0, 0, 10 },
    { NULL, NULL, 6, 28, 7, 0, 0, 28 }, { "mon", NULL, 0, 1, 4, 6, 0, 6 },
    { "mon", NULL, 0, 1, 0, 4, 6, 9 },  { "mon,thu", NULL, 0, 2, 0, 4, 3, 7 },
    { NULL, NULL, 0, 1, 30, 4, 0, 30 }, { NULL, "*-*-01 04:00", 0, 2, 5, 5, 12, 12 },
    { NULL, NULL, 1, 24, 7, 0, 0, 30 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const VbScheduleForm form = { .at = "02:00",
                                    .days = cases[i].days,
                                    .calendar = cases[i].calendar,
                                    .every_hours = cases[i].every,
                                    .keep = cases[i].keep,
                                    .keep_daily = cases[i].daily,
                                    .keep_weekly = cases[i].weekly,
                                    .keep_monthly = cases[i].monthly };
      g_autoptr (VbSchedule) schedule = vb_schedule_new (&form, NULL);
      const VbCalendar *calendar = vb_schedule_get_calendar (schedule);
      gint64 newest = (gint64) 739000 * 1440;
      guint most = 0;

      /* Two years, looked at after each run. */
      for (guint n = 0; n < 2 * 366 && newest < (gint64) (739000 + 6 * 366) * 1440; n++)
        {
          VbRetention retention;
          guint kept = 0;
          newest = vb_calendar_next (calendar, newest);
          vb_retention_init (&retention, vb_schedule_get_keep (schedule));
          for (gint64 run = newest; !vb_retention_is_done (&retention);
               run = vb_calendar_previous (calendar, run))
            kept += vb_retention_look (&retention, run) != VB_KEPT_NOT;
          most = MAX (most, kept);
        }
      g_test_message ("case %u: %u kept", i, most);
      g_assert_cmpuint (most, ==, cases[i].count);
      g_assert_cmpuint (vb_schedule_count_kept (schedule), ==, cases[i].count);
    }
}

static void
test_jitter (void)
{
  g_autoptr (VbSchedule) exact = make ("23:50", 0, NULL);
  g_autoptr (VbSchedule) spread = make ("23:50", 30, NULL);
  g_autoptr (VbSchedule) again = make ("23:50", 30, NULL);
  gint64 least = G_MAXINT64, most = -1;
  guint n_same = 0;
  GDate day;

  g_date_clear (&day, 1);
  g_date_set_dmy (&day, 1, G_DATE_JANUARY, 2026);
  for (guint n = 0; n < 200; n++, g_date_add_days (&day, 1))
    {
      g_autoptr (GDateTime) at = vb_schedule_get_time (exact, VPS, run_of (exact, &day));
      g_autoptr (GDateTime) run = vb_schedule_get_time (spread, VPS, run_of (spread, &day));
      g_autoptr (GDateTime) same = vb_schedule_get_time (again, VPS, run_of (again, &day));
      g_autoptr (GDateTime) other = vb_schedule_get_time (spread, OTHER, run_of (spread, &day));
      gint64 later_s = g_date_time_difference (run, at) / G_TIME_SPAN_SECOND;
      g_assert_true (g_date_time_equal (run, same));
      g_assert_cmpint (later_s, >=, 0);
      g_assert_cmpint (later_s, <, 30 * 60);
      n_same += (guint) g_date_time_equal (run, other);
      least = MIN (least, later_s);
      most = MAX (most, later_s);
    }
  g_assert_cmpint (least, <, 5 * 60);
  g_assert_cmpint (most, >, 25 * 60);
  g_assert_cmpuint (n_same, <, 10);
}

static void
test_what_makes_no_sense (void)
{
  const VbScheduleForm good = { .at = "03:30", .keep = 2 };
  static const struct
  {
    VbScheduleForm form;
    const char *word;
  } cases[] = {
    { { .keep = 2 }, "at" },
    { { .at = "24:00", .keep = 2 }, "at" },
    { { .at = "3:30", .keep = 2 }, "at" },
    { { .at = "03:60", .keep = 2 }, "at" },
    { { .at = "03:30Z", .keep = 2 }, "at" },
    { { .at = "03:30", .keep = 2, .jitter_minutes = 361 }, "jitter" },
    { { .at = "03:30", .keep = 2, .jitter_minutes = -1 }, "jitter" },
    { { .at = "03:30" }, "keep" },
    { { .at = "03:30", .keep = -1 }, "keep" },
    { { .at = "03:30", .keep = 100 }, "keep" },
    { { .at = "03:30", .keep = 1, .keep_daily = -1 }, "keep_daily" },
    { { .at = "03:30", .keep = 1, .keep_monthly = 100 }, "keep_daily" },
    { { .at = "03:30", .keep = 2, .zone = "Nowhere/Atlantis" }, "zone" },
    { { .at = "03:30", .keep = 2, .zone = "" }, "zone" },
    { { .at = "03:30", .keep = 2, .zone = "../../etc/passwd" }, "zone" },
    { { .at = "03:30", .keep = 2, .zone = "/etc/localtime" }, "zone" },
    { { .at = "03:30", .keep = 2, .zone = "Europe/../UTC" }, "zone" },
    { { .at = "03:30", .keep = 2, .zone = "leapseconds" }, "zone" },
    { { .at = "03:30", .keep = 2, .zone = "Europe" }, "zone" },
    { { .at = "03:30", .keep = 2, .days = "" }, "days" },
    { { .at = "03:30", .keep = 2, .days = "mon,," }, "days" },
    { { .at = "03:30", .keep = 2, .days = "mo" }, "days" },
    { { .at = "03:30", .keep = 2, .every_hours = 5 }, "every" },
    { { .at = "03:30", .keep = 2, .every_hours = 48 }, "every" },
    { { .at = "03:30", .keep = 2, .every_hours = -1 }, "every" },
    { { .calendar = "02", .keep = 2 }, "calendar" },
    { { .id = "", .at = "03:30", .keep = 2 }, "id" },
    { { .id = "a b", .at = "03:30", .keep = 2 }, "id" },
    { { .id = "01234567890123456789012345678901234567890123456789012345678901234",
        .at = "03:30",
        .keep = 2 },
      "id" },
  };
  g_autoptr (VbSchedule) sense = vb_schedule_new (&good, NULL);

  g_assert_nonnull (sense);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (vb_schedule_new (&cases[i].form, &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
      g_assert_true (g_str_has_prefix (error->message, cases[i].word));
    }
}

static void
test_equal (void)
{
  g_autoptr (VbSchedule) schedule = vb_schedule_new_daily ("23:05", 45, 3, "Europe/Berlin", NULL);
  g_autoptr (VbSchedule) same = vb_schedule_new_daily ("23:05", 45, 3, "Europe/Berlin", NULL);
  g_autoptr (VbSchedule) keeps_less = vb_schedule_new_daily ("23:05", 45, 2, "Europe/Berlin", NULL);
  g_autoptr (VbSchedule) later = vb_schedule_new_daily ("23:06", 45, 3, "Europe/Berlin", NULL);

  g_assert_true (vb_schedule_equal (schedule, same));
  g_assert_false (vb_schedule_equal (schedule, keeps_less));
  g_assert_false (vb_schedule_equal (schedule, later));
  g_assert_false (vb_schedule_equal (schedule, NULL));
  g_assert_true (vb_schedule_equal (NULL, NULL));
  /* How many are kept does not decide when it runs, and journals of old have these words. */
  g_assert_cmpstr (vb_schedule_get_timing (schedule), ==, "23:05+45 Europe/Berlin");
  g_assert_cmpstr (vb_schedule_get_timing (schedule), ==, vb_schedule_get_timing (keeps_less));
}

static void
test_several (void)
{
  const VbScheduleForm form = { .id = "office", .at = "08:00", .keep = 4 };
  g_autoptr (VbSchedule) daily = vb_schedule_new_daily ("23:05", 0, 3, NULL, NULL);
  g_autoptr (VbSchedule) office = vb_schedule_new (&form, NULL);
  g_autoptr (GPtrArray) one = vb_schedules_with (NULL, VB_SCHEDULE_FIRST, daily);
  g_autoptr (GPtrArray) two = vb_schedules_with (one, "office", office);
  g_autoptr (GPtrArray) again = vb_schedules_with (two, "office", office);
  g_autoptr (GPtrArray) rest = vb_schedules_with (two, VB_SCHEDULE_FIRST, NULL);
  g_autoptr (GPtrArray) none = vb_schedules_with (rest, "office", NULL);

  g_assert_true (vb_schedules_find (two, "office") == office);
  g_assert_cmpuint (vb_schedules_count_kept (two), ==, 7);
  g_assert_true (vb_schedules_equal (two, again));
  g_assert_false (vb_schedules_equal (two, one));
  g_assert_null (vb_schedules_find (rest, VB_SCHEDULE_FIRST));
  g_assert_null (none);
  g_assert_true (vb_schedules_equal (none, NULL));
}

static void
add_backup (VbVps *vps, const char *id, const char *at, const char *schedule, gboolean is_protected)
{
  VbBackupInfo *info = vb_backup_info_new (id, VPS);
  info->created_at = g_date_time_new_from_iso8601 (at, NULL);
  info->is_scheduled = schedule != NULL;
  info->schedule = g_strdup (schedule);
  info->is_protected = is_protected;
  g_autoptr (VbBackup) backup
      = vb_backup_new (info, VB_BACKUP_AVAILABLE, vb_slots_lease (vb_vps_get_slots (vps)));
  vb_vps_add_backup (vps, backup);
}

static char *
list_surplus (VbVps *vps, const VbSchedule *schedule, gint64 next)
{
  g_autoptr (GPtrArray) surplus = vb_vps_find_surplus (vps, schedule, NULL, next);
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < surplus->len; i++)
    g_string_append (text, vb_backup_get_id (g_ptr_array_index (surplus, i)));
  return g_string_free (text, FALSE);
}

/* Only the schedule's own count, in its time zone, and the latest good one stays whatever the rules
 * say. */
static void
test_surplus (void)
{
  const VbCheck damaged = { 1, 1 };
  const VbScheduleForm form
      = { .at = "02:00", .keep = 1, .keep_weekly = 2, .zone = "Europe/Berlin" };
  g_autoptr (VbSchedule) schedule = vb_schedule_new (&form, NULL);
  g_autoptr (VbSlots) slots = vb_slots_new (2, 2, 50);
  g_autoptr (VbVps) vps = vb_vps_new (VPS, slots);

  add_backup (vps, "a", "2026-05-12T00:00:00Z", "default", FALSE);
  add_backup (vps, "b", "2026-05-11T00:00:00Z", NULL, FALSE);
  /* A Sunday in UTC, Monday in Berlin. */
  add_backup (vps, "c", "2026-05-10T22:30:00Z", "default", FALSE);
  add_backup (vps, "d", "2026-05-10T21:30:00Z", "office", FALSE);
  add_backup (vps, "e", "2026-05-09T00:00:00Z", "default", TRUE);
  add_backup (vps, "f", "2026-05-08T00:00:00Z", "default", FALSE);
  add_backup (vps, "g", "2026-05-07T00:00:00Z", "default", FALSE);
  add_backup (vps, "h", "2026-04-30T00:00:00Z", "default", FALSE);
  g_autofree char *now = list_surplus (vps, schedule, VB_CALENDAR_NEVER);
  g_assert_cmpstr (now, ==, "cgh");
  /* After the run of the next week. */
  g_autoptr (GDateTime) monday = g_date_time_new_from_iso8601 ("2026-05-18T00:00:00Z", NULL);
  g_autofree char *then = list_surplus (vps, schedule, vb_schedule_minute_of (schedule, monday));
  g_assert_cmpstr (then, ==, "cfgh");
  /* All newer ones are damaged. */
  for (const char *p = "abcdef"; *p != '\0'; p++)
    {
      const char id[] = { *p, '\0' };
      vb_backup_set_check (vb_vps_find_backup (vps, id), &damaged);
    }
  g_autofree char *good = list_surplus (vps, schedule, VB_CALENDAR_NEVER);
  g_assert_cmpstr (good, ==, "ch");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schedule/time-of-day", test_time_of_day);
  g_test_add_func ("/schedule/clock-changes", test_clock_changes);
  g_test_add_func ("/schedule/order", test_order);
  g_test_add_func ("/schedule/jitter", test_jitter);
  g_test_add_func ("/schedule/what-makes-no-sense", test_what_makes_no_sense);
  g_test_add_func ("/schedule/several-a-day", test_several_a_day);
  g_test_add_func ("/schedule/keep", test_keep);
  g_test_add_func ("/schedule/equal", test_equal);
  g_test_add_func ("/schedule/several", test_several);
  g_test_add_func ("/schedule/surplus", test_surplus);
  return g_test_run ();
}
