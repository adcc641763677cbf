/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch: what happens, as it happens: all VPSs as a table on a terminal, else line by line. */
#include "vb-cli-error.h"
#include "vb-cli-live.h"
#include "vb-cli-progress.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"
#include "vb-cli-wait.h"
#include "vb-cli.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define SILENCE_MS 60000
#define PROGRESS_PERIOD_US (2 * G_TIME_SPAN_SECOND)
#define RETRY_US (500 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  VbCli *cli;
  const char *vps;      /* UUID or "*" */
  VbCliLive *live;      /* (nullable): instead of lines */
  GHashTable *names;    /* UUID → name */
  GHashTable *lines;    /* UUID → last line of its state */
  GHashTable *progress; /* UUID → gint64: monotonic µs of its last progress line */
} Watch;

/* ---- printing ---- */

static void
print_line (Watch *watch, const char *vps, const char *text)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%H:%M:%S");
  const char *name = g_hash_table_lookup (watch->names, vps);
  g_autofree char *clean = vb_cli_text_clean (name != NULL ? name : vps);
  g_autofree char *note = g_strdup_printf ("%s  %s", clean, text);

  if (watch->live != NULL)
    vb_cli_live_note (watch->live, note);
  else
    vb_cli_print (stdout, "%s  %s\n", time, note);
}

static char *
format_vps (JsonObject *vps)
{
  JsonObject *slots = vb_cli_get_object (vps, "slots");

  return g_strdup_printf (_ ("%s, %d of %d slots used"), vb_cli_get_string (vps, "status"),
                          slots != NULL ? (int) vb_cli_get_int (slots, "used") : 0,
                          slots != NULL ? (int) vb_cli_get_int (slots, "total") : 0);
}

static void
show_vps (Watch *watch, JsonObject *vps)
{
  const char *id = vb_cli_get_string (vps, "vps");
  g_autofree char *line = NULL;

  if (id == NULL)
    return;
  g_hash_table_insert (watch->names, g_strdup (id), g_strdup (vb_cli_get_string (vps, "name")));
  if (watch->live != NULL)
    {
      vb_cli_live_set_vps (watch->live, vps);
      return;
    }
  line = format_vps (vps);
  if (g_strcmp0 (g_hash_table_lookup (watch->lines, id), line) == 0)
    return;
  print_line (watch, id, line);
  g_hash_table_insert (watch->lines, g_strdup (id), g_steal_pointer (&line));
}

static void
show_progress (Watch *watch, JsonObject *params)
{
  const char *id = vb_cli_get_string (params, "vps");
  JsonObject *operation = vb_cli_get_object (params, "operation");
  const gint64 now_us = g_get_monotonic_time ();
  g_autofree char *line = NULL;
  gint64 *last_us;

  if (id == NULL || operation == NULL)
    return;
  if (watch->live != NULL)
    {
      vb_cli_live_set_operation (watch->live, id, operation);
      return;
    }
  last_us = g_hash_table_lookup (watch->progress, id);
  if (last_us != NULL && now_us - *last_us < PROGRESS_PERIOD_US)
    return;
  if (last_us == NULL)
    {
      last_us = g_new (gint64, 1);
      g_hash_table_insert (watch->progress, g_strdup (id), last_us);
    }
  *last_us = now_us;
  line = vb_cli_progress_format (operation);
  print_line (watch, id, line);
}

static void
show_notification (Watch *watch, JsonObject *notification)
{
  const char *id = vb_cli_get_string (notification, "vps");
  const char *reason = vb_cli_get_string (notification, "reason");
  const char *name = vb_cli_get_string (notification, "backup_name");
  g_autofree char *clean = vb_cli_text_clean (name != NULL ? name : "");
  g_autofree char *line = g_strdup_printf (reason != NULL ? "%s “%s” (%s)" : "%s “%s”",
                                           vb_cli_get_string (notification, "type"), clean, reason);

  if (id != NULL)
    print_line (watch, id, line);
}

static void
show_event (Watch *watch, JsonObject *event)
{
  const char *method = vb_cli_get_string (event, "method");
  JsonObject *params = vb_cli_get_object (event, "params");

  if (watch->cli->json)
    vb_cli_print_json (event);
  else if (params == NULL)
    return;
  else if (g_strcmp0 (method, "vps.changed") == 0)
    show_vps (watch, params);
  else if (g_strcmp0 (method, "operation.progress") == 0)
    show_progress (watch, params);
  else if (g_strcmp0 (method, "notification.added") == 0)
    show_notification (watch, params);
  else if (g_strcmp0 (method, "vps.removed") == 0 && watch->live != NULL)
    vb_cli_live_remove (watch->live, vb_cli_get_string (params, "vps"));
}

/* ---- following ---- */

static gboolean
subscribe (Watch *watch, GError **error)
{
  g_autoptr (JsonObject) result
      = vb_cli_call (watch->cli, "vps.subscribe", vb_cli_params ("vps", watch->vps, NULL), error);

  if (result == NULL)
    return FALSE;
  if (watch->cli->json)
    vb_cli_print_json (result);
  else if (g_str_equal (watch->vps, "*"))
    {
      g_autoptr (JsonArray) all = vb_cli_get_array (result, "vps");

      if (watch->live != NULL)
        vb_cli_live_clear (watch->live);
      for (guint i = 0; i < json_array_get_length (all); i++)
        show_vps (watch, json_array_get_object_element (all, i));
    }
  else
    show_vps (watch, result);
  return TRUE;
}

static gboolean
resubscribe (Watch *watch, GError **error)
{
  vb_cli_print (stderr, "%s\n", _ ("The connection to the service was lost; connecting again…"));
  while (vb_cli_reconnect (watch->cli, error))
    {
      g_autoptr (GError) local_error = NULL;

      if (subscribe (watch, &local_error))
        return TRUE;
      if (!g_error_matches (local_error, VB_ERROR, VB_ERROR_NOT_FOUND)
          && !g_error_matches (local_error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_usleep (RETRY_US);
    }
  return FALSE;
}

static gboolean
follow (Watch *watch, GError **error)
{
  if (!subscribe (watch, error))
    return FALSE;
  while (TRUE)
    {
      g_autoptr (GError) local_error = NULL;
      const int due_ms = watch->live != NULL ? vb_cli_live_draw (watch->live) : -1;
      g_autoptr (JsonObject) event = vb_cli_client_next_event (
          watch->cli->client, due_ms >= 0 ? due_ms : SILENCE_MS, &local_error);

      if (event != NULL)
        show_event (watch, event);
      else if (local_error != NULL && !resubscribe (watch, error))
        return FALSE;
    }
}

gboolean
vb_cli_watch (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) progress = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (VbCliLive) live = arguments[0] == NULL && !self->json ? vb_cli_live_new () : NULL;
  Watch watch = {
    .live = live, .cli = self, .vps = "*", .names = names, .lines = lines, .progress = progress
  };

  if (arguments[0] != NULL)
    {
      vps = vb_cli_resolve_vps (self, arguments[0], error);
      if (vps == NULL)
        return FALSE;
      watch.vps = vb_cli_get_string (vps, "vps");
    }
  return follow (&watch, error);
}
