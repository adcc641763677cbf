/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "core/model/vb-calendar.h"
#include "core/model/vb-retention.h"

static gint64
minute_of (const char *text)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autofree char *whole = g_strconcat (text, ":00", NULL);
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (whole, utc);

  return vb_calendar_minute_of (time);
}

static char *
text_of (gint64 minute)
{
  GDate date;

  g_date_clear (&date, 1);
  g_date_set_julian (&date, (guint32) (minute / 1440));
  return g_strdup_printf ("%04u-%02u-%02uT%02u:%02u", g_date_get_year (&date),
                          (guint) g_date_get_month (&date), g_date_get_day (&date),
                          (guint) (minute % 1440 / 60), (guint) (minute % 60));
}

/* As `systemd-analyze calendar --base-time` says, too. */
static void
test_next (void)
{
  static const struct
  {
    const char *text, *normal, *after, *next, *second;
  } cases[] = {
    { "03:30", "03:30", "2026-05-01T03:30", "2026-05-02T03:30", "2026-05-03T03:30" },
    { "3:30", "03:30", "2026-05-01T03:29", "2026-05-01T03:30", "2026-05-02T03:30" },
    { "*-*-* 02:00:00", "02:00", "2026-12-31T02:00", "2027-01-01T02:00", "2027-01-02T02:00" },
    { "Mon..Fri 02:00", "Mon..Fri 02:00", "2026-05-01T02:00", "2026-05-04T02:00",
      "2026-05-05T02:00" },
    { "thu,mon  03:00", "Mon,Thu 03:00", "2026-05-01T00:00", "2026-05-04T03:00",
      "2026-05-07T03:00" },
    { "Sat..Mon 1:5", "Mon,Sat,Sun 01:05", "2026-05-01T00:00", "2026-05-02T01:05",
      "2026-05-03T01:05" },
    { "Wednesday", "Wed 00:00", "2026-05-01T00:00", "2026-05-06T00:00", "2026-05-13T00:00" },
    { "hourly", "*:00", "2026-05-01T22:00", "2026-05-01T23:00", "2026-05-02T00:00" },
    { "daily", "00:00", "2026-05-01T22:00", "2026-05-02T00:00", "2026-05-03T00:00" },
    { "weekly", "Mon 00:00", "2026-05-01T22:00", "2026-05-04T00:00", "2026-05-11T00:00" },
    { "monthly", "*-*-01 00:00", "2026-05-01T00:00", "2026-06-01T00:00", "2026-07-01T00:00" },
    { "yearly", "*-01-01 00:00", "2026-05-01T00:00", "2027-01-01T00:00", "2028-01-01T00:00" },
    { "00/6:15", "00/6:15", "2026-05-01T06:15", "2026-05-01T12:15", "2026-05-01T18:15" },
    { "8..18/2:00", "08,10,12,14,16,18:00", "2026-05-01T18:00", "2026-05-02T08:00",
      "2026-05-02T10:00" },
    { "*-*-31 04:00", "*-*-31 04:00", "2026-05-31T04:00", "2026-07-31T04:00", "2026-08-31T04:00" },
    { "*-*~1 04:00", "*-*~01 04:00", "2027-12-31T04:00", "2028-01-31T04:00", "2028-02-29T04:00" },
    { "*-02-29 00:00", "*-02-29 00:00", "2026-01-01T00:00", "2028-02-29T00:00",
      "2032-02-29T00:00" },
    { "*-02-29", "*-02-29 00:00", "2096-03-01T00:00", "2104-02-29T00:00", "2108-02-29T00:00" },
    { "02-15,16 1,2:30,45", "*-02-15,16 01,02:30,45", "2026-02-15T01:45", "2026-02-15T02:30",
      "2026-02-15T02:45" },
    { "Mon *-*-01..07 05:00", "Mon *-*-01..07 05:00", "2026-05-05T00:00", "2026-06-01T05:00",
      "2026-07-06T05:00" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      VbCalendar calendar, again;
      g_assert_true (vb_calendar_parse (&calendar, cases[i].text, &error));
      g_assert_no_error (error);
      g_autofree char *normal = vb_calendar_to_string (&calendar);
      g_assert_cmpstr (normal, ==, cases[i].normal);
      g_assert_true (vb_calendar_parse (&again, normal, NULL));
      g_autofree char *same = vb_calendar_to_string (&again);
      g_assert_cmpstr (same, ==, normal);

      gint64 next = vb_calendar_next (&calendar, minute_of (cases[i].after));
      gint64 second = vb_calendar_next (&calendar, next);
      g_autofree char *next_text = text_of (next);
      g_autofree char *second_text = text_of (second);
      g_assert_cmpstr (next_text, ==, cases[i].next);
      g_assert_cmpstr (second_text, ==, cases[i].second);
      g_assert_cmpint (vb_calendar_previous (&calendar, second), ==, next);
      g_assert_cmpint (vb_calendar_previous (&calendar, next), <=, minute_of (cases[i].after));
    }
}

static void
test_refused (void)
{
  static const char *const cases[] = {
    "",
    "now",
    "minutely",
    "Mon..",
    "Mon,",
    "Mun 02:00",
    "02",
    "02:60",
    "24:00",
    "02:00:30",
    "*:*",
    "*:0/15",
    "2026-01-01 02:00",
    "*-13-01",
    "*-01-32",
    "*-02-30 02:00",
    "*-*-00",
    "02:00 Europe/Berlin",
    "02:00 Mon",
    "Mon Tue 02:00",
    "1..0:00",
    "0/0:00",
    "99999999999999999999:00",
    "02:00,",
    "*-*-* *-*-* 02:00",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      VbCalendar calendar;
      g_test_message ("%s", cases[i]);
      g_assert_false (vb_calendar_parse (&calendar, cases[i], &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
      g_assert_true (g_str_has_prefix (error->message, "calendar:"));
    }
}

static void
test_steps (void)
{
  VbCalendar calendar;

  g_assert_true (vb_calendar_parse (&calendar, "01,13:30", NULL));
  g_assert_cmpuint (vb_calendar_get_step (&calendar), ==, 12);
  g_assert_cmpuint (vb_calendar_get_gap (&calendar), ==, 720);
  g_assert_cmpuint (vb_calendar_get_first (&calendar), ==, 90);
  g_assert_true (vb_calendar_parse (&calendar, "01,12:30", NULL));
  g_assert_cmpuint (vb_calendar_get_step (&calendar), ==, 0);
  g_assert_cmpuint (vb_calendar_get_gap (&calendar), ==, 660);
  g_assert_true (vb_calendar_parse (&calendar, "01:30", NULL));
  g_assert_cmpuint (vb_calendar_get_step (&calendar), ==, 24);
  g_assert_cmpuint (vb_calendar_get_gap (&calendar), ==, 1440);
  g_assert_true (vb_calendar_parse (&calendar, "01:10,30", NULL));
  g_assert_cmpuint (vb_calendar_get_step (&calendar), ==, 0);
  g_assert_cmpuint (vb_calendar_get_gap (&calendar), ==, 20);
  g_assert_cmpuint (vb_calendar_count_a_day (&calendar), ==, 2);
}

/* Which rule keeps which backup: at the end of a month, over the turn of a year in a week that
 * belongs to both, and on a leap day. */
static void
test_retention (void)
{
  static const struct
  {
    const char *at;
    VbKept kept;
  } cases[] = {
    { "2028-03-01T02:00", VB_KEPT_LAST | VB_KEPT_DAILY | VB_KEPT_WEEKLY | VB_KEPT_MONTHLY },
    { "2028-02-29T14:00", VB_KEPT_LAST | VB_KEPT_DAILY | VB_KEPT_MONTHLY },
    { "2028-02-29T02:00", VB_KEPT_NOT },
    { "2028-02-28T02:00", VB_KEPT_DAILY }, /* a Monday */
    { "2028-02-27T02:00", VB_KEPT_WEEKLY },
    { "2028-02-26T02:00", VB_KEPT_NOT },
    { "2028-01-31T02:00", VB_KEPT_WEEKLY | VB_KEPT_MONTHLY },
    { "2028-01-30T02:00", VB_KEPT_NOT },
    { "2027-12-31T02:00", VB_KEPT_NOT },
  };
  const VbKeep keep = { .last = 2, .daily = 3, .weekly = 3, .monthly = 3 };
  VbRetention retention;

  vb_retention_init (&retention, &keep);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].at);
      g_assert_cmpint (vb_retention_look (&retention, minute_of (cases[i].at)), ==, cases[i].kept);
      g_assert_cmpint (vb_retention_is_done (&retention), ==, i >= 6);
    }

  /* 2026-12-31 and 2027-01-01 are in one week, and in two months. */
  const VbKeep weekly = { .last = 1, .weekly = 2 };
  vb_retention_init (&retention, &weekly);
  g_assert_cmpint (vb_retention_look (&retention, minute_of ("2027-01-01T02:00")), !=, VB_KEPT_NOT);
  g_assert_cmpint (vb_retention_look (&retention, minute_of ("2026-12-31T02:00")), ==, VB_KEPT_NOT);
  g_assert_cmpint (vb_retention_look (&retention, minute_of ("2026-12-27T02:00")), ==,
                   VB_KEPT_WEEKLY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calendar/next", test_next);
  g_test_add_func ("/calendar/refused", test_refused);
  g_test_add_func ("/calendar/steps", test_steps);
  g_test_add_func ("/calendar/retention", test_retention);
  return g_test_run ();
}
