/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* forget: lets go of a VPS, so that it can be undefined. */
#include "vb-cli-config.h"
#include "vb-cli-text.h"
#include "vb-cli.h"
#include "core/base/vb-i18n.h"
#include "offline/vb-forget.h"

gboolean
vb_cli_forget (VbCli *self, char **arguments, GError **error)
{
  g_autofree char *uri = NULL;

  if (!vb_cli_config_get (self, "libvirt", "uri", VB_CLI_URI, &uri, error)
      || !vb_forget (uri, arguments[0], error))
    return FALSE;
  if (!self->json)
    vb_cli_print (stdout, _ ("The checkpoints of the VPS are gone; its backups stay.\n"));
  return TRUE;
}
