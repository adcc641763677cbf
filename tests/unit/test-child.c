/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper program gets of us, and what not. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/base/vb-child.h"
#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"

#define DEADLINE_MS 60000
#define OPEN_FD 70

static char *
run (const char *program, const char *argument, const char *argument2)
{
  g_autoptr (GError) error = NULL;
  const char *const argv[] = { program, argument, argument2, NULL };
  char *output = vb_child_run (argv, NULL, 0, &error);

  g_assert_no_error (error);
  return output;
}

/* Numbers of descriptors that "ls" saw, its own one of the folder left out. */
static void
assert_descriptors (const char *listing, const char *const *wanted)
{
  g_auto (GStrv) lines = g_strsplit (listing, "\n", -1);
  guint n = 0;

  for (char **line = lines; *line != NULL; line++)
    {
      if (strstr (*line, " -> ") == NULL || strstr (*line, "/fd") != NULL)
        continue;
      g_auto (GStrv) words = g_strsplit_set (g_strstrip (*line), " ", -1);
      gboolean known = FALSE;
      for (guint i = 0; words[i] != NULL; i++)
        known
            = known || (g_strcmp0 (words[i + 1], "->") == 0 && g_strv_contains (wanted, words[i]));
      if (!known)
        g_error ("it has a descriptor more: %s", *line);
      n++;
    }
  g_assert_cmpuint (n, ==, g_strv_length ((char **) wanted));
}

static void
test_descriptors (void)
{
  static const char *const standard[] = { "0", "1", "2", NULL };
  g_autofree char *listing = NULL;

  /* Not closed on exec, as those of a careless library in the host's process. */
  g_assert_cmpint (dup2 (STDERR_FILENO, OPEN_FD), ==, OPEN_FD);
  g_assert_cmpint (fcntl (OPEN_FD, F_GETFD) & FD_CLOEXEC, ==, 0);
  listing = run ("ls", "-l", "/proc/self/fd");
  assert_descriptors (listing, standard);
  close (OPEN_FD);
}

static void
test_environment (void)
{
  g_autofree char *text = NULL;

  g_setenv ("LD_PRELOAD_OF_THE_HOST", "secret", TRUE);
  text = run ("env", NULL, NULL);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    g_assert_true (g_str_has_prefix (*line, "PATH=/usr/") || g_str_has_prefix (*line, "MALLOC_")
                   || g_str_equal (*line, "LC_ALL=C"));
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
}

/* The host may block and ignore what it likes. */
static void
test_signals (void)
{
  sigset_t blocked, before;
  g_autofree char *text = NULL;

  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &blocked, &before);
  signal (SIGHUP, SIG_IGN);
  text = run ("grep", "^Sig[BI]", "/proc/self/status");
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  signal (SIGHUP, SIG_DFL);
  g_assert_cmpstr (text, ==, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void
test_place (void)
{
  g_autofree char *text = run ("pwd", "-P", NULL);
  g_autofree char *mask = run ("grep", "^Umask", "/proc/self/status");

  g_assert_cmpstr (text, ==, "/\n");
  g_assert_cmpstr (mask, ==, "Umask:\t0077\n");
}

/* Arguments are no shell's. */
static void
test_arguments (void)
{
  g_autofree char *text = run ("printf", "%s", "$(id) `id`; id > /dev/null | 'x' *");

  g_assert_cmpstr (text, ==, "$(id) `id`; id > /dev/null | 'x' *");
}

static void
test_socket_is_handed_over (void)
{
  static const char *const argv[]
      = { "sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $$ >&2; ls -l /proc/self/fd >&2", NULL };
  static const char *const wanted[] = { "0", "1", "2", "3", NULL };
  g_autoptr (GError) error = NULL;
  vb_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autoptr (VbChild) child = vb_child_start (argv, fd, NULL, 0, &error);

  g_assert_no_error (error);
  g_assert_true (vb_child_wait (child, DEADLINE_MS, &error));
  g_assert_no_error (error);
  g_autofree char *said = vb_child_dup_complaint (child);
  g_auto (GStrv) words = g_strsplit_set (said, " \n", -1);
  g_assert_cmpstr (words[0], ==, "1");
  g_assert_cmpstr (words[1], ==, words[2]);
  assert_descriptors (said, wanted);
}

static void
test_complaint (void)
{
  static const char *const argv[] = { "ls", "/nonexistent-for-sure", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (vb_child_run (argv, NULL, 0, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  g_assert_nonnull (strstr (error->message, "nonexistent-for-sure"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/child/descriptors", test_descriptors);
  g_test_add_func ("/child/environment", test_environment);
  g_test_add_func ("/child/signals", test_signals);
  g_test_add_func ("/child/place", test_place);
  g_test_add_func ("/child/arguments", test_arguments);
  g_test_add_func ("/child/socket-is-handed-over", test_socket_is_handed_over);
  g_test_add_func ("/child/complaint", test_complaint);
  return g_test_run ();
}
