/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* token: signs a token with a key of this host. Needs no service, unless a VPS is given by its
 * name. */
#include <gio/gio.h>

#include "vb-cli-error.h"
#include "vb-cli-resolve.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "auth/vb-token.h"

static char **
split_words (char **texts)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit_set (texts[i], ", ", -1);

      for (guint j = 0; words[j] != NULL; j++)
        if (*words[j] != '\0')
          g_strv_builder_add (builder, words[j]);
    }
  return g_strv_builder_end (builder);
}

/* Returns: FALSE with error; @uuids is NULL for all */
static gboolean
resolve_all (VbCli *self, char ***uuids, GError **error)
{
  g_auto (GStrv) words = split_words (self->vps);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  *uuids = NULL;
  if (words[0] == NULL)
    return vb_cli_error_set_usage (error, _ ("Say with --vps which VPS the token is for"));
  if (g_strv_contains ((const char *const *) words, "*"))
    return TRUE;

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *uuid = g_ascii_strdown (words[i], -1);
      g_autoptr (JsonObject) vps = NULL;

      if (!g_uuid_string_is_valid (uuid))
        {
          vps = vb_cli_resolve_vps (self, words[i], error);
          if (vps == NULL)
            return FALSE;
        }
      g_strv_builder_add (builder, vps != NULL ? vb_cli_get_string (vps, "vps") : uuid);
    }
  *uuids = g_strv_builder_end (builder);
  return TRUE;
}

static char *
read_config_keys (const char *file, GError **error)
{
  g_autoptr (GKeyFile) config = g_key_file_new ();
  g_autofree char *keys = NULL;

  if (!g_key_file_load_from_file (config, file, G_KEY_FILE_NONE, error))
    {
      g_prefix_error (error, "%s: ", file);
      return NULL;
    }
  keys = g_key_file_get_string (config, "bridge", "token-keys", NULL);
  if (keys != NULL)
    g_strstrip (keys);
  return keys != NULL ? g_steal_pointer (&keys) : g_strdup (VB_CLI_KEYS);
}

static gboolean
find_key (VbCli *self, char **folder, char **kid, GError **error)
{
  *kid = NULL;
  if (self->key_file != NULL)
    {
      *folder = g_path_get_dirname (self->key_file);
      *kid = g_path_get_basename (self->key_file);
    }
  else if (self->keys != NULL)
    *folder = g_strdup (self->keys);
  else if (self->config != NULL)
    *folder = read_config_keys (self->config, error);
  else
    *folder = g_strdup (VB_CLI_KEYS);
  return *folder != NULL;
}

static gboolean
check_options (VbCli *self, char **permissions, GError **error)
{
  if (permissions[0] == NULL)
    return vb_cli_error_set_usage (error, _ ("Say with --perms what the token allows"));
  for (guint i = 0; permissions[i] != NULL; i++)
    if (vb_permission_from_string (permissions[i]) == VB_PERMISSION_NONE)
      return vb_cli_error_set_usage (
          error, _ ("“%s” is not a permission; the protocol lists them."), permissions[i]);
  if (self->ttl_s < 1 || self->ttl_s > VB_TOKEN_LIFETIME_MAX_S)
    return vb_cli_error_set_usage (
        error, _ ("Say with --ttl how many seconds, up to %d, the token is valid"),
        VB_TOKEN_LIFETIME_MAX_S);
  return TRUE;
}

gboolean
vb_cli_token (VbCli *self, char **arguments, GError **error)
{
  g_auto (GStrv) permissions = split_words (self->permissions);
  g_auto (GStrv) uuids = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *kid = NULL;
  g_autofree char *token = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!check_options (self, permissions, error) || !resolve_all (self, &uuids, error)
      || !find_key (self, &folder, &kid, error))
    return FALSE;

  token = vb_token_mint (folder, kid, self->subject != NULL ? self->subject : g_get_user_name (),
                         (const char *const *) permissions, (const char *const *) uuids,
                         self->ttl_s, g_get_real_time () / G_USEC_PER_SEC, &local_error);
  if (token == NULL)
    {
      g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED, local_error->message);
      return FALSE;
    }

  if (self->json)
    {
      g_autoptr (JsonObject) output = vb_cli_params ("token", token, NULL);

      vb_cli_print_json (output);
    }
  else
    vb_cli_print (stdout, "%s\n", token);
  return TRUE;
}
