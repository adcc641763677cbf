/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schedules for people, and the options that describe one. */
#include "core/base/vb-i18n.h"
#include "core/model/vb-schedule.h"
#include "vb-cli-schedule.h"
#include "vb-cli-text.h"

void
vb_cli_schedule_add_options (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &self->id,
      N_ ("Which of several, or a new one (default: the first)"), N_ ("ID") },
    { "at", 0, 0, G_OPTION_ARG_STRING, &self->at, N_ ("Time of day"), N_ ("HH:MM") },
    { "days", 0, 0, G_OPTION_ARG_STRING, &self->days, N_ ("Days of the week, such as mon,thu"),
      N_ ("DAYS") },
    { "every", 0, 0, G_OPTION_ARG_STRING, &self->every,
      N_ ("Around the clock, such as 6h (24h: once a day)"), N_ ("HOURS") },
    { "calendar", 0, 0, G_OPTION_ARG_STRING, &self->calendar,
      N_ ("When, as systemd.time(7) has it, such as “Mon..Fri 02:00”"), N_ ("EVENT") },
    { "keep", 0, 0, G_OPTION_ARG_INT, &self->keep, N_ ("Scheduled backups that stay (default: 1)"),
      N_ ("N") },
    { "keep-daily", 0, 0, G_OPTION_ARG_INT, &self->keep_daily,
      N_ ("Also the last one of each of so many days"), N_ ("N") },
    { "keep-weekly", 0, 0, G_OPTION_ARG_INT, &self->keep_weekly, N_ ("And of so many weeks"),
      N_ ("N") },
    { "keep-monthly", 0, 0, G_OPTION_ARG_INT, &self->keep_monthly, N_ ("And of so many months"),
      N_ ("N") },
    { "jitter", 0, 0, G_OPTION_ARG_INT, &self->jitter, N_ ("Up to how much later"),
      N_ ("MINUTES") },
    { "zone", 0, 0, G_OPTION_ARG_STRING, &self->zone,
      N_ ("Time zone, such as Europe/Berlin (default: UTC)"), N_ ("ZONE") },
    { "off", 0, 0, G_OPTION_ARG_NONE, &self->off, N_ ("No more scheduled backups"), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

/* Returns: (transfer full) (nullable): "mon, thu" */
static char *
join (JsonObject *object, const char *name)
{
  g_autoptr (JsonArray) array = vb_cli_get_array (object, name);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (array); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "",
                            json_array_get_string_element (array, i));
  return g_string_free (text, text->len == 0);
}

static char *
describe_times (JsonObject *schedule)
{
  const char *at = vb_cli_get_string (schedule, "at");
  const char *calendar = vb_cli_get_string (schedule, "calendar");
  g_autofree char *zone = vb_cli_text_clean (vb_cli_get_string (schedule, "zone"));
  g_autofree char *days = join (schedule, "days");
  int hours = (int) vb_cli_get_int (schedule, "every_hours");

  if (calendar != NULL)
    return g_strdup_printf (_ ("at “%s” %s"), calendar, zone);
  if (hours > 0 && hours < 24 && days != NULL)
    return g_strdup_printf (_ ("%s, every %d hours from %s %s"), days, hours, at, zone);
  if (hours > 0 && hours < 24)
    return g_strdup_printf (_ ("every %d hours from %s %s"), hours, at, zone);
  if (days != NULL)
    return g_strdup_printf (_ ("%s at %s %s"), days, at, zone);
  return g_strdup_printf (_ ("daily at %s %s"), at, zone);
}

static char *
describe_rules (JsonObject *schedule)
{
  int daily = (int) vb_cli_get_int (schedule, "keep_daily");
  int weekly = (int) vb_cli_get_int (schedule, "keep_weekly");
  int monthly = (int) vb_cli_get_int (schedule, "keep_monthly");
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%d", (int) vb_cli_get_int (schedule, "keep"));
  if (daily > 0)
    g_string_append_printf (text, _ (", %d daily"), daily);
  if (weekly > 0)
    g_string_append_printf (text, _ (", %d weekly"), weekly);
  if (monthly > 0)
    g_string_append_printf (text, _ (", %d monthly"), monthly);
  return g_string_free (text, FALSE);
}

void
vb_cli_print_schedule (const char *id, JsonObject *state)
{
  JsonObject *schedule = vb_cli_get_object (state, "schedule");
  g_autofree char *next = vb_cli_text_time (vb_cli_get_string (state, "next_run_at"));

  if (schedule == NULL)
    {
      vb_cli_print (stdout, _ ("Schedule   none\n"));
      return;
    }
  g_autofree char *times = describe_times (schedule);
  g_autofree char *rules = describe_rules (schedule);
  g_autofree char *name = id != NULL && !g_str_equal (id, VB_SCHEDULE_FIRST)
                              ? g_strdup_printf ("[%s] ", id)
                              : g_strdup ("");
  vb_cli_print (stdout, _ ("Schedule   %s%s, up to %d minutes later; keeps %s; next %s\n"), name,
                times, (int) vb_cli_get_int (schedule, "jitter_minutes"), rules, next);
}

void
vb_cli_print_schedules (JsonObject *object)
{
  g_autoptr (JsonArray) entries = vb_cli_get_array (object, "schedules");

  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      JsonObject *entry = json_array_get_object_element (entries, i);
      vb_cli_print_schedule (vb_cli_get_string (entry, "id"), entry);
    }
  if (json_array_get_length (entries) == 0)
    vb_cli_print_schedule (NULL, object);
}

void
vb_cli_print_preview (JsonObject *preview)
{
  g_autoptr (JsonArray) runs = vb_cli_get_array (preview, "next_runs");
  g_autoptr (JsonArray) kept = vb_cli_get_array (preview, "kept");
  g_autoptr (JsonArray) removes = vb_cli_get_array (preview, "removes");

  for (guint i = 0; i < json_array_get_length (runs); i++)
    {
      g_autofree char *time = vb_cli_text_time (json_array_get_string_element (runs, i));
      vb_cli_print (stdout, _ ("Next       %s\n"), time);
    }
  for (guint i = 0; i < json_array_get_length (removes); i++)
    vb_cli_print (stdout, _ ("Removes    %s\n"), json_array_get_string_element (removes, i));
  for (guint i = 0; i < json_array_get_length (kept); i++)
    {
      JsonObject *one = json_array_get_object_element (kept, i);
      g_autofree char *time = vb_cli_text_time (vb_cli_get_string (one, "at"));
      g_autofree char *rules = join (one, "rules");
      vb_cli_print (stdout, _ ("Keeps      %s (%s)\n"), time, rules);
    }
  vb_cli_print (stdout, _ ("Slots      %d needed by all schedules, %d there\n"),
                (int) vb_cli_get_int (preview, "slots_needed"),
                (int) vb_cli_get_int (preview, "slots_total"));
}
