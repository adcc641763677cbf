/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "core/model/vb-schedule.h"

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"

static VbSchedule *
make (const char *at, gint64 jitter, const char *zone)
{
  g_autoptr (GError) error = NULL;
  VbSchedule *schedule = vb_schedule_new (at, jitter, 2, zone, &error);
  g_assert_no_error (error);
  return schedule;
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
  g_autoptr (GDateTime) run = vb_schedule_get_run (schedule, VPS, &date);
  g_autofree char *text = g_date_time_format_iso8601 (run);
  g_assert_cmpstr (text, ==, expected);
}

static void
assert_due (const VbSchedule *schedule, const char *now_text, const char *expected)
{
  g_autoptr (GDateTime) now = g_date_time_new_from_iso8601 (now_text, NULL);
  GDate day;
  vb_schedule_get_due_day (schedule, VPS, now, &day);
  g_autofree char *text = g_strdup_printf ("%04u-%02u-%02u", g_date_get_year (&day),
                                           (guint) g_date_get_month (&day), g_date_get_day (&day));
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

/* Whatever the clocks do, each day has one run, and they come in order. */
static void
test_one_run_a_day (void)
{
  static const char *const zones[]
      = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC" };

  for (guint i = 0; i < G_N_ELEMENTS (zones); i++)
    {
      g_autoptr (VbSchedule) schedule = make (i % 2 ? "00:30" : "02:10", 300, zones[i]);
      g_autoptr (GDateTime) before = NULL;
      GDate day;
      g_date_clear (&day, 1);
      g_date_set_dmy (&day, 1, G_DATE_JANUARY, 2026);
      for (guint n = 0; n < 730; n++, g_date_add_days (&day, 1))
        {
          g_autoptr (GDateTime) run = vb_schedule_get_run (schedule, VPS, &day);
          g_autoptr (GDateTime) shortly_before = g_date_time_add_seconds (run, -1);
          GDate due;
          g_assert_true (before == NULL || g_date_time_compare (run, before) > 0);
          vb_schedule_get_due_day (schedule, VPS, run, &due);
          g_assert_cmpint (g_date_compare (&due, &day), ==, 0);
          vb_schedule_get_due_day (schedule, VPS, shortly_before, &due);
          g_assert_cmpint (g_date_days_between (&due, &day), ==, 1);
          g_clear_pointer (&before, g_date_time_unref);
          before = g_date_time_ref (run);
        }
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
      g_autoptr (GDateTime) at = vb_schedule_get_run (exact, VPS, &day);
      g_autoptr (GDateTime) run = vb_schedule_get_run (spread, VPS, &day);
      g_autoptr (GDateTime) same = vb_schedule_get_run (again, VPS, &day);
      g_autoptr (GDateTime) other = vb_schedule_get_run (spread, OTHER, &day);
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
  static const struct
  {
    const char *at, *jitter, *keep, *zone, *word;
  } cases[] = {
    { NULL, NULL, "2", NULL, "at" },
    { "24:00", NULL, "2", NULL, "at" },
    { "3:30", NULL, "2", NULL, "at" },
    { "03:60", NULL, "2", NULL, "at" },
    { "03:30Z", NULL, "2", NULL, "at" },
    { "03:30", "361m", "2", NULL, "jitter" },
    { "03:30", "-1m", "2", NULL, "jitter" },
    { "03:30", "m", "2", NULL, "jitter" },
    { "03:30", NULL, NULL, NULL, "keep" },
    { "03:30", NULL, "0", NULL, "keep" },
    { "03:30", NULL, "100", NULL, "keep" },
    { "03:30", NULL, "2", "Nowhere/Atlantis", "zone" },
    { "03:30", NULL, "2", "", "zone" },
    { "03:30", NULL, "2", "../../etc/passwd", "zone" },
    { "03:30", NULL, "2", "/etc/localtime", "zone" },
    { "03:30", NULL, "2", "Europe/../UTC", "zone" },
    { "03:30", NULL, "2", "leapseconds", "zone" },
    { "03:30", NULL, "2", "Europe", "zone" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (
          vb_schedule_parse (cases[i].at, cases[i].jitter, cases[i].keep, cases[i].zone, &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
      g_assert_true (g_str_has_prefix (error->message, cases[i].word));
    }
}

static void
test_attributes (void)
{
  g_autoptr (VbSchedule) schedule = vb_schedule_parse ("23:05", "45m", "3", "Europe/Berlin", NULL);
  g_autoptr (VbSchedule) same = vb_schedule_new ("23:05", 45, 3, "Europe/Berlin", NULL);
  g_autoptr (VbSchedule) keeps_less = vb_schedule_new ("23:05", 45, 2, "Europe/Berlin", NULL);
  g_autoptr (VbSchedule) later = vb_schedule_new ("23:06", 45, 3, "Europe/Berlin", NULL);

  g_assert_cmpstr (vb_schedule_get_at (schedule), ==, "23:05");
  g_assert_cmpuint (vb_schedule_get_jitter_minutes (schedule), ==, 45);
  g_assert_cmpuint (vb_schedule_get_keep (schedule), ==, 3);
  g_assert_cmpstr (vb_schedule_get_zone (schedule), ==, "Europe/Berlin");
  g_assert_true (vb_schedule_equal (schedule, same));
  g_assert_false (vb_schedule_equal (schedule, keeps_less));
  g_assert_false (vb_schedule_equal (schedule, later));
  g_assert_false (vb_schedule_equal (schedule, NULL));
  g_assert_true (vb_schedule_equal (NULL, NULL));
  /* How many are kept does not decide when it runs. */
  g_assert_cmpstr (vb_schedule_get_timing (schedule), ==, vb_schedule_get_timing (keeps_less));
  g_assert_cmpstr (vb_schedule_get_timing (schedule), !=, vb_schedule_get_timing (later));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schedule/time-of-day", test_time_of_day);
  g_test_add_func ("/schedule/clock-changes", test_clock_changes);
  g_test_add_func ("/schedule/one-run-a-day", test_one_run_a_day);
  g_test_add_func ("/schedule/jitter", test_jitter);
  g_test_add_func ("/schedule/what-makes-no-sense", test_what_makes_no_sense);
  g_test_add_func ("/schedule/attributes", test_attributes);
  return g_test_run ();
}
