/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lock files as the libvirt hook reads them: it lets start or refuses with one sentence of its own,
 * whatever is in the file. VB_SOURCE: the source tree. */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "fuzz.h"

#define UUID "6f1c2a0e-94b7-4d5c-8a39-0d7e52b1c4f8"

static const char restoring[]
    = "VPS web1: a backup is being restored; it can be started when that has finished.\n";
static char *folder, *hook, *lock, *unreadable;

static char *
replace (char *text, const char *from, const char *to)
{
  g_auto (GStrv) parts = g_strsplit (text, from, 2);

  g_assert_nonnull (parts[1]);
  g_free (text);
  return g_strconcat (parts[0], to, parts[1], NULL);
}

/* A copy of the hook that looks into a folder of ours. */
static void
set_up (void)
{
  g_autofree char *source = g_build_filename (g_getenv ("VB_SOURCE"), "hooks", "vps-backup", NULL);
  g_autofree char *locks = NULL;
  char *text = NULL;

  folder = g_dir_make_tmp ("vb-fuzz-XXXXXX", NULL);
  locks = g_build_filename (folder, "locks", NULL);
  hook = g_build_filename (folder, "hook", NULL);
  lock = g_build_filename (locks, UUID, NULL);
  unreadable = g_strdup_printf ("VPS web1: its lock file %s cannot be read;", lock);
  g_assert_cmpint (g_mkdir (locks, 0700), ==, 0);
  g_assert_true (g_file_get_contents (source, &text, NULL, NULL));
  text = replace (text, "settings=/etc/vps-backup/locks-dir", "settings=/nonexistent");
  text = replace (text, "locks=/var/lib/vps-backup/locks\n", "locks=${0%/*}/locks\n");
  g_assert_true (g_file_set_contents (hook, text, -1, NULL));
  g_free (text);
}

/* Returns: (transfer full): what it says on stderr */
static char *
run_hook (int *status)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  char *told = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                  | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                              &error, "/bin/sh", hook, "web1", "prepare", "begin", "-", NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, "<domain>\n<uuid>" UUID "</uuid>\n", NULL, &out, &told,
                                 &error);
  g_assert_no_error (error);
  g_assert_cmpstr (out, ==, "");
  g_assert_true (g_subprocess_get_if_exited (process));
  *status = g_subprocess_get_exit_status (process);
  return told;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *told = NULL;
  int status;

  if (folder == NULL)
    set_up ();
  g_assert_true (g_file_set_contents (lock, (const char *) data, (gssize) size, NULL));
  told = run_hook (&status);
  if (status == 0)
    g_assert_cmpstr (told, ==, "");
  else
    g_assert_true (g_str_equal (told, restoring) || g_str_has_prefix (told, unreadable));
  g_assert_cmpint (status, <=, 1);
  return 0;
}
