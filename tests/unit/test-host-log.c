/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log line on stderr: one line, whatever a customer has called a backup. */
#include "module/vb-host-log.h"

static char *
format (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  g_autoptr (GDateTime) now = g_date_time_new_utc (2026, 3, 1, 10, 0, 5);

  return vb_host_log_format (level, fields, n_fields, now);
}

static void
test_fields (void)
{
  const GLogField fields[] = {
    { "PRIORITY", "4", -1 },  { "BACKUP", "b", -1 },           { "VPS", "v", -1 },
    { "MESSAGE", "done", 4 }, { "OPERATION", "otherwise", 1 },
  };
  g_autofree char *line = format (G_LOG_LEVEL_WARNING, fields, G_N_ELEMENTS (fields));

  g_assert_cmpstr (line, ==, "2026-03-01T10:00:05Z warning: done VPS=v OPERATION=o BACKUP=b");
}

static void
test_one_line (void)
{
  const GLogField fields[] = {
    { "MESSAGE", "named “x\n2026-03-01T10:00:05Z error: forged\033[2J”\t", -1 },
    { "VPS", "a\nb", -1 },
  };
  g_autofree char *line = format (G_LOG_LEVEL_INFO, fields, G_N_ELEMENTS (fields));

  g_assert_cmpstr (line, ==,
                   "2026-03-01T10:00:05Z info: named “x 2026-03-01T10:00:05Z error: forged [2J”  "
                   "VPS=a b");
}

static void
test_no_message (void)
{
  g_autofree char *line = format (G_LOG_LEVEL_CRITICAL, NULL, 0);

  g_assert_cmpstr (line, ==, "2026-03-01T10:00:05Z critical: (no message)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-log/fields", test_fields);
  g_test_add_func ("/host-log/one-line", test_one_line);
  g_test_add_func ("/host-log/no-message", test_no_message);
  return g_test_run ();
}
