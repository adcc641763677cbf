/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* undo: what the last restore has replaced. */
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-cli-error.h"
#include "vb-cli-operation.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"

static JsonObject *
find_undo (JsonObject *vps, GError **error)
{
  JsonObject *undo = vb_cli_get_object (vps, "undo");

  if (undo == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                 _ ("Nothing is kept on VPS “%s” that a restore has replaced"),
                 vb_cli_get_string (vps, "name"));
  return undo;
}

/* Only a person can be asked; a script that says undo means it. */
static gboolean
confirm (VbCli *self, JsonObject *vps, JsonObject *undo, GError **error)
{
  g_autofree char *name = vb_cli_text_clean (vb_cli_get_string (vps, "name"));
  g_autofree char *time = vb_cli_text_time (vb_cli_get_string (undo, "restored_at"));
  char answer[16] = "";

  if (self->yes || !isatty (STDIN_FILENO))
    return TRUE;
  vb_cli_print (stderr,
                self->discard
                    ? _ ("The disks of VPS “%s” from before the restore of %s are deleted.\n"
                         "Go on? [y/N] ")
                    : _ ("The disks of VPS “%s” become what they were before the restore "
                         "of %s.\nWhat was written since is lost. Go on? [y/N] "),
                name, time);
  if (fgets (answer, sizeof answer, stdin) != NULL)
    g_strstrip (answer);
  if (g_ascii_strcasecmp (answer, "y") == 0 || g_ascii_strcasecmp (answer, "yes") == 0
      || g_utf8_collate (answer, C_ ("answer", "y")) == 0)
    return TRUE;
  g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED, _ ("Nothing was changed."));
  return FALSE;
}

static void
print_done (VbCli *self, JsonObject *result)
{
  JsonObject *operation = vb_cli_get_object (result, "operation");

  if (self->json)
    vb_cli_print_json (result);
  else if (operation != NULL)
    vb_cli_print (stdout, _ ("Undo of the restore of backup %s has begun (operation %s)\n"),
                  vb_cli_get_string (operation, "backup"), vb_cli_get_string (operation, "id"));
  else
    vb_cli_print (stdout, _ ("The kept disks are deleted\n"));
}

gboolean
vb_cli_undo (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (JsonObject) vps = vb_cli_resolve_vps (self, arguments[0], error);
  JsonObject *undo = vps != NULL ? find_undo (vps, error) : NULL;
  g_autoptr (JsonObject) result = NULL;
  const char *vps_id;

  if (undo == NULL || !confirm (self, vps, undo, error))
    return FALSE;
  vps_id = vb_cli_get_string (vps, "vps");
  result = vb_cli_call (self, self->discard ? "undo.discard" : "undo.start",
                        vb_cli_params ("vps", vps_id, NULL), error);
  if (result == NULL)
    return FALSE;
  if (self->wait && !self->discard)
    return vb_cli_finish_operation (self, vps_id, result, error);
  print_done (self, result);
  return TRUE;
}
