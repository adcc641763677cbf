/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/operations/vb-power-lock.h"

#define VPS "11111111-2222-3333-4444-555555555555"

typedef struct
{
  char *folder;
  char *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("vb-lock-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "locks", VPS, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autofree char *locks = g_build_filename (f->folder, "locks", NULL);
  g_unlink (f->path);
  g_rmdir (locks);
  g_rmdir (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

/* As the hook does: is there an owner that lives? */
static gboolean
is_held (const char *path)
{
  int fd = open (path, O_RDONLY);
  g_assert_cmpint (fd, >=, 0);
  gboolean held = flock (fd, LOCK_SH | LOCK_NB) != 0;
  close (fd);
  return held;
}

static void
assert_line (const char *path, const char *expected)
{
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, expected);
}

static void
test_life (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  VbPowerLock *lock = vb_power_lock_acquire (f->folder, VPS, "restore", "op-1", &error);
  g_assert_no_error (error);
  assert_line (f->path, "restore op-1\n");
  g_assert_true (is_held (f->path));

  GStatBuf info;
  g_assert_cmpint (g_stat (f->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0644);

  g_assert_true (vb_power_lock_change (lock, "swap", &error));
  assert_line (f->path, "swap op-1\n");
  g_assert_true (is_held (f->path));
  vb_power_lock_release (lock);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

/* A process that dies holding the lock: exec'd children of ours must not keep it alive either. */
static void
test_dead_owner (Fixture *f, gconstpointer data)
{
  pid_t pid = fork ();
  if (pid == 0)
    {
      VbPowerLock *lock = vb_power_lock_acquire (f->folder, VPS, "create", "op-2", NULL);
      _exit (lock == NULL);
    }
  int status = 1;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  assert_line (f->path, "create op-2\n");
  g_assert_false (is_held (f->path));

  g_autoptr (VbPowerLock) lock = vb_power_lock_acquire (f->folder, VPS, "create", "op-3", NULL);
  g_assert_nonnull (lock);
  assert_line (f->path, "create op-3\n");
  g_assert_true (is_held (f->path));
}

static guint
sweep (Fixture *f, GHashTable *keep)
{
  g_autoptr (GPtrArray) left = vb_power_lock_sweep (f->folder, keep);
  return left->len;
}

static void
test_sweep (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);
  VbPowerLock *lock = vb_power_lock_acquire (f->folder, VPS, "swap", "op-4", NULL);
  g_assert_cmpuint (sweep (f, keep), ==, 0); /* its owner lives */
  g_assert_true (vb_power_lock_check_whole (f->folder, VPS, NULL));
  vb_power_lock_release (lock);
  g_assert_true (vb_power_lock_check_whole (f->folder, VPS, NULL));

  g_assert_true (g_file_set_contents (f->path, "restore op-5\n", -1, NULL));
  g_hash_table_add (keep, (gpointer) VPS);
  g_assert_cmpuint (sweep (f, keep), ==, 0);
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_hash_table_remove_all (keep);
  g_assert_cmpuint (sweep (f, keep), ==, 0);
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

/* Without the operation's record nobody can tell whether the disks are whole. */
static void
test_swap_stays (Fixture *f, gconstpointer data)
{
  static const char *const texts[]
      = { "swap 0f0f0f0f-1111-4222-8333-444444444444\n", "swap x\n", "swap\n", "swap" };
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *locks = g_path_get_dirname (f->path);

  g_assert_cmpint (g_mkdir (locks, 0755), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_true (g_file_set_contents (f->path, texts[i], -1, NULL));
      g_autoptr (GPtrArray) left = vb_power_lock_sweep (f->folder, keep);
      g_assert_cmpuint (left->len, ==, 1);
      const VbPowerLockLeft *one = g_ptr_array_index (left, 0);
      g_assert_cmpstr (one->vps, ==, VPS);
      g_assert_cmpint (one->operation != NULL, ==, i == 0);
      assert_line (f->path, texts[i]);
      g_assert_false (vb_power_lock_check_whole (f->folder, VPS, &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_OPERATION_RUNNING);
    }
}

/* Another user of the host tries to lock the file before it is ours. */
static void
test_stranger (Fixture *f, gconstpointer data)
{
  if (geteuid () != 0)
    {
      g_test_skip ("needs root");
      return;
    }
  g_autofree char *locks = g_path_get_dirname (f->path);
  g_autofree char *name = g_build_filename (locks, "." VPS ".new", NULL);
  g_chmod (f->folder, 0755);
  pid_t pid = fork ();
  while (pid == 0)
    {
      if (geteuid () == 0 && setuid (65534) != 0)
        _exit (1);
      int fd = open (name, O_RDONLY);
      if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0)
        close (fd);
    }
  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (GError) error = NULL;
      VbPowerLock *lock = vb_power_lock_acquire (f->folder, VPS, "create", "op-7", &error);
      g_assert_no_error (error);
      vb_power_lock_release (lock);
    }
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

static void
test_cannot_lock (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (vb_power_lock_acquire ("/proc/self/no-such-place", VPS, "create", "op-6", &error));
  g_assert_nonnull (error);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/power-lock/life", test_life);
  ADD ("/power-lock/dead-owner", test_dead_owner);
  ADD ("/power-lock/sweep", test_sweep);
  ADD ("/power-lock/swap-stays", test_swap_stays);
  ADD ("/power-lock/stranger", test_stranger);
  ADD ("/power-lock/cannot-lock", test_cannot_lock);
  return g_test_run ();
}
