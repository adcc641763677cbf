/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/**
 * vb_cli_reconnect:
 *
 * Connects again and again, with growing pauses, until the service is there or patience ends.
 */
gboolean vb_cli_reconnect (VbCli *self, GError **error);

/**
 * vb_cli_wait:
 * @vps: UUID
 * @operation: id of an operation of it
 *
 * Shows progress until @operation has ended. Outlives restarts of the service: it connects again
 * and learns from the list of operations what has become of this one.
 *
 * Returns: (transfer full) (nullable): the ended Operation object, whatever its outcome
 */
JsonObject *vb_cli_wait (VbCli *self, const char *vps, const char *operation, GError **error);

/** vb_cli_check_outcome: @operation: ended; Returns: %FALSE with %VB_CLI_ERROR_FAILED unless it has
 * completed */
gboolean vb_cli_check_outcome (JsonObject *operation, GError **error);

G_END_DECLS
