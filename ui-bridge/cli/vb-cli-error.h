/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VB_CLI_ERROR:
 *
 * Errors of the command line itself. What the service refuses is an error of #VB_ERROR.
 */
#define VB_CLI_ERROR (vb_cli_error_quark ())

/**
 * VbCliError:
 * @VB_CLI_ERROR_FAILED: it was begun and did not succeed
 * @VB_CLI_ERROR_USAGE: wrong command, option or argument
 * @VB_CLI_ERROR_REFUSED: the service said no
 * @VB_CLI_ERROR_UNREACHABLE: no service at the socket
 *
 * The numbers are the exit statuses of the program.
 */
typedef enum
{
  VB_CLI_ERROR_FAILED = 1,
  VB_CLI_ERROR_USAGE = 2,
  VB_CLI_ERROR_REFUSED = 3,
  VB_CLI_ERROR_UNREACHABLE = 4,
} VbCliError;

GQuark vb_cli_error_quark (void);

/** vb_cli_error_status: Returns: the exit status for @error, 0 for %NULL */
int vb_cli_error_status (const GError *error);

/** vb_cli_error_set_usage: sets %VB_CLI_ERROR_USAGE; Returns: %FALSE */
gboolean vb_cli_error_set_usage (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
