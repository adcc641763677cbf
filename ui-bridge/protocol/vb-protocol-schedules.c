/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-protocol-schedules.h"

#include "core/base/vb-error.h"
#include "core/model/vb-vps-rotation.h"
#include "vb-protocol-objects.h"

#define N_RUNS 5
#define HOURS_A_DAY 24

/* --- writing --- */

const VbSchedule *
vb_json_schedules_get_first (VbVps *vps)
{
  GPtrArray *schedules = vb_vps_get_schedules (vps);

  return schedules != NULL ? g_ptr_array_index (schedules, 0) : NULL;
}

static void
add_days (JsonObject *object, const VbSchedule *schedule)
{
  g_autofree char *text = vb_schedule_get_days (schedule);
  g_auto (GStrv) days = text != NULL ? g_strsplit (text, ",", -1) : NULL;
  JsonArray *array;

  if (days == NULL)
    return;
  array = json_array_new ();
  for (guint i = 0; days[i] != NULL; i++)
    json_array_add_string_element (array, days[i]);
  json_object_set_array_member (object, "days", array);
}

static void
add_rule (JsonObject *object, const char *name, guint number)
{
  if (number > 0)
    json_object_set_int_member (object, name, number);
}

/* What older clients do not know is there only when it says something. */
static JsonObject *
make_schedule (const VbSchedule *schedule)
{
  const VbCalendar *calendar = vb_schedule_get_calendar (schedule);
  const VbKeep *keep = vb_schedule_get_keep (schedule);
  guint step = vb_calendar_get_step (calendar);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "at", vb_schedule_get_at (schedule));
  json_object_set_int_member (object, "jitter_minutes", vb_schedule_get_jitter_minutes (schedule));
  json_object_set_int_member (object, "keep", keep->last);
  json_object_set_string_member (object, "zone", vb_schedule_get_zone (schedule));
  if (vb_schedule_is_plain (schedule))
    {
      add_days (object, schedule);
      add_rule (object, "every_hours", step < HOURS_A_DAY ? step : 0);
    }
  else
    {
      g_autofree char *text = vb_calendar_to_string (calendar);
      json_object_set_string_member (object, "calendar", text);
    }
  add_rule (object, "keep_daily", keep->daily);
  add_rule (object, "keep_weekly", keep->weekly);
  add_rule (object, "keep_monthly", keep->monthly);
  return object;
}

void
vb_json_add_schedule (JsonObject *object, VbVps *vps, const VbSchedule *schedule)
{
  if (schedule != NULL)
    json_object_set_object_member (object, "schedule", make_schedule (schedule));
  else
    json_object_set_null_member (object, "schedule");
  vb_json_add_time (object, "next_run_at",
                    schedule ? vb_vps_get_next_run (vps, vb_schedule_get_id (schedule)) : NULL);
}

void
vb_json_add_schedules (JsonObject *object, VbVps *vps)
{
  GPtrArray *schedules = vb_vps_get_schedules (vps);
  JsonArray *array = json_array_new ();

  for (guint i = 0; schedules != NULL && i < schedules->len; i++)
    {
      const VbSchedule *schedule = g_ptr_array_index (schedules, i);
      JsonObject *entry = json_object_new ();
      json_object_set_string_member (entry, "id", vb_schedule_get_id (schedule));
      vb_json_add_schedule (entry, vps, schedule);
      json_object_set_int_member (entry, "slots_needed", vb_schedule_count_kept (schedule));
      json_array_add_object_element (array, entry);
    }
  json_object_set_array_member (object, "schedules", array);
}

/* --- reading --- */

static gboolean
check_members (JsonObject *object, gboolean is_old, GError **error)
{
  const char *const old[] = { "at", "jitter_minutes", "keep", "zone", NULL };
  const char *const more[]
      = { "days", "every_hours", "calendar", "keep_daily", "keep_weekly", "keep_monthly", NULL };
  g_autoptr (GList) names = json_object_get_members (object);

  for (GList *link = names; link != NULL; link = link->next)
    if (!g_strv_contains (old, link->data) && (is_old || !g_strv_contains (more, link->data)))
      {
        g_set_error_literal (
            error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
            is_old ? "schedule: give at, keep, jitter_minutes and zone, and nothing else."
                   : "schedule: give at, days and every_hours or calendar, zone, jitter_minutes, "
                     "keep, keep_daily, keep_weekly and keep_monthly, and nothing else.");
        return FALSE;
      }
  return TRUE;
}

static JsonNode *
get_member (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == type ? node : NULL;
}

/* What is there and of another type is -1 or "", which no schedule takes. */
static gint64
get_number (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = get_member (object, name, G_TYPE_INT64);

  if (node != NULL)
    return json_node_get_int (node);
  return json_object_has_member (object, name) ? -1 : fallback;
}

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, G_TYPE_STRING);

  if (node != NULL)
    return json_node_get_string (node);
  return json_object_has_member (object, name) ? "" : NULL;
}

