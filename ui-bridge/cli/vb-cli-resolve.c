/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-resolve.h"

#include "vb-cli-error.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

static JsonObject *
find_by_name (VbCli *self, const char *name, GError **error)
{
  g_autoptr (JsonObject) list = vb_cli_call (self, "vps.list", NULL, error);
  g_autoptr (JsonArray) all = NULL;

  if (list == NULL)
    return NULL;
  all = vb_cli_get_array (list, "vps");
  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *vps = json_array_get_object_element (all, i);

      if (g_strcmp0 (vb_cli_get_string (vps, "name"), name) == 0)
        return json_object_ref (vps);
    }
  g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND,
               _ ("There is no VPS “%s”; “vps-backupctl list” shows all"), name);
  return NULL;
}

JsonObject *
vb_cli_resolve_vps (VbCli *self, const char *text, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *uuid = g_ascii_strdown (text, -1);
  JsonObject *vps;

  if (!g_uuid_string_is_valid (text))
    return find_by_name (self, text, error);

  vps = vb_cli_call (self, "vps.get", vb_cli_params ("vps", uuid, NULL), &local_error);
  if (vps != NULL)
    return vps;
  /* Some platforms name their domains by UUIDs of their own. */
  if (g_error_matches (local_error, VB_ERROR, VB_ERROR_NOT_FOUND))
    return find_by_name (self, text, error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

static JsonObject *
find_latest (JsonArray *backups)
{
  /* Newest first. */
  for (guint i = 0; i < json_array_get_length (backups); i++)
    {
      JsonObject *backup = json_array_get_object_element (backups, i);
      const char *state = vb_cli_get_string (backup, "state");

      if (g_strcmp0 (state, "available") == 0 || g_strcmp0 (state, "restoring") == 0)
        return backup;
    }
  return NULL;
}

static JsonObject *
find_by_prefix (JsonArray *backups, const char *prefix, GError **error)
{
  JsonObject *found = NULL;

  for (guint i = 0; i < json_array_get_length (backups); i++)
    {
      JsonObject *backup = json_array_get_object_element (backups, i);
      const char *id = vb_cli_get_string (backup, "id");

      if (id == NULL || !g_str_has_prefix (id, prefix))
        continue;
      if (found != NULL)
        {
          vb_cli_error_set_usage (
              error, _ ("More than one backup begins with “%s”; give more of its id"), prefix);
          return NULL;
        }
      found = backup;
    }
  return found;
}

JsonObject *
vb_cli_resolve_backup (JsonObject *vps, const char *text, GError **error)
{
  g_autoptr (JsonArray) backups = vb_cli_get_array (vps, "backups");
  g_autofree char *prefix = g_ascii_strdown (text, -1);
  g_autoptr (GError) local_error = NULL;
  JsonObject *backup;

  if (*text == '\0')
    {
      vb_cli_error_set_usage (error, _ ("The id of the backup is empty; give one, or “latest”"));
      return NULL;
    }
  backup = g_str_equal (text, "latest") ? find_latest (backups)
                                        : find_by_prefix (backups, prefix, &local_error);
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (backup == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                 _ ("VPS “%s” has no backup “%s”; “vps-backupctl show” lists what it has"),
                 vb_cli_get_string (vps, "name"), text);
  return backup;
}
