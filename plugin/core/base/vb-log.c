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
vb_log_fields (GLogLevelFlags level, const VbLogField *given, gsize n_given, const char *message)
{
  g_autofree GLogField *fields = g_new (GLogField, n_given + 3);
  gsize n = 0;

  add_field (fields, &n, "PRIORITY", priority_of (level));
  add_field (fields, &n, "GLIB_DOMAIN", "vps-backup");
  add_field (fields, &n, "MESSAGE", message);
  for (gsize i = 0; i < n_given; i++)
    add_field (fields, &n, given[i].key, given[i].value);
  g_log_structured_array (level, fields, n);
}

void
vb_log (GLogLevelFlags level,
        const char *vps,
        const char *operation,
        const char *backup,
        const char *format,
        ...)
{
  const VbLogField fields[] = { { "VPS", vps }, { "OPERATION", operation }, { "BACKUP", backup } };
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);

  vb_log_fields (level, fields, G_N_ELEMENTS (fields), message);
}
