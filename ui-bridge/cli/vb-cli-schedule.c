/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schedule: when backups of a VPS are made without anybody asking. */
#include "vb-cli-schedule.h"

#include <string.h>

#include "core/base/vb-i18n.h"
#include "core/model/vb-schedule.h"
#include "vb-cli-error.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"

typedef enum
{
  ACTION_LIST,
  ACTION_SET,
  ACTION_PREVIEW,
  ACTION_REMOVE,
} Action;

/* --- what is asked for --- */

static gboolean
has_more (const VbCli *self)
{
  return self->days != NULL || self->every != NULL || self->calendar != NULL
         || self->keep_daily >= 0 || self->keep_weekly >= 0 || self->keep_monthly >= 0;
}

static gboolean
has_options (const VbCli *self)
{
  return self->at != NULL || self->keep != 0 || self->jitter >= 0 || self->zone != NULL
         || has_more (self);
}

static gboolean
read_action (const VbCli *self, char **arguments, Action *action, GError **error)
{
  static const char *const words[] = { "list", "set", "preview", "remove" };
  guint i = 0;

  *action = self->off ? ACTION_REMOVE : has_options (self) ? ACTION_SET : ACTION_LIST;
  if (self->off && has_options (self))
    return vb_cli_error_set_usage (
        error, _ ("--off takes the whole schedule away; leave the other options out"));
  if (arguments[1] == NULL)
    return TRUE;
  while (i < G_N_ELEMENTS (words) && !g_str_equal (words[i], arguments[1]))
    i++;
  if (i == G_N_ELEMENTS (words) || (arguments[2] != NULL && i != ACTION_REMOVE)
      || (self->off && i != ACTION_REMOVE)
      || (has_options (self) && (i == ACTION_LIST || i == ACTION_REMOVE))
      || (i == ACTION_SET && !has_options (self)))
    return vb_cli_error_set_usage (error, _ ("usage: vps-backupctl %s %s"), "schedule",
                                   VB_CLI_SCHEDULE_ARGUMENTS);
  *action = (Action) i;
  return TRUE;
}

/* Returns: (transfer full) (nullable): an entry as in Vps.schedules, also of an older service */
static JsonObject *
find_entry (JsonObject *vps, const char *id)
{
  g_autoptr (JsonArray) entries = vb_cli_get_array (vps, "schedules");
  JsonObject *first = vb_cli_get_object (vps, "schedule");
  JsonObject *entry;

  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      entry = json_array_get_object_element (entries, i);
      if (id == NULL || g_strcmp0 (vb_cli_get_string (entry, "id"), id) == 0)
        return json_object_ref (entry);
    }
  if (first == NULL || json_object_has_member (vps, "schedules"))
    return NULL;
  entry = json_object_new ();
  json_object_set_object_member (entry, "schedule", json_object_ref (first));
  return entry;
}

static void
take (JsonObject *to, JsonObject *from, const char *name)
{
  if (from != NULL && json_object_has_member (from, name))
    json_object_set_member (to, name, json_object_dup_member (from, name));
}

static void
set_rule (JsonObject *schedule, JsonObject *before, const char *name, int number)
{
  if (number >= 0)
    json_object_set_int_member (schedule, name, number);
  else
    take (schedule, before, name);
}

/* "6h" and "6" */
static gint64
read_hours (const char *text)
{
  g_autofree char *digits
      = g_strndup (text, strlen (text) - (g_str_has_suffix (text, "h") ? 1 : 0));
  guint64 hours;

  if (!g_ascii_string_to_unsigned (digits, 10, 1, 24, &hours, NULL))
    return -1;
  return (gint64) hours;
}

static void
set_days (JsonObject *schedule, const char *text)
{
  g_auto (GStrv) days = g_strsplit (text, ",", -1);
  JsonArray *array = json_array_new ();

  for (guint i = 0; days[i] != NULL; i++)
    json_array_add_string_element (array, days[i]);
  json_object_set_array_member (schedule, "days", array);
}

static void
set_times (const VbCli *self, JsonObject *schedule, JsonObject *before)
{
  if (self->calendar != NULL)
    {
      json_object_set_string_member (schedule, "calendar", self->calendar);
      return;
    }
  if (self->at == NULL && self->days == NULL && self->every == NULL)
    take (schedule, before, "calendar");
  if (self->at != NULL)
    json_object_set_string_member (schedule, "at", self->at);
  else
    take (schedule, before, "at");
  if (self->days != NULL && g_ascii_strcasecmp (self->days, "all") != 0)
    set_days (schedule, self->days);
  else if (self->days == NULL)
    take (schedule, before, "days");
  if (self->every != NULL)
    json_object_set_int_member (schedule, "every_hours", read_hours (self->every));
  else
    take (schedule, before, "every_hours");
}

