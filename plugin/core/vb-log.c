/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-log.h"

static const char *
priority_of (GLogLevelFlags level)
{
  switch (level & G_LOG_LEVEL_MASK)
    {
    case G_LOG_LEVEL_ERROR:
    case G_LOG_LEVEL_CRITICAL:
      return "3";
    case G_LOG_LEVEL_WARNING:
      return "4";
    case G_LOG_LEVEL_MESSAGE:
      return "5";
    case G_LOG_LEVEL_DEBUG:
      return "7";
    default:
      return "6";
    }
}

static void
add_field (GLogField *fields, gsize *n, const char *key, const char *value)
{
  if (value == NULL)
    return;
  fields[*n].key = key;
  fields[*n].value = value;
  fields[*n].length = -1;
  (*n)++;
}

void
vb_log (GLogLevelFlags level,
        const char *vps,
        const char *operation,
        const char *backup,
        const char *format,
        ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);

  GLogField fields[6];
  gsize n = 0;
  add_field (fields, &n, "PRIORITY", priority_of (level));
  add_field (fields, &n, "GLIB_DOMAIN", "vps-backup");
  add_field (fields, &n, "MESSAGE", message);
  add_field (fields, &n, "VPS", vps);
  add_field (fields, &n, "OPERATION", operation);
  add_field (fields, &n, "BACKUP", backup);
  g_log_structured_array (level, fields, n);
}
