/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schedule: when backups of a VPS are made without anybody asking. */
#include "vb-cli-error.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"

static gboolean
is_change (const VbCli *self)
{
  return self->off || self->at != NULL || self->keep != 0 || self->jitter >= 0
         || self->zone != NULL;
}

/* What is not given stays as it is. */
static JsonObject *
make_schedule (const VbCli *self, JsonObject *before)
{
  JsonObject *schedule = json_object_new ();
  const char *at = self->at != NULL || before == NULL ? self->at : vb_cli_get_string (before, "at");
  const char *zone
      = self->zone != NULL || before == NULL ? self->zone : vb_cli_get_string (before, "zone");
  gint64 keep = before != NULL ? vb_cli_get_int (before, "keep") : 1;
  gint64 jitter = before != NULL ? vb_cli_get_int (before, "jitter_minutes") : 0;

  json_object_set_string_member (schedule, "at", at);
  json_object_set_int_member (schedule, "keep", self->keep != 0 ? self->keep : keep);
  json_object_set_int_member (schedule, "jitter_minutes",
                              self->jitter >= 0 ? self->jitter : jitter);
  if (zone != NULL)
    json_object_set_string_member (schedule, "zone", zone);
  return schedule;
}

void
vb_cli_print_schedule (JsonObject *state)
{
  JsonObject *schedule = vb_cli_get_object (state, "schedule");
  g_autofree char *next = vb_cli_text_time (vb_cli_get_string (state, "next_run_at"));
  g_autofree char *zone = NULL;

  if (schedule == NULL)
    {
      vb_cli_print (stdout, _ ("Schedule   none\n"));
      return;
    }
  zone = vb_cli_text_clean (vb_cli_get_string (schedule, "zone"));
  vb_cli_print (
      stdout, _ ("Schedule   daily at %s %s, up to %d minutes later; keeps %d; next %s\n"),
      vb_cli_get_string (schedule, "at"), zone, (int) vb_cli_get_int (schedule, "jitter_minutes"),
      (int) vb_cli_get_int (schedule, "keep"), next);
}

gboolean
vb_cli_schedule (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonObject) state = NULL;
  JsonObject *before;
  JsonObject *params;

  if (self->off && (self->at != NULL || self->keep != 0 || self->jitter >= 0 || self->zone != NULL))
    return vb_cli_error_set_usage (
        error, _ ("--off takes the whole schedule away; leave the other options out"));
  vps = vb_cli_resolve_vps (self, arguments[0], error);
  if (vps == NULL)
    return FALSE;

  before = vb_cli_get_object (vps, "schedule");
  if (is_change (self) && !self->off && self->at == NULL && before == NULL)
    return vb_cli_error_set_usage (error,
                                   _ ("The VPS has no schedule yet; say when with --at HH:MM"));
  params = vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), NULL);
  if (is_change (self) && self->off)
    json_object_set_null_member (params, "schedule");
  else if (is_change (self))
    json_object_set_object_member (params, "schedule", make_schedule (self, before));
  state = vb_cli_call (self, is_change (self) ? "schedule.set" : "schedule.get", params, error);
  if (state == NULL)
    return FALSE;

  if (self->json)
    vb_cli_print_json (state);
  else
    vb_cli_print_schedule (state);
  return TRUE;
}
