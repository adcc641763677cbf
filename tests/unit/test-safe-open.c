/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A path whose links were followed is opened without following any. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-safe-open.h"

typedef struct
{
  char *folder;
  char *file;
} Lab;

static void
set_up (Lab *lab, gconstpointer data)
{
  g_autofree char *made = g_dir_make_tmp ("vb-open-XXXXXX", NULL);
  g_autofree char *inner = NULL;
  g_autofree char *link = NULL;
  char *real = realpath (made, NULL);

  lab->folder = g_strdup (real);
  free (real);
  inner = g_build_filename (lab->folder, "inner", NULL);
  link = g_build_filename (lab->folder, "link", NULL);
  lab->file = g_build_filename (inner, "file", NULL);
  g_assert_cmpint (g_mkdir (inner, 0700), ==, 0);
  g_assert_true (g_file_set_contents (lab->file, "x", 1, NULL));
  g_assert_cmpint (symlink ("inner", link), ==, 0);
}

static void
tear_down (Lab *lab, gconstpointer data)
{
  const char *command[] = { "rm", "-r", lab->folder, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (lab->folder);
  g_free (lab->file);
}

static int
try_open (Lab *lab, const char *name, int flags)
{
  g_autofree char *path = g_build_filename (lab->folder, name, NULL);
  int fd = vb_safe_open_resolved (path, flags);

  return fd < 0 ? -errno : fd;
}

static void
test_open (Lab *lab, gconstpointer data)
{
  g_autofree char *last = g_build_filename (lab->folder, "last", NULL);
  int fd = try_open (lab, "inner/file", O_RDONLY);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  close (fd);
  g_assert_cmpint (try_open (lab, "link/file", O_RDONLY), ==, -ELOOP);
  g_assert_cmpint (try_open (lab, "link", O_RDONLY | O_DIRECTORY), <, 0);
  g_assert_cmpint (symlink ("inner/file", last), ==, 0);
  g_assert_cmpint (try_open (lab, "last", O_RDONLY), ==, -ELOOP);
  g_assert_cmpint (try_open (lab, "none", O_RDONLY), ==, -ENOENT);
}

static void
expect_refusal (Lab *lab, const char *path, GFileError code)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_assert_false (vb_safe_open_read (path, 8, &text, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, (gint) code);
  g_assert_null (text);
}

static void
test_read (Lab *lab, gconstpointer data)
{
  g_autofree char *path = g_build_filename (lab->folder, "text", NULL);
  g_autofree char *link = g_build_filename (lab->folder, "link to text", NULL);
  g_autofree char *fifo = g_build_filename (lab->folder, "fifo", NULL);
  g_autofree char *text = NULL;
  gsize length = 0;

  g_assert_true (g_file_set_contents (path, "a\0bcdefg", 8, NULL));
  g_assert_cmpint (symlink (path, link), ==, 0);
  g_assert_true (vb_safe_open_read (link, 8, &text, &length, NULL));
  g_assert_cmpmem (text, length + 1, "a\0bcdefg", 9);
  g_assert_true (g_file_set_contents (path, "too large", -1, NULL));
  expect_refusal (lab, path, G_FILE_ERROR_FAILED);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  expect_refusal (lab, fifo, G_FILE_ERROR_INVAL);
  expect_refusal (lab, "/dev/zero", G_FILE_ERROR_INVAL);
  expect_refusal (lab, lab->folder, G_FILE_ERROR_INVAL);
  expect_refusal (lab, "/nonexistent", G_FILE_ERROR_NOENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/open/resolved", Lab, NULL, set_up, test_open, tear_down);
  g_test_add ("/open/read", Lab, NULL, set_up, test_read, tear_down);
  return g_test_run ();
}
