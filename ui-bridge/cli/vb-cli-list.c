/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list, show: what there is. */
#include "vb-cli-progress.h"
#include "vb-cli-resolve.h"
#include "vb-cli-schedule.h"
#include "vb-cli-table.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"

/* ---- list ---- */

static char *
format_slots (JsonObject *vps)
{
  JsonObject *slots = vb_cli_get_object (vps, "slots");

  if (slots == NULL)
    return NULL;
  return g_strdup_printf ("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, vb_cli_get_int (slots, "used"),
                          vb_cli_get_int (slots, "total"));
}

static char *
format_newest (JsonObject *vps)
{
  g_autoptr (JsonArray) backups = vb_cli_get_array (vps, "backups");

  for (guint i = 0; i < json_array_get_length (backups); i++)
    {
      const char *completed_at
          = vb_cli_get_string (json_array_get_object_element (backups, i), "completed_at");

      if (completed_at != NULL)
        return vb_cli_text_time (completed_at);
    }
  return NULL;
}

static void
add_vps (VbCliTable *table, JsonObject *vps)
{
  JsonObject *operation = vb_cli_get_object (vps, "operation");

  vb_cli_table_add (table, g_strdup (vb_cli_get_string (vps, "name")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (vps, "vps")));
  vb_cli_table_add (table, g_strdup (vb_cli_get_string (vps, "status")));
  vb_cli_table_add (table,
                    operation == NULL
                        ? NULL
                        : g_strdup_printf ("%.1f %%", vb_cli_get_double (operation, "progress")));
  vb_cli_table_add (table, format_slots (vps));
  vb_cli_table_add (table, format_newest (vps));
}

gboolean
vb_cli_list (VbCli *self, char **arguments, GError **error)
{
  const char *const headings[] = { _ ("NAME"),   _ ("VPS"),           _ ("STATUS"), _ (">PROGRESS"),
                                   _ (">SLOTS"), _ ("NEWEST BACKUP"), NULL };
  g_autoptr (JsonObject) list = vb_cli_call (self, "vps.list", NULL, error);
  g_autoptr (VbCliTable) table = NULL;
  g_autoptr (JsonArray) all = NULL;

  if (list == NULL)
    return FALSE;
  if (self->json)
    {
      vb_cli_print_json (list);
      return TRUE;
    }

  table = vb_cli_table_new (headings);
  all = vb_cli_get_array (list, "vps");
  for (guint i = 0; i < json_array_get_length (all); i++)
    add_vps (table, json_array_get_object_element (all, i));
  vb_cli_table_print (table);
  return TRUE;
}

/* ---- show ---- */

static void
print_slots (JsonObject *slots)
{
  vb_cli_print (
      stdout,
      _ ("Slots      %d of %d used (%d included, %d extra, sold in steps of %d, at most %d)\n"),
      (int) vb_cli_get_int (slots, "used"), (int) vb_cli_get_int (slots, "total"),
      (int) vb_cli_get_int (slots, "included"), (int) vb_cli_get_int (slots, "extra"),
      (int) vb_cli_get_int (slots, "step"), (int) vb_cli_get_int (slots, "maximum"));
}

static void
print_head (JsonObject *vps)
{
  JsonObject *slots = vb_cli_get_object (vps, "slots");
  JsonObject *can_create = vb_cli_get_object (vps, "can_create");
  JsonObject *undo = vb_cli_get_object (vps, "undo");
  JsonObject *operation = vb_cli_get_object (vps, "operation");
  g_autofree char *name = vb_cli_text_clean (vb_cli_get_string (vps, "name"));

  vb_cli_print (stdout, _ ("VPS        %s (%s)\n"), name, vb_cli_get_string (vps, "vps"));
  vb_cli_print (stdout, _ ("Power      %s\n"), vb_cli_get_string (vps, "power"));
  vb_cli_print (stdout, _ ("Status     %s\n"), vb_cli_get_string (vps, "status"));
  if (slots != NULL)
    print_slots (slots);
  if (can_create != NULL && vb_cli_get_boolean (can_create, "allowed"))
    vb_cli_print (stdout, _ ("Create     possible\n"));
  else if (can_create != NULL)
    vb_cli_print (stdout, _ ("Create     not now: %s\n"), vb_cli_get_string (can_create, "reason"));
  if (vb_cli_get_object (vps, "schedule") != NULL)
    vb_cli_print_schedules (vps);
  if (undo != NULL)
    {
      g_autofree char *restored = vb_cli_text_time (vb_cli_get_string (undo, "restored_at"));
      g_autofree char *until = vb_cli_text_time (vb_cli_get_string (undo, "until"));

      vb_cli_print (stdout, _ ("Undo       of the restore of %s, until %s\n"), restored, until);
    }
  if (operation != NULL)
    {
      g_autofree char *progress = vb_cli_progress_format (operation);

      vb_cli_print (stdout, _ ("Operation %s (%s)\n"), progress,
                    vb_cli_get_string (operation, "id"));
    }
}

char *
vb_cli_format_size (JsonObject *object, const char *name)
{
  const gint64 bytes = vb_cli_get_int (object, name);

  if (!json_object_has_member (object, name) || json_object_get_null_member (object, name)
      || bytes < 0)
    return NULL;
  return vb_cli_text_size (bytes);
}

static void
print_backups (JsonArray *backups)
{
  const char *const headings[] = { _ ("BACKUP"), _ ("NAME"),    _ ("STATE"),       _ ("CREATED"),
                                   _ (">SIZE"),  _ (">UNIQUE"), _ ("CONSISTENCY"), NULL };
  g_autoptr (VbCliTable) table = vb_cli_table_new (headings);

  for (guint i = 0; i < json_array_get_length (backups); i++)
    {
      JsonObject *backup = json_array_get_object_element (backups, i);

      vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "id")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "name")));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "state")));
      vb_cli_table_add (table, vb_cli_text_time (vb_cli_get_string (backup, "created_at")));
      vb_cli_table_add (table, vb_cli_format_size (backup, "size_bytes"));
      vb_cli_table_add (table, vb_cli_format_size (backup, "unique_bytes"));
      vb_cli_table_add (table, g_strdup (vb_cli_get_string (backup, "consistency")));
    }
  if (json_array_get_length (backups) > 0)
    vb_cli_print (stdout, "\n");
  vb_cli_table_print (table);
}

gboolean
vb_cli_show (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = vb_cli_resolve_vps (self, arguments[0], error);
  g_autoptr (JsonArray) backups = NULL;

  if (vps == NULL)
    return FALSE;
  if (self->json)
    {
      vb_cli_print_json (vps);
      return TRUE;
    }
  print_head (vps);
  backups = vb_cli_get_array (vps, "backups");
  print_backups (backups);
  return TRUE;
}
