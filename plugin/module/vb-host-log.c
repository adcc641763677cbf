/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-host-log.h"

#include <stdio.h>
#include <string.h>

static const char *
level_to_string (GLogLevelFlags level)
{
  switch (level & G_LOG_LEVEL_MASK)
    {
    case G_LOG_LEVEL_ERROR:
      return "error";
    case G_LOG_LEVEL_CRITICAL:
      return "critical";
    case G_LOG_LEVEL_WARNING:
      return "warning";
    case G_LOG_LEVEL_DEBUG:
      return "debug";
    default:
      return "info";
    }
}

static char *
dup_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key))
      return fields[i].length < 0 ? g_strdup (fields[i].value)
                                  : g_strndup (fields[i].value, fields[i].length);
  return NULL;
}

/* A name chosen by a customer must not be able to begin a line of its own. */
static void
append_on_one_line (GString *line, const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    g_string_append_c (line, (guchar) *c < 0x20 || *c == 0x7f ? ' ' : *c);
}

char *
vb_host_log_format (GLogLevelFlags level, const GLogField *fields, gsize n_fields, GDateTime *now)
{
  const char *const extras[] = { "VPS", "OPERATION", "BACKUP" };
  g_autofree char *time = g_date_time_format_iso8601 (now);
  g_autofree char *message = dup_field (fields, n_fields, "MESSAGE");
  GString *line = g_string_new (NULL);

  g_string_append_printf (line, "%s %s: ", time, level_to_string (level));
  append_on_one_line (line, message != NULL ? message : "(no message)");
  for (guint i = 0; i < G_N_ELEMENTS (extras); i++)
    {
      g_autofree char *value = dup_field (fields, n_fields, extras[i]);

      if (value == NULL)
        continue;
      g_string_append_printf (line, " %s=", extras[i]);
      append_on_one_line (line, value);
    }
  return g_string_free (line, FALSE);
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  g_autofree char *domain = dup_field (fields, n_fields, "GLIB_DOMAIN");
  g_autoptr (GDateTime) now = NULL;
  g_autofree char *line = NULL;

  if ((level & G_LOG_LEVEL_DEBUG) && g_log_writer_default_would_drop (level, domain))
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (fileno (stderr))
      && g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;

  now = g_date_time_new_now_utc ();
  line = vb_host_log_format (level, fields, n_fields, now);
  fprintf (stderr, "%s\n", line);
  fflush (stderr);
  return G_LOG_WRITER_HANDLED;
}

void
vb_host_log_install (void)
{
  g_log_set_writer_func (write_log, NULL, NULL);
}
