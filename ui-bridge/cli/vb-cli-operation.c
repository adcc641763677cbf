/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* create, restore, cancel: what takes time. */
#include <string.h>
#include <unistd.h>

#include "vb-cli-error.h"
#include "vb-cli-operation.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"
#include "vb-cli-wait.h"
#include "vb-cli.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

#define CREATE_ATTEMPTS 10

/* ---- shared ---- */

static const char *
get_id (JsonObject *result, const char *member)
{
  JsonObject *object = vb_cli_get_object (result, member);

  return object != NULL ? vb_cli_get_string (object, "id") : NULL;
}

/* The backup as it is now; null when it is gone. */
static void
add_backup (VbCli *self, JsonObject *output, const char *vps_id, const char *backup_id)
{
  g_autoptr (JsonObject) vps
      = vb_cli_call (self, "vps.get", vb_cli_params ("vps", vps_id, NULL), NULL);
  JsonObject *backup
      = vps != NULL && backup_id != NULL ? vb_cli_resolve_backup (vps, backup_id, NULL) : NULL;

  if (backup != NULL)
    json_object_set_object_member (output, "backup", json_object_ref (backup));
  else
    json_object_set_null_member (output, "backup");
}

static void
print_completed (JsonObject *operation)
{
  const char *kind = vb_cli_get_string (operation, "kind");
  g_autofree char *size = vb_cli_text_size (vb_cli_get_int (operation, "bytes_done"));
  g_autofree char *time = vb_cli_text_elapsed (vb_cli_get_string (operation, "started_at"),
                                               vb_cli_get_string (operation, "ended_at"));

  if (g_strcmp0 (kind, "undo") == 0)
    vb_cli_print (stdout, _ ("The restore of backup %s is undone, in %s\n"),
                  vb_cli_get_string (operation, "backup"), time);
  else
    vb_cli_print (stdout,
                  g_strcmp0 (kind, "restore") == 0 ? _ ("Restored from backup %s: %s in %s\n")
                                                   : _ ("Backup %s is available: %s in %s\n"),
                  vb_cli_get_string (operation, "backup"), size, time);
}

gboolean
vb_cli_finish_operation (VbCli *self, const char *vps_id, JsonObject *result, GError **error)
{
  const char *operation_id = get_id (result, "operation");
  g_autoptr (JsonObject) operation = NULL;

  if (operation_id == NULL)
    {
      g_set_error_literal (
          error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
          _ ("The service did not say which operation it started; “vps-backupctl log” shows it."));
      return FALSE;
    }
  operation = vb_cli_wait (self, vps_id, operation_id, error);
  if (operation == NULL)
    return FALSE;

  if (self->json)
    {
      g_autoptr (JsonObject) output = json_object_new ();

      json_object_set_object_member (output, "operation", json_object_ref (operation));
      if (json_object_has_member (result, "backup"))
        add_backup (self, output, vps_id, get_id (result, "backup"));
      vb_cli_print_json (output);
    }
  else if (vb_cli_check_outcome (operation, NULL))
    print_completed (operation);
  return vb_cli_check_outcome (operation, error);
}

static void
print_begun (VbCli *self, JsonObject *result, const char *backup, const char *format)
{
  if (self->json)
    vb_cli_print_json (result);
  else
    vb_cli_print (stdout, format, backup, get_id (result, "operation"));
}

/* ---- create ---- */

