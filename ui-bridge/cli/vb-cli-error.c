/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-error.h"

#include <gio/gio.h>

#include "core/base/vb-error.h"

G_DEFINE_QUARK (vb - cli - error, vb_cli_error)

int
vb_cli_error_status (const GError *error)
{
  if (error == NULL)
    return 0;
  if (error->domain == VB_CLI_ERROR)
    return error->code;
  if (error->domain == G_OPTION_ERROR)
    return VB_CLI_ERROR_USAGE;
  if (error->domain == VB_ERROR && error->code != VB_ERROR_INTERNAL)
    return VB_CLI_ERROR_REFUSED;
  return VB_CLI_ERROR_FAILED;
}

gboolean
vb_cli_error_set_usage (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_USAGE, text);
  return FALSE;
}
