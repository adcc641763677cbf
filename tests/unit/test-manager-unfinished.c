/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal is lost in the middle of a restore: what the lock and the pool still know. */
#include "manager-lab.h"
#include "core/manager/vb-manager-private.h"

#include <glib/gstdio.h>

#define OPERATION "0f0f0f0f-1111-4222-8333-444444444444"
#define BACKUP "0c0c0c0c-1111-4222-8333-000000000001"

typedef struct
{
  ManagerLab lab;
  char *folder;
  char *locks;
  char *lock;
} Unfinished;

static void
set_up (Unfinished *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("vb-unfinished-XXXXXX", NULL);
  f->locks = g_build_filename (f->folder, "locks", NULL);
  f->lock = g_build_filename (f->locks, VPS, NULL);
  g_assert_cmpint (g_mkdir (f->locks, 0755), ==, 0);
  manager_lab_prepare (&f->lab, data);
  f->lab.state_folder = f->folder;
}

static void
tear_down (Unfinished *f, gconstpointer data)
{
  manager_lab_tear_down (&f->lab, data);
  g_unlink (f->lock);
  g_rmdir (f->locks);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->lock);
  g_free (f->locks);
  g_free (f->folder);
}

static void
leave_lock (Unfinished *f, const char *line)
{
  g_assert_true (g_file_set_contents (f->lock, line, -1, NULL));
}

static void
turn_off (Unfinished *f)
{
  VbVpsInfo info = { (char *) VPS, (char *) "web", VB_POWER_STOPPED, -1, NULL };
  vb_fake_hypervisor_set (f->lab.hypervisor, &info);
}

static VbNotification *
find_told (Unfinished *f, VbNotificationType type)
{
  g_autoptr (GPtrArray) all
      = vb_journal_list_notifications (VB_JOURNAL (f->lab.journal), NULL, "tester", 0, 10, NULL);
  for (guint i = 0; i < all->len; i++)
    {
      const VbNotification *one = g_ptr_array_index (all, i);
      if (one->type == type)
        return vb_notification_copy (one);
    }
  return NULL;
}

static gboolean
has_looked (gpointer data)
{
  Unfinished *f = data;
  return vb_fake_get_calls (f->lab.pool, "find_unfinished") > 0
         && f->lab.manager->unfinished->len == 0;
}

static void
expect_power_refused (Unfinished *f, VbPowerAction action)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  vb_manager_power_async (f->lab.manager, VPS, action, TRUE, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_false (vb_manager_power_finish (f->lab.manager, result, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_OPERATION_RUNNING);
}

static void
test_nothing_is_known (Unfinished *f, gconstpointer data)
{
  turn_off (f);
  leave_lock (f, "swap " OPERATION "\n");
  manager_lab_start (&f->lab);
  vb_fake_wait_until (has_looked, f, "the question to the pool");
  g_assert_true (g_file_test (f->lock, G_FILE_TEST_EXISTS));
  g_autoptr (VbNotification) told = find_told (f, VB_NOTIFICATION_RESTORE_UNFINISHED);
  g_assert_nonnull (told);
  g_assert_cmpstr (told->vps, ==, VPS);
  g_assert_cmpstr (told->operation, ==, OPERATION);

  /* Nothing is made of the half of a disk. */
  expect_power_refused (f, VB_POWER_ACTION_START);
  g_autofree char *refused = manager_lab_create (&f->lab, VPS, NULL, VB_ERROR_OPERATION_RUNNING);
  g_assert_null (refused);

  /* Another restart does not change that. */
  manager_lab_stop (&f->lab);
  manager_lab_start (&f->lab);
  vb_fake_wait_until (has_looked, f, "the question to the pool");
  g_assert_true (g_file_test (f->lock, G_FILE_TEST_EXISTS));
}

static gboolean
is_unlocked (gpointer data)
{
  Unfinished *f = data;
  return !g_file_test (f->lock, G_FILE_TEST_EXISTS)
         && vb_vps_get_operation (manager_lab_get_vps (&f->lab)) == NULL;
}

static void
test_restore_resolves_it (Unfinished *f, gconstpointer data)
{
  VbBackupInfo *info = vb_backup_info_new (BACKUP, VPS);
  g_autoptr (GAsyncResult) result = NULL;

  info->created_at = g_date_time_new_now_utc ();
  info->completed_at = g_date_time_ref (info->created_at);
  vb_fake_pool_add (f->lab.pool, info);
  turn_off (f);
  leave_lock (f, "swap " OPERATION "\n");
  manager_lab_start (&f->lab);
  vb_fake_wait_until (has_looked, f, "the question to the pool");
  vb_manager_restore_async (f->lab.manager, "tester", VPS, &(VbRestoreRequest){ .backup = BACKUP },
                            manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_autoptr (VbOperationRecord) record = vb_manager_restore_finish (f->lab.manager, result, NULL);
  g_assert_nonnull (record);
  vb_fake_wait_until (is_unlocked, f, "the end of the restore");
}

static void
test_pool_knows (Unfinished *f, gconstpointer data)
{
  turn_off (f);
  leave_lock (f, "swap " OPERATION "\n");
  vb_fake_pool_set_in_place (f->lab.pool, TRUE);
  vb_fake_pool_set_unfinished (f->lab.pool, OPERATION, VPS, BACKUP);
  manager_lab_start (&f->lab);
  vb_fake_wait_until (is_unlocked, f, "the end of the restore");
  g_autoptr (VbNotification) told = find_told (f, VB_NOTIFICATION_RESTORE_COMPLETED);
  g_assert_nonnull (told);
  g_assert_cmpstr (told->backup, ==, BACKUP);
}

/* What the pool has noted for another VPS is not this one's. */
static void
test_of_another_vps (Unfinished *f, gconstpointer data)
{
  turn_off (f);
  leave_lock (f, "swap " OPERATION "\n");
  vb_fake_pool_set_unfinished (f->lab.pool, OPERATION, OTHER, BACKUP);
  manager_lab_start (&f->lab);
  vb_fake_wait_until (has_looked, f, "the question to the pool");
  g_assert_true (g_file_test (f->lock, G_FILE_TEST_EXISTS));
}

static void
test_lesser_locks_go (Unfinished *f, gconstpointer data)
{
  leave_lock (f, "restore " OPERATION "\n");
  manager_lab_start (&f->lab);
  vb_fake_wait_until (is_unlocked, f, "the sweep");
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Unfinished *, gconstpointer);
  } tests[] = {
    { "nothing-is-known", test_nothing_is_known },
    { "restore-resolves-it", test_restore_resolves_it },
    { "pool-knows", test_pool_knows },
    { "of-another-vps", test_of_another_vps },
    { "lesser-locks-go", test_lesser_locks_go },
  };

  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/manager/unfinished/%s", tests[i].name);
      g_test_add (path, Unfinished, NULL, set_up, tests[i].test, tear_down);
    }
  return g_test_run ();
}