/* What is not given stays as it is. */
static JsonObject *
make_schedule (const VbCli *self, JsonObject *before)
{
  JsonObject *schedule = json_object_new ();
  gint64 keep = before != NULL ? vb_cli_get_int (before, "keep") : 1;
  gint64 jitter = before != NULL ? vb_cli_get_int (before, "jitter_minutes") : 0;

  set_times (self, schedule, before);
  json_object_set_int_member (schedule, "keep", self->keep != 0 ? self->keep : keep);
  json_object_set_int_member (schedule, "jitter_minutes",
                              self->jitter >= 0 ? self->jitter : jitter);
  if (self->zone != NULL)
    json_object_set_string_member (schedule, "zone", self->zone);
  else
    take (schedule, before, "zone");
  set_rule (schedule, before, "keep_daily", self->keep_daily);
  set_rule (schedule, before, "keep_weekly", self->keep_weekly);
  set_rule (schedule, before, "keep_monthly", self->keep_monthly);
  return schedule;
}

/* --- the request --- */

static gboolean
check_known (const VbCli *self, JsonObject *vps, Action action, GError **error)
{
  if (json_object_has_member (vps, "schedules")
      || (!has_more (self) && self->id == NULL && action != ACTION_PREVIEW))
    return TRUE;
  return vb_cli_error_set_usage (
      error, _ ("This service is older: it has one schedule of a VPS, once a day"));
}

static gboolean
fill_params (const VbCli *self, Action action, JsonObject *vps, JsonObject *params, GError **error)
{
  g_autoptr (JsonObject) entry = find_entry (vps, self->id);
  JsonObject *before = entry != NULL ? vb_cli_get_object (entry, "schedule") : NULL;
  const char *id = entry != NULL ? vb_cli_get_string (entry, "id") : self->id;

  if (has_options (self) && self->at == NULL && self->calendar == NULL && before == NULL)
    return vb_cli_error_set_usage (error,
                                   _ ("The VPS has no schedule yet; say when with --at HH:MM"));
  if (json_object_has_member (vps, "schedules"))
    json_object_set_string_member (params, "id", id != NULL ? id : VB_SCHEDULE_FIRST);
  if (has_options (self))
    json_object_set_object_member (params, "schedule", make_schedule (self, before));
  else if (action == ACTION_REMOVE)
    json_object_set_null_member (params, "schedule");
  return TRUE;
}

/* Taking the first one away when there is none is no failure; one that is named has to be there. */
static const char *
choose_method (const VbCli *self, Action action, JsonObject *params)
{
  if (action == ACTION_PREVIEW)
    return "schedule.preview";
  if (action == ACTION_LIST)
    return json_object_has_member (params, "id") ? "schedule.list" : "schedule.get";
  if (action == ACTION_SET || self->id == NULL)
    {
      if (action == ACTION_REMOVE)
        json_object_remove_member (params, "id");
      return "schedule.set";
    }
  json_object_remove_member (params, "schedule");
  return "schedule.remove";
}

static void
print_answer (VbCli *self, Action action, JsonObject *state)
{
  if (self->json)
    vb_cli_print_json (state);
  else if (action == ACTION_PREVIEW)
    vb_cli_print_preview (state);
  else if (json_object_has_member (state, "schedules"))
    vb_cli_print_schedules (state);
  else if (json_object_has_member (state, "schedule"))
    vb_cli_print_schedule (NULL, state);
}

gboolean
vb_cli_schedule (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonObject) state = NULL;
  g_autoptr (JsonObject) params = NULL;
  Action action;

  if (!read_action (self, arguments, &action, error))
    return FALSE;
  if (arguments[1] != NULL && arguments[2] != NULL && self->id == NULL)
    self->id = g_strdup (arguments[2]);
  vps = vb_cli_resolve_vps (self, arguments[0], error);
  if (vps == NULL || !check_known (self, vps, action, error))
    return FALSE;

  params = vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), NULL);
  if (!fill_params (self, action, vps, params, error))
    return FALSE;
  const char *method = choose_method (self, action, params);
  if (action == ACTION_LIST)
    json_object_remove_member (params, "id");
  state = vb_cli_call (self, method, g_steal_pointer (&params), error);
  if (state == NULL)
    return FALSE;
  print_answer (self, action, state);
  return TRUE;
}
