/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of the command line: sizes, times, columns, and exit statuses. */
#include <gio/gio.h>
#include <string.h>

#include "cli/vb-cli-error.h"
#include "cli/vb-cli-text.h"
#include "core/base/vb-error.h"

static void
assert_text (char *text, const char *expected)
{
  g_assert_cmpstr (text, ==, expected);
  g_free (text);
}

static void
test_clean (void)
{
  assert_text (vb_cli_text_clean ("plain, ünïcode 日本"), "plain, ünïcode 日本");
  assert_text (vb_cli_text_clean ("a\033[2Jb\nc\x7f"), "a\xef\xbf\xbd[2Jb\xef\xbf\xbd"
                                                       "c\xef\xbf\xbd");
  /* Turns the direction of writing; a line separator. */
  assert_text (vb_cli_text_clean ("a\xe2\x80\xae"
                                  "b\xe2\x80\xa8"),
               "a\xef\xbf\xbd"
               "b\xef\xbf\xbd");
}

static void
test_size (void)
{
  assert_text (vb_cli_text_size (0), "0 bytes");
  assert_text (vb_cli_text_size (1536), "1.5 KiB");
  assert_text (vb_cli_text_size (G_GUINT64_CONSTANT (2684354560)), "2.5 GiB");
}

static void
test_time (void)
{
  assert_text (vb_cli_text_time ("2026-03-01T10:00:05.25Z"), "2026-03-01 12:00:05");
  assert_text (vb_cli_text_time (NULL), "–");
  assert_text (vb_cli_text_time ("yesterday"), "–");
  assert_text (vb_cli_text_duration (7), "0:07");
  assert_text (vb_cli_text_duration (750), "12:30");
  assert_text (vb_cli_text_duration (11220), "3:07:00");
  assert_text (vb_cli_text_duration (-5), "0:00");
  assert_text (vb_cli_text_elapsed ("2026-03-01T10:00:05Z", "2026-03-01T10:01:06.9Z"), "1:01");
  assert_text (vb_cli_text_elapsed ("2026-03-01T10:00:05Z", NULL), "–");
}

static void
test_columns (void)
{
  g_assert_cmpint (vb_cli_text_width ("abc"), ==, 3);
  g_assert_cmpint (vb_cli_text_width ("日本"), ==, 4);
  g_assert_cmpint (vb_cli_text_width ("e\xcc\x81"), ==, 1);
  assert_text (vb_cli_text_pad ("日本", 6, FALSE), "日本  ");
  assert_text (vb_cli_text_pad ("7", 3, TRUE), "  7");
  assert_text (vb_cli_text_pad ("longer", 3, TRUE), "longer");
}

static void
assert_status (GQuark domain, int code, int status)
{
  g_autoptr (GError) error = g_error_new_literal (domain, code, "text");

  g_assert_cmpint (vb_cli_error_status (error), ==, status);
}

static void
test_status (void)
{
  g_assert_cmpint (vb_cli_error_status (NULL), ==, 0);
  assert_status (VB_CLI_ERROR, VB_CLI_ERROR_FAILED, 1);
  assert_status (VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE, 4);
  assert_status (G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, 2);
  assert_status (VB_ERROR, VB_ERROR_SLOTS_FULL, 3);
  assert_status (VB_ERROR, VB_ERROR_INVALID_ARGUMENT, 3);
  assert_status (VB_ERROR, VB_ERROR_INTERNAL, 1);
  assert_status (G_IO_ERROR, G_IO_ERROR_FAILED, 1);
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC-2", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli-text/clean", test_clean);
  g_test_add_func ("/cli-text/size", test_size);
  g_test_add_func ("/cli-text/time", test_time);
  g_test_add_func ("/cli-text/columns", test_columns);
  g_test_add_func ("/cli-text/status", test_status);
  return g_test_run ();
}
