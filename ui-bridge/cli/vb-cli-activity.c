/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* activity: who has done what, without addresses and refusals. */
#include "vb-cli-resolve.h"
#include "vb-cli-table.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"
#include "core/model/vb-audit-entry.h"

#define LIMIT_DEFAULT 100
#define PAGE_MAX 1000

/* An entry of the audit log as the protocol tells it to customers, with the VPS it is about. */
static JsonObject *
make_activity (JsonObject *entry)
{
  const char *const kept[] = { "id", "at", "method", "vps", "target" };
  const char *subject = vb_cli_get_string (entry, "subject");
  JsonObject *activity = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (json_object_has_member (entry, kept[i]))
      json_object_set_member (activity, kept[i],
                              json_node_copy (json_object_get_member (entry, kept[i])));
  json_object_set_string_member (
      activity, "by", subject != NULL && g_str_has_prefix (subject, "uid:") ? "operator" : subject);
  return activity;
}

static void
add_page (JsonArray *activities, JsonArray *page, gboolean is_audit, guint limit)
{
  for (guint i = 0; i < json_array_get_length (page) && json_array_get_length (activities) < limit;
       i++)
    {
      JsonObject *entry = json_array_get_object_element (page, i);

      if (!is_audit)
        json_array_add_object_element (activities, json_object_ref (entry));
      else if (g_strcmp0 (vb_cli_get_string (entry, "outcome"), VB_AUDIT_OK) == 0)
        json_array_add_object_element (activities, make_activity (entry));
    }
}

/* Where older ones begin, 0 when there are none. Only activity.list says so by itself. */
static gint64
find_next (JsonObject *answer, JsonArray *page, gboolean is_audit, guint page_size)
{
  const guint n = json_array_get_length (page);

  if (!is_audit)
    return json_object_has_member (answer, "next") && !json_object_get_null_member (answer, "next")
               ? vb_cli_get_int (answer, "next")
               : 0;
  return n < page_size ? 0 : vb_cli_get_int (json_array_get_object_element (page, n - 1), "id");
}

/* @vps: (nullable): all of them. Pages are read until there are enough: refusals fill them, too. */
static JsonArray *
gather (VbCli *self, const char *vps, GError **error)
{
  const gboolean is_audit = vps == NULL;
  const guint limit = self->limit > 0 ? (guint) self->limit : LIMIT_DEFAULT;
  const guint page_size = MIN (limit, PAGE_MAX);
  g_autoptr (JsonArray) activities = json_array_new ();
  gint64 before = 0;

  do
    {
      JsonObject *params = vb_cli_params ("vps", vps, NULL);
      g_autoptr (JsonObject) answer = NULL;
      g_autoptr (JsonArray) page = NULL;

      json_object_set_int_member (params, "limit", page_size);
      if (before > 0)
        json_object_set_int_member (params, "before", before);
      answer = vb_cli_call (self, is_audit ? "audit.list" : "activity.list", params, error);
      if (answer == NULL)
        return NULL;
      page = vb_cli_get_array (answer, "entries");
      add_page (activities, page, is_audit, limit);
      before = find_next (answer, page, is_audit, page_size);
  } while (before > 0 && json_array_get_length (activities) < limit);
  return g_steal_pointer (&activities);
}

static void
print_activities (JsonArray *activities, gboolean with_vps)
{
  const char *const of_one[] = { _ ("ASKED"), _ ("BY"), _ ("METHOD"), _ ("TARGET"), NULL };
  const char *const of_all[]
      = { _ ("ASKED"), _ ("BY"), _ ("METHOD"), _ ("VPS"), _ ("TARGET"), NULL };
  g_autoptr (VbCliTable) table = vb_cli_table_new (with_vps ? of_all : of_one);

  for (guint i = 0; i < json_array_get_length (activities); i++)
    {
      JsonObject *activity = json_array_get_object_element (activities, i);

      vb_cli_table_add (table, vb_cli_text_time (vb_cli_get_string (activity, "at")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (activity, "by")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (activity, "method")));
      if (with_vps)
        vb_cli_table_add (table, g_strdup (vb_cli_get_string (activity, "vps")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (activity, "target")));
    }
  vb_cli_table_print (table);
}

gboolean
vb_cli_activity (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonArray) activities = NULL;

  if (arguments[0] != NULL)
    {
      vps = vb_cli_resolve_vps (self, arguments[0], error);
      if (vps == NULL)
        return FALSE;
    }
  activities = gather (self, vps != NULL ? vb_cli_get_string (vps, "vps") : NULL, error);
  if (activities == NULL)
    return FALSE;

  if (self->json)
    {
      g_autoptr (JsonObject) output = json_object_new ();

      json_object_set_array_member (output, "entries", json_array_ref (activities));
      vb_cli_print_json (output);
    }
  else
    print_activities (activities, vps == NULL);
  return TRUE;
}