/* Returns: (transfer full) (nullable): with commas */
static char *
get_days (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "days");
  GString *text = g_string_new (NULL);
  JsonArray *array
      = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *day = json_array_get_element (array, i);
      const char *name
          = json_node_get_value_type (day) == G_TYPE_STRING ? json_node_get_string (day) : "?";
      g_string_append_printf (text, "%s%s", i > 0 ? "," : "", name);
    }
  return g_string_free (text, node == NULL);
}

VbSchedule *
vb_json_read_schedule (JsonObject *object, const char *id, GError **error)
{
  if (!check_members (object, id == NULL, error))
    return NULL;
  g_autofree char *days = get_days (object);
  const VbScheduleForm form = { .id = id,
                                .at = get_text (object, "at"),
                                .days = days,
                                .every_hours = get_number (object, "every_hours", 0),
                                .calendar = get_text (object, "calendar"),
                                .jitter_minutes = get_number (object, "jitter_minutes", 0),
                                .zone = get_text (object, "zone"),
                                .keep = get_number (object, "keep", id == NULL ? -1 : 1),
                                .keep_daily = get_number (object, "keep_daily", 0),
                                .keep_weekly = get_number (object, "keep_weekly", 0),
                                .keep_monthly = get_number (object, "keep_monthly", 0) };

  return vb_schedule_new (&form, error);
}

/* --- what it would do --- */

static JsonNode *
make_time (GDateTime *time)
{
  g_autofree char *text = g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");

  return json_node_init_string (json_node_alloc (), text);
}

static JsonArray *
list_runs (VbVps *vps, const VbSchedule *schedule, gint64 run)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < N_RUNS && run != VB_CALENDAR_NEVER; i++)
    {
      g_autoptr (GDateTime) time = vb_schedule_get_time (schedule, vb_vps_get_uuid (vps), run);
      if (time != NULL)
        json_array_add_element (array, make_time (time));
      run = vb_calendar_next (vb_schedule_get_calendar (schedule), run);
    }
  return array;
}

static JsonArray *
list_rules (VbKept kept)
{
  static const char *const names[] = { "last", "daily", "weekly", "monthly" };
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if ((kept >> i & 1) != 0)
      json_array_add_string_element (array, names[i]);
  return array;
}

/* As if it had always been there. */
static JsonArray *
list_kept (VbVps *vps, const VbSchedule *schedule, gint64 run)
{
  JsonArray *array = json_array_new ();
  VbRetention retention;

  vb_retention_init (&retention, vb_schedule_get_keep (schedule));
  while (run != VB_CALENDAR_NEVER && !vb_retention_is_done (&retention))
    {
      VbKept kept = vb_retention_look (&retention, run);
      g_autoptr (GDateTime) time = kept != VB_KEPT_NOT
                                       ? vb_schedule_get_time (schedule, vb_vps_get_uuid (vps), run)
                                       : NULL;
      if (time != NULL)
        {
          JsonObject *entry = json_object_new ();
          json_object_set_member (entry, "at", make_time (time));
          json_object_set_array_member (entry, "rules", list_rules (kept));
          json_array_add_object_element (array, entry);
        }
      run = vb_calendar_previous (vb_schedule_get_calendar (schedule), run);
    }
  return array;
}

static JsonArray *
list_removed (VbVps *vps, const VbSchedule *schedule, gint64 run)
{
  g_autoptr (GPtrArray) surplus = vb_vps_find_surplus (vps, schedule, NULL, run);
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < surplus->len; i++)
    json_array_add_string_element (array, vb_backup_get_id (g_ptr_array_index (surplus, i)));
  return array;
}

JsonObject *
vb_json_preview (VbVps *vps, const VbSchedule *schedule, GDateTime *now)
{
  gint64 due = vb_schedule_get_due (schedule, vb_vps_get_uuid (vps), now);
  gint64 next = vb_calendar_next (vb_schedule_get_calendar (schedule), MAX (due, 0));
  g_autoptr (GPtrArray) all = vb_schedules_with (
      vb_vps_get_schedules (vps), vb_schedule_get_id (schedule), (VbSchedule *) schedule);
  guint needed = vb_schedules_count_kept (all);
  guint total = vb_slots_get_total (vb_vps_get_slots (vps));
  JsonObject *object = json_object_new ();

  json_object_set_array_member (object, "next_runs", list_runs (vps, schedule, next));
  json_object_set_array_member (object, "kept", list_kept (vps, schedule, next));
  json_object_set_array_member (object, "removes", list_removed (vps, schedule, next));
  json_object_set_int_member (object, "slots_needed", needed);
  json_object_set_int_member (object, "slots_total", total);
  json_object_set_boolean_member (object, "fits", needed <= total);
  return object;
}
