/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-config.h"

#include <string.h>

gboolean
vb_cli_config_get (VbCli *self,
                   const char *group,
                   const char *key,
                   const char *fallback,
                   char **value,
                   GError **error)
{
  const char *file = self->config != NULL ? self->config : VB_CLI_CONFIG;
  g_autoptr (GKeyFile) config = g_key_file_new ();
  g_autofree char *text = NULL;
  char *comment;

  if (!g_key_file_load_from_file (config, file, G_KEY_FILE_NONE,
                                  self->config != NULL ? error : NULL)
      && self->config != NULL)
    {
      g_prefix_error (error, "%s: ", file);
      return FALSE;
    }
  text = g_key_file_get_string (config, group, key, NULL);
  /* As the service reads it: a # after a space begins a comment. */
  comment = text != NULL ? strstr (text, " #") : NULL;
  if (comment != NULL)
    *comment = '\0';
  if (text != NULL)
    g_strstrip (text);
  *value = g_strdup (text != NULL && *text != '\0' ? text : fallback);
  return TRUE;
}