static JsonObject *
call_create (VbCli *self, const char *vps_id, GError **error)
{
  g_autofree char *own_key = self->wait ? g_uuid_string_random () : NULL;
  const char *key = self->request_key != NULL ? self->request_key : own_key;

  for (guint attempt = 1;; attempt++)
    {
      g_autoptr (GError) local_error = NULL;
      JsonObject *result = vb_cli_call (
          self, "backup.create",
          vb_cli_params ("vps", vps_id, "name", self->name, "request_key", key, NULL),
          &local_error);

      if (result != NULL)
        return result;
      /* The key makes it safe to ask again when the answer was lost. */
      if (!self->wait || attempt == CREATE_ATTEMPTS
          || !g_error_matches (local_error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      if (!vb_cli_reconnect (self, error))
        return NULL;
    }
}

gboolean
vb_cli_create (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = vb_cli_resolve_vps (self, arguments[0], error);
  g_autoptr (JsonObject) result = NULL;
  const char *vps_id;

  if (vps == NULL)
    return FALSE;
  vps_id = vb_cli_get_string (vps, "vps");
  result = call_create (self, vps_id, error);
  if (result == NULL)
    return FALSE;
  if (self->wait)
    return vb_cli_finish_operation (self, vps_id, result, error);

  print_begun (self, result, get_id (result, "backup"), _ ("Backup %s has begun (operation %s)\n"));
  return TRUE;
}

/* ---- restore ---- */

typedef struct
{
  JsonObject *vps;
  JsonObject *from;   /* (nullable): the VPS that the backup belongs to, when that is another one */
  JsonObject *backup; /* (not owned) */
} Restore;

static void
restore_clear (Restore *restore)
{
  g_clear_pointer (&restore->vps, json_object_unref);
  g_clear_pointer (&restore->from, json_object_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Restore, restore_clear)

static gboolean
ask (const Restore *restore)
{
  g_autofree char *vps_name = vb_cli_text_clean (vb_cli_get_string (restore->vps, "name"));
  g_autofree char *name = vb_cli_text_clean (vb_cli_get_string (restore->backup, "name"));
  g_autofree char *time = vb_cli_text_time (vb_cli_get_string (restore->backup, "created_at"));
  char answer[16] = "";

  vb_cli_print (stderr,
                _ ("The disks of VPS “%s” are replaced by those of backup “%s” of %s.\n"
                   "What was written since is lost. Go on? [y/N] "),
                vps_name, name, time);
  if (fgets (answer, sizeof answer, stdin) == NULL)
    return FALSE;
  g_strstrip (answer);
  return g_ascii_strcasecmp (answer, "y") == 0 || g_ascii_strcasecmp (answer, "yes") == 0
         || g_utf8_collate (answer, C_ ("answer", "y")) == 0;
}

static JsonObject *
make_params (VbCli *self, const Restore *restore)
{
  JsonObject *params = vb_cli_params ("vps", vb_cli_get_string (restore->vps, "vps"), "backup",
                                      vb_cli_get_string (restore->backup, "id"), NULL);

  if (restore->from != NULL)
    json_object_set_string_member (params, "from", vb_cli_get_string (restore->from, "vps"));
  if (self->stop_first)
    json_object_set_boolean_member (params, "stop_first", TRUE);
  if (self->backup_first)
    json_object_set_boolean_member (params, "backup_first", TRUE);
  if (self->replace_disks)
    json_object_set_boolean_member (params, "replace_disks", TRUE);
  return params;
}

/* What is lost is said before the question, and with --yes, too. */
static gboolean
warn (VbCli *self, const Restore *restore, GError **error)
{
  JsonObject *params = make_params (self, restore);
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (JsonArray) warnings = NULL;

  json_object_set_boolean_member (params, "check", TRUE);
  result = vb_cli_call (self, "backup.restore", params, error);
  if (result == NULL)
    return FALSE;
  warnings = vb_cli_get_array (result, "warnings");
  for (guint i = 0; i < json_array_get_length (warnings); i++)
    {
      g_autofree char *warning = vb_cli_text_clean (json_array_get_string_element (warnings, i));

      vb_cli_print (stderr, "%s\n", warning);
    }
  return TRUE;
}

static gboolean
confirm (VbCli *self, const Restore *restore, GError **error)
{
  if (self->yes || ask (restore))
    return TRUE;
  g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED, _ ("Nothing was changed."));
  return FALSE;
}

static gboolean
resolve (VbCli *self, char **arguments, Restore *restore, GError **error)
{
  restore->vps = vb_cli_resolve_vps (self, arguments[0], error);
  if (restore->vps == NULL)
    return FALSE;
  if (self->from != NULL)
    {
      restore->from = vb_cli_resolve_vps (self, self->from, error);
      if (restore->from == NULL)
        return FALSE;
    }
  restore->backup
      = vb_cli_resolve_backup (restore->from ? restore->from : restore->vps, arguments[1], error);
  return restore->backup != NULL;
}

gboolean
vb_cli_restore (VbCli *self, char **arguments, GError **error)
{
  g_auto (Restore) restore = { NULL };
  g_autoptr (JsonObject) result = NULL;

  if (!self->yes && !isatty (STDIN_FILENO))
    return vb_cli_error_set_usage (error, _ ("A restore overwrites disks; confirm it with --yes"));
  if (!resolve (self, arguments, &restore, error) || !warn (self, &restore, error)
      || !confirm (self, &restore, error))
    return FALSE;

  result = vb_cli_call (self, "backup.restore", make_params (self, &restore), error);
  if (result == NULL)
    return FALSE;
  if (self->wait)
    return vb_cli_finish_operation (self, vb_cli_get_string (restore.vps, "vps"), result, error);

  print_begun (self, result, vb_cli_get_string (restore.backup, "id"),
               _ ("Restore from backup %s has begun (operation %s)\n"));
  return TRUE;
}

/* ---- cancel ---- */

gboolean
vb_cli_cancel (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = vb_cli_resolve_vps (self, arguments[0], error);
  g_autoptr (JsonObject) result = NULL;
  JsonObject *operation;

  if (vps == NULL)
    return FALSE;
  operation = vb_cli_get_object (vps, "operation");
  if (operation == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                   _ ("Nothing runs on VPS “%s” that could be cancelled"),
                   vb_cli_get_string (vps, "name"));
      return FALSE;
    }
  result = vb_cli_call (self, "operation.cancel",
                        vb_cli_params ("vps", vb_cli_get_string (vps, "vps"), "operation",
                                       vb_cli_get_string (operation, "id"), NULL),
                        error);
  if (result == NULL)
    return FALSE;

  if (self->json)
    vb_cli_print_json (result);
  else
    vb_cli_print (stdout, _ ("Operation %s is being cancelled\n"),
                  vb_cli_get_string (operation, "id"));
  return TRUE;
}
