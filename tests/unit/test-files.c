/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and folders that somebody else may have put there: never followed, never waited for, never
 * open to others. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/base/vb-sparse-file.h"

typedef struct
{
  char *path;
  int folder;
} Lab;

static void
set_up (Lab *lab, gconstpointer data)
{
  g_autofree char *made = g_dir_make_tmp ("vb-files-XXXXXX", NULL);
  char *real = realpath (made, NULL);

  lab->path = g_strdup (real);
  free (real);
  lab->folder = vb_files_open_folder (AT_FDCWD, lab->path, NULL);
  g_assert_cmpint (lab->folder, >=, 0);
  /* Whatever the host's umask is: what is made has the modes that it says. */
  umask (0);
}

static void
tear_down (Lab *lab, gconstpointer data)
{
  vb_fd_clear (&lab->folder);
  g_assert_true (vb_files_remove_tree (AT_FDCWD, lab->path, NULL));
  g_free (lab->path);
}

static guint
mode_of (Lab *lab, const char *name)
{
  struct stat info;

  g_assert_cmpint (fstatat (lab->folder, name, &info, AT_SYMLINK_NOFOLLOW), ==, 0);
  return info.st_mode & 07777;
}

static void
assert_not_opened (Lab *lab, const char *name)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (vb_files_open (lab->folder, name, O_RDONLY, &error), <, 0);
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_null (vb_files_read (lab->folder, name, 4096, NULL, &error));
  g_assert_nonnull (error);
}

static void
test_what_is_no_file (Lab *lab, gconstpointer data)
{
  vb_autofd int inner = vb_files_make_folder (lab->folder, "inner", NULL);

  g_assert_true (vb_files_write (lab->folder, "secret", "x", 1, NULL));
  g_assert_cmpint (symlinkat ("secret", lab->folder, "link"), ==, 0);
  g_assert_cmpint (symlinkat ("/etc/passwd", lab->folder, "far"), ==, 0);
  g_assert_cmpint (mkfifoat (lab->folder, "fifo", 0600), ==, 0);
  alarm (60);
  assert_not_opened (lab, "link");
  assert_not_opened (lab, "far");
  assert_not_opened (lab, "fifo");
  assert_not_opened (lab, "inner");
  alarm (0);
}

static void
test_folders_are_not_followed (Lab *lab, gconstpointer data)
{
  g_autofree char *way = g_build_filename (lab->path, "link", "deep", NULL);
  vb_autofd int inner = vb_files_make_folder (lab->folder, "inner", NULL);
  vb_autofd int deep = vb_files_make_folder (inner, "deep", NULL);

  g_assert_cmpint (deep, >=, 0);
  g_assert_cmpint (symlinkat ("inner", lab->folder, "link"), ==, 0);
  g_assert_cmpint (vb_files_open_folder (lab->folder, "link", NULL), <, 0);
  g_assert_cmpint (vb_files_make_folder (lab->folder, "link", NULL), <, 0);
  g_assert_cmpint (vb_files_open_folder (AT_FDCWD, way, NULL), <, 0);
}

/* A new file is not written through a link that waits for it. */
static void
test_links_that_wait (Lab *lab, gconstpointer data)
{
  g_autofree char *text = NULL;

  g_assert_true (vb_files_write (lab->folder, "precious", "old", 3, NULL));
  g_assert_cmpint (symlinkat ("precious", lab->folder, "new"), ==, 0);
  g_assert_cmpint (symlinkat ("none", lab->folder, "dangling"), ==, 0);
  g_assert_false (vb_files_write (lab->folder, "new", "x", 1, NULL));
  g_assert_false (vb_files_write (lab->folder, "dangling", "x", 1, NULL));
  g_assert_false (vb_files_exists (lab->folder, "none"));
  /* In its place, not through it. */
  g_assert_true (vb_files_replace (lab->folder, "new", "x", 1, NULL));
  text = vb_files_read (lab->folder, "precious", 16, NULL, NULL);
  g_assert_cmpstr (text, ==, "old");
}

static void
test_modes (Lab *lab, gconstpointer data)
{
  vb_autofd int inner = vb_files_make_folder (lab->folder, "inner", NULL);
  vb_autofd int made = vb_files_create (lab->folder, "made", NULL);

  g_assert_true (vb_files_replace (lab->folder, "replaced", "x", 1, NULL));
  g_assert_cmpuint (mode_of (lab, "inner"), ==, 0700);
  g_assert_cmpuint (mode_of (lab, "made"), ==, 0600);
  g_assert_cmpuint (mode_of (lab, "replaced"), ==, 0600);
  g_assert_cmpint (fcntl (inner, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_cmpint (fcntl (made, F_GETFD) & FD_CLOEXEC, !=, 0);
}

/* Links are removed, not what they lead to. */
static void
test_removing (Lab *lab, gconstpointer data)
{
  vb_autofd int kept = vb_files_make_folder (lab->folder, "kept", NULL);
  vb_autofd int gone = vb_files_make_folder (lab->folder, "gone", NULL);

  g_assert_true (vb_files_write (kept, "file", "x", 1, NULL));
  g_assert_cmpint (symlinkat ("../kept", gone, "link"), ==, 0);
  g_assert_true (vb_files_remove_tree (lab->folder, "gone", NULL));
  g_assert_false (vb_files_exists (lab->folder, "gone"));
  g_assert_true (vb_files_exists (kept, "file"));
}

#define FILES_TEST(path, func) g_test_add (path, Lab, NULL, set_up, func, tear_down)

/* What cannot be had is said; it does not end the process. */
static void
test_no_memory (void)
{
#ifndef __SANITIZE_ADDRESS__
  g_autoptr (GError) error = NULL;
  g_assert_null (vb_sparse_file_alloc (G_MAXSIZE / 2, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  FILES_TEST ("/files/what-is-no-file", test_what_is_no_file);
  FILES_TEST ("/files/folders-are-not-followed", test_folders_are_not_followed);
  FILES_TEST ("/files/links-that-wait", test_links_that_wait);
  FILES_TEST ("/files/modes", test_modes);
  FILES_TEST ("/files/removing", test_removing);
  g_test_add_func ("/files/no-memory", test_no_memory);
  return g_test_run ();
}
