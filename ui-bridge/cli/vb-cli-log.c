/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log: what has been done, and who has asked for what. activity: who has done what, as customers see
 * it. */
#include "vb-cli-resolve.h"
#include "vb-cli-table.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"

static void
add_operation (VbCliTable *table, JsonObject *operation)
{
  const char *started_at = vb_cli_get_string (operation, "started_at");
  JsonObject *cause = vb_cli_get_object (operation, "error");

  vb_cli_table_add (table, vb_cli_text_time (started_at));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (operation, "kind")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (operation, "backup")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (operation, "state")));
  vb_cli_table_add (table,
                    vb_cli_text_elapsed (started_at, vb_cli_get_string (operation, "ended_at")));
  vb_cli_table_add (table, vb_cli_format_size (operation, "bytes_done"));
  vb_cli_table_add (
      table, cause == NULL
                 ? NULL
                 : g_strdup_printf ("%s: %s", vb_cli_get_string (cause, "reason"),
                                    vb_cli_text_said (vb_cli_get_string (cause, "message"))));
}

static void
print_operations (JsonObject *list)
{
  const char *const headings[] = { _ ("STARTED"), _ ("KIND"),  _ ("BACKUP"), _ ("STATE"),
                                   _ (">TIME"),   _ (">DATA"), _ ("ERROR"),  NULL };
  g_autoptr (VbCliTable) table = vb_cli_table_new (headings);
  g_autoptr (JsonArray) operations = vb_cli_get_array (list, "operations");

  for (guint i = 0; i < json_array_get_length (operations); i++)
    add_operation (table, json_array_get_object_element (operations, i));
  vb_cli_table_print (table);
  if (json_array_get_length (operations) > 0)
    vb_cli_print (stdout, "\n");
}

static void
add_entry (VbCliTable *table, JsonObject *entry)
{
  const gint64 count = vb_cli_get_int (entry, "count");

  vb_cli_table_add (table, vb_cli_text_time (vb_cli_get_string (entry, "at")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "subject")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "address")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "method")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "vps")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "target")));
  vb_cli_table_add (table, count > 1 ? g_strdup_printf ("%s (%" G_GINT64_FORMAT "×)",
                                                        vb_cli_get_string (entry, "outcome"), count)
                                     : g_strdup (vb_cli_get_string (entry, "outcome")));
}

static void
print_entries (JsonObject *list)
{
  const char *const headings[] = { _ ("ASKED"), _ ("BY"),     _ ("FROM"),    _ ("METHOD"),
                                   _ ("VPS"),   _ ("TARGET"), _ ("OUTCOME"), NULL };
  g_autoptr (VbCliTable) table = vb_cli_table_new (headings);
  g_autoptr (JsonArray) entries = vb_cli_get_array (list, "entries");

  for (guint i = 0; i < json_array_get_length (entries); i++)
    add_entry (table, json_array_get_object_element (entries, i));
  vb_cli_table_print (table);
}

/* @vps: (nullable) */
static JsonObject *
ask (VbCli *self, const char *method, const char *vps, GError **error)
{
  JsonObject *params = vb_cli_params ("vps", vps, NULL);

  if (self->limit > 0)
    json_object_set_int_member (params, "limit", self->limit);
  return vb_cli_call (self, method, params, error);
}

gboolean
vb_cli_log (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonObject) operations = NULL;
  g_autoptr (JsonObject) entries = NULL;
  const char *uuid = NULL;

  if (arguments[0] != NULL)
    {
      vps = vb_cli_resolve_vps (self, arguments[0], error);
      if (vps == NULL)
        return FALSE;
      uuid = vb_cli_get_string (vps, "vps");
      operations = ask (self, "operation.list", uuid, error);
      if (operations == NULL)
        return FALSE;
    }
  entries = ask (self, "audit.list", uuid, error);
  if (entries == NULL)
    return FALSE;

  if (self->json)
    {
      if (operations != NULL)
        json_object_set_member (entries, "operations",
                                json_node_copy (json_object_get_member (operations, "operations")));
      vb_cli_print_json (entries);
      return TRUE;
    }

  if (operations != NULL)
    print_operations (operations);
  print_entries (entries);
  return TRUE;
}

static void
print_activity (JsonObject *list)
{
  const char *const headings[]
      = { _ ("ASKED"), _ ("BY"), _ ("METHOD"), _ ("VPS"), _ ("TARGET"), NULL };
  g_autoptr (VbCliTable) table = vb_cli_table_new (headings);
  g_autoptr (JsonArray) entries = vb_cli_get_array (list, "entries");

  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      JsonObject *entry = json_array_get_object_element (entries, i);

      vb_cli_table_add (table, vb_cli_text_time (vb_cli_get_string (entry, "at")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "by")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "method")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "vps")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (entry, "target")));
    }
  vb_cli_table_print (table);
}

gboolean
vb_cli_activity (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps
      = arguments[0] != NULL ? vb_cli_resolve_vps (self, arguments[0], error) : NULL;
  g_autoptr (JsonObject) list = NULL;

  if (arguments[0] != NULL && vps == NULL)
    return FALSE;
  list = ask (self, "activity.list", vps != NULL ? vb_cli_get_string (vps, "vps") : NULL, error);
  if (list == NULL)
    return FALSE;

  if (self->json)
    vb_cli_print_json (list);
  else
    print_activity (list);
  return TRUE;
}
