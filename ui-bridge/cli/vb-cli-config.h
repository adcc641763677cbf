/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/** VB_CLI_CONFIG: the service's config file unless --config names another */
#define VB_CLI_CONFIG "/etc/vps-backup/vps-backup.conf"

/**
 * vb_cli_config_get:
 * @value: (out) (transfer full): of @key in @group, @fallback where the file does not say
 *
 * What the service's config file says, without asking the service. Success when there is no file,
 * unless --config was given.
 */
gboolean vb_cli_config_get (VbCli *self,
                            const char *group,
                            const char *key,
                            const char *fallback,
                            char **value,
                            GError **error);

G_END_DECLS
