/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/**
 * vb_cli_resolve_vps:
 * @text: UUID or domain name
 *
 * Returns: (transfer full) (nullable): the Vps object
 */
JsonObject *vb_cli_resolve_vps (VbCli *self, const char *text, GError **error);

/**
 * vb_cli_resolve_backup:
 * @vps: Vps object
 * @text: id, the beginning of exactly one id, or "latest"
 *
 * Returns: (transfer none) (nullable): the Backup object inside @vps
 */
JsonObject *vb_cli_resolve_backup (JsonObject *vps, const char *text, GError **error);

G_END_DECLS
