/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* delete, rename, protect, verify, slots: what is answered when it is done. */
#include "vb-cli-error.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"

/* Calls @method for the VPS and backup that the arguments name. */
static JsonObject *
call_for_backup (VbCli *self,
                 const char *method,
                 char **arguments,
                 const char *new_name,
                 GError **error)
{
  g_autoptr (JsonObject) vps = vb_cli_resolve_vps (self, arguments[0], error);
  JsonObject *backup = vps != NULL ? vb_cli_resolve_backup (vps, arguments[1], error) : NULL;

  if (backup == NULL)
    return NULL;
  return vb_cli_call (self, method,
                      vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), "backup",
                                     vb_cli_get_string (backup, "id"), "name", new_name, NULL),
                      error);
}

static void
print_result (VbCli *self, JsonObject *result, const char *sentence)
{
  if (self->json)
    vb_cli_print_json (result);
  else
    vb_cli_print (stdout, "%s\n", sentence);
}

gboolean
vb_cli_delete (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) result = call_for_backup (self, "backup.delete", arguments, NULL, error);

  if (result == NULL)
    return FALSE;
  print_result (self, result, _ ("The backup is deleted and its slot is free."));
  return TRUE;
}

gboolean
vb_cli_rename (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) result
      = call_for_backup (self, "backup.rename", arguments, arguments[2], error);

  if (result == NULL)
    return FALSE;
  print_result (self, result, _ ("The backup has its new name."));
  return TRUE;
}

gboolean
vb_cli_protect (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonObject) result = NULL;
  JsonObject *backup;
  JsonObject *params;
  const gboolean off = g_strcmp0 (arguments[2], "off") == 0;

  if (arguments[2] != NULL && !off)
    return vb_cli_error_set_usage (error, _ ("usage: vps-backupctl protect VPS BACKUP [off]"));
  vps = vb_cli_resolve_vps (self, arguments[0], error);
  backup = vps != NULL ? vb_cli_resolve_backup (vps, arguments[1], error) : NULL;
  if (backup == NULL)
    return FALSE;
  params = vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), "backup",
                          vb_cli_get_string (backup, "id"), NULL);
  json_object_set_boolean_member (params, "protected", !off);
  result = vb_cli_call (self, "backup.protect", params, error);
  if (result == NULL)
    return FALSE;
  print_result (self, result,
                off ? _ ("The backup can be deleted again.")
                    : _ ("The backup cannot be deleted until you say “protect … off”."));
  return TRUE;
}

gboolean
vb_cli_verify (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) result = call_for_backup (self, "backup.verify", arguments, NULL, error);
  guint n_bad;

  if (result == NULL)
    return FALSE;
  if (vb_cli_get_boolean (result, "ok"))
    {
      print_result (self, result, _ ("The backup is whole."));
      return TRUE;
    }
  if (self->json)
    vb_cli_print_json (result);
  n_bad = (guint) vb_cli_get_int (result, "bad_chunks");
  g_set_error (
      error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
      vb_ngettext ("The backup is damaged: %u piece of 1 MiB differs from its checksum; restore "
                   "another one (checksum_mismatch)",
                   "The backup is damaged: %u pieces of 1 MiB differ from their checksums; restore "
                   "another one (checksum_mismatch)",
                   n_bad),
      n_bad);
  return FALSE;
}

static gboolean
parse_total (const char *text, guint64 *total, GError **error)
{
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, total, NULL))
    return TRUE;
  return vb_cli_error_set_usage (error, _ ("“%s” is not a number of slots; give a whole number"),
                                 text);
}

gboolean
vb_cli_slots (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = NULL;
  g_autoptr (JsonObject) slots = NULL;
  guint64 total;

  if (arguments[1] != NULL && !parse_total (arguments[1], &total, error))
    return FALSE;
  vps = vb_cli_resolve_vps (self, arguments[0], error);
  if (vps == NULL)
    return FALSE;

  if (arguments[1] == NULL)
    slots = json_object_ref (vb_cli_get_object (vps, "slots"));
  else
    {
      JsonObject *params = vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), NULL);

      json_object_set_int_member (params, "total", total);
      slots = vb_cli_call (self, "slots.set", params, error);
    }
  if (slots == NULL)
    return FALSE;

  if (self->json)
    vb_cli_print_json (slots);
  else
    vb_cli_print (stdout, _ ("%d of %d used (%d included, %d extra, %d steps to be billed)\n"),
                  (int) vb_cli_get_int (slots, "used"), (int) vb_cli_get_int (slots, "total"),
                  (int) vb_cli_get_int (slots, "included"), (int) vb_cli_get_int (slots, "extra"),
                  (int) vb_cli_get_int (slots, "billable_steps"));
  return TRUE;
}
