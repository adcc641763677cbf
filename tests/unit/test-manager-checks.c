/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool is verified in the background: when, when not, and what is told of it. */
#include "manager-lab.h"
#include "core/manager/vb-manager-private.h"

#define OLD "0c0c0c0c-1111-4222-8333-000000000001"
#define OLDER "0c0c0c0c-1111-4222-8333-000000000002"
#define DAY_S (24 * 3600)

static void
add_backup (ManagerLab *f, const char *id, const char *vps, const char *completed_at)
{
  VbBackupInfo *info = vb_backup_info_new (id, vps);
  info->name = g_strdup ("nightly");
  info->created_at = g_date_time_new_from_iso8601 (completed_at, NULL);
  info->completed_at = g_date_time_ref (info->created_at);
  vb_fake_pool_add (f->pool, info);
}

static gboolean
has_listed (gpointer data)
{
  ManagerLab *f = data;
  return f->manager->pool_available && vb_vps_get_backups (manager_lab_get_vps (f))->len > 0;
}

static void
start (ManagerLab *f)
{
  manager_lab_start (f);
  vb_fake_wait_until (has_listed, f, "the backups");
}

/* Two that are due, of which the one of the other VPS is due for longer. */
static void
set_up (ManagerLab *f, gconstpointer data)
{
  manager_lab_prepare (f, data);
  f->check_interval_s = DAY_S;
  add_backup (f, OLD, VPS, "2020-02-01T00:00:00Z");
  add_backup (f, OLDER, OTHER, "2020-01-01T00:00:00Z");
  start (f);
}

static gboolean
is_idle (gpointer data)
{
  ManagerLab *f = data;
  return f->manager->scrub == NULL;
}

/* Everything that is due. */
static void
check_all (ManagerLab *f)
{
  guint calls;
  do
    {
      calls = vb_fake_get_calls (f->pool, "verify");
      vb_manager_look_at_checks (f->manager);
      vb_fake_wait_until (is_idle, f, "the check");
  } while (vb_fake_get_calls (f->pool, "verify") > calls);
}

static const VbCheck *
get_check (ManagerLab *f, const char *backup)
{
  return vb_backup_checks_get (f->manager->checks, backup);
}

/* All are due again, for this manager. */
static void
let_time_pass (ManagerLab *f)
{
  static const char *const all[] = { OLD, OLDER };
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    vb_backup_checks_postpone (f->manager->checks, all[i], 0);
}

static void
test_whole (ManagerLab *f, gconstpointer data)
{
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 0);
  vb_manager_look_at_checks (f->manager);
  vb_fake_wait_until (is_idle, f, "the first check");
  g_assert_nonnull (get_check (f, OLDER));
  g_assert_null (get_check (f, OLD));
  check_all (f);
  g_assert_nonnull (get_check (f, OLD));
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 2);
  g_assert_cmpuint (vb_manager_get_n_checked (f->manager, FALSE), ==, 2);
  g_assert_cmpuint (vb_manager_get_n_checked (f->manager, TRUE), ==, 0);
  g_assert_cmpuint (f->notifications->len, ==, 0);

  /* They are not due again, after a restart neither. */
  manager_lab_stop (f);
  start (f);
  check_all (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 2);
}

static void
test_damaged (ManagerLab *f, gconstpointer data)
{
  vb_fake_pool_set_bad_chunks (f->pool, 3);
  check_all (f);
  manager_lab_assert_notified (f, 2, "backup_damaged");
  g_assert_cmpuint (vb_manager_get_n_checked (f->manager, TRUE), ==, 2);
  g_autoptr (GPtrArray) stored
      = vb_journal_list_notifications (VB_JOURNAL (f->journal), NULL, "tester", 0, 100, NULL);
  const VbNotification *told = g_ptr_array_index (stored, 1);
  g_assert_cmpuint (stored->len, ==, 2);
  g_assert_cmpstr (told->backup, ==, OLD);
  g_assert_cmpstr (told->vps, ==, VPS);
  g_assert_cmpstr (told->reason, ==, "checksum_mismatch");

  /* Known already, after a restart as well. */
  manager_lab_stop (f);
  start (f);
  let_time_pass (f);
  check_all (f);
  g_assert_cmpuint (get_check (f, OLD)->bad_chunks, ==, 3);
  manager_lab_assert_notified (f, 2, "backup_damaged");

  /* It has been put right, and rots again. */
  vb_fake_pool_set_bad_chunks (f->pool, 0);
  let_time_pass (f);
  check_all (f);
  manager_lab_assert_notified (f, 2, "backup_damaged");
  vb_fake_pool_set_bad_chunks (f->pool, 1);
  let_time_pass (f);
  check_all (f);
  manager_lab_assert_notified (f, 4, "backup_damaged");
}

static void
assert_shown (ManagerLab *f, gboolean damaged)
{
  VbBackup *backup = vb_vps_find_backup (manager_lab_get_vps (f), OLD);
  g_autoptr (GDateTime) verified_at = vb_backup_get_verified_at (backup);
  g_assert_nonnull (verified_at);
  g_assert_cmpint (vb_backup_is_damaged (backup), ==, damaged);
}

static guint64
verify (ManagerLab *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  guint64 bad_chunks = 0;
  vb_manager_verify_async (f->manager, VPS, OLD, NULL, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_true (vb_manager_verify_finish (f->manager, result, &bad_chunks, NULL));
  return bad_chunks;
}

static VbOperationRecord *
restore (ManagerLab *f, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  vb_manager_restore_async (f->manager, "tester", VPS, &(VbRestoreRequest){ .backup = OLD },
                            manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  return vb_manager_restore_finish (f->manager, result, error);
}

static void
expect_refused (ManagerLab *f)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (restore (f, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH);
}

/* Whoever has found it, and whatever happens to the service: it is shown, not restored, and not
 * built upon, until it was read without a fault. */
static void
test_shown (ManagerLab *f, gconstpointer data)
{
  VbBackup *backup = vb_vps_find_backup (manager_lab_get_vps (f), OLD);
  g_assert_null (vb_backup_get_verified_at (backup));
  g_assert_false (vb_backup_is_damaged (backup));
  guint64 seq = f->seq;
  vb_fake_pool_set_bad_chunks (f->pool, 3);
  check_all (f);
  g_assert_cmpuint (f->seq, >, seq);
  assert_shown (f, TRUE);
  expect_refused (f);
  gboolean read_all;
  g_autoptr (GPtrArray) bases
      = vb_manager_list_bases (f->manager, manager_lab_get_vps (f), &read_all);
  g_assert_cmpuint (bases->len, ==, 0);

  manager_lab_stop (f);
  start (f);
  assert_shown (f, TRUE);
  expect_refused (f);

  vb_fake_pool_set_bad_chunks (f->pool, 0);
  g_assert_cmpuint (verify (f), ==, 0);
  assert_shown (f, FALSE);
  g_autoptr (VbOperationRecord) record = restore (f, NULL);
  g_assert_nonnull (record);
  manager_lab_wait_idle (f);
}

static void
test_found_by_request (ManagerLab *f, gconstpointer data)
{
  vb_fake_pool_set_bad_chunks (f->pool, 2);
  g_assert_cmpuint (verify (f), ==, 2);
  assert_shown (f, TRUE);
  manager_lab_assert_notified (f, 1, "backup_damaged");
  g_assert_cmpuint (verify (f), ==, 2);
  manager_lab_assert_notified (f, 1, "backup_damaged"); /* known already */
}

static void
test_found_by_restore (ManagerLab *f, gconstpointer data)
{
  vb_fake_fail (f->pool, "stage", VB_ERROR_CHECKSUM_MISMATCH);
  g_autoptr (VbOperationRecord) record = restore (f, NULL);
  g_assert_nonnull (record);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "restore_failed");
  assert_shown (f, TRUE);
  expect_refused (f);
  manager_lab_stop (f);
  start (f);
  assert_shown (f, TRUE);
}

/* One entry a backup ever made would grow for ever. */
static void
test_forgets_the_deleted (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  check_all (f);
  g_assert_cmpuint (vb_backup_checks_get_n (f->manager->checks), ==, 2);
  vb_manager_delete_async (f->manager, VPS, OLD, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_true (vb_manager_delete_finish (f->manager, result, NULL));
  g_assert_cmpuint (vb_backup_checks_get_n (f->manager->checks), ==, 1);
}

/* What is found once only was deleted meanwhile; what cannot be read because the pool is away says
 * nothing. */
static void
test_no_damage (ManagerLab *f, gconstpointer data)
{
  vb_fake_fail (f->pool, "verify", VB_ERROR_CHECKSUM_MISMATCH);
  check_all (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 3);
  g_assert_cmpuint (get_check (f, OLDER)->bad_chunks, ==, 0);

  let_time_pass (f);
  vb_fake_fail (f->pool, "verify", VB_ERROR_POOL_UNAVAILABLE);
  check_all (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 5);
  g_assert_cmpuint (vb_manager_get_n_checked (f->manager, FALSE), ==, 3);
  g_assert_cmpuint (f->notifications->len, ==, 0);

  /* It is tried again before the next one is due, and after a restart at once. */
  const VbBackupInfo old = { .id = (char *) OLD }, older = { .id = (char *) OLDER };
  gint64 ago_us = g_get_real_time ()
                  - MIN (vb_backup_checks_get_age_base_us (f->manager->checks, &old),
                         vb_backup_checks_get_age_base_us (f->manager->checks, &older));
  g_assert_cmpint (ago_us, >, (gint64) (DAY_S - 3600) * G_USEC_PER_SEC);
  g_assert_cmpint (ago_us, <, (gint64) DAY_S * G_USEC_PER_SEC);
}

static void
test_not_beside_operations (ManagerLab *f, gconstpointer data)
{
  vb_fake_hold (f->pool, "verify");
  vb_manager_look_at_checks (f->manager);
  vb_fake_wait_calls (f->pool, "verify", 1);
  g_assert_cmpint (vb_transfer_throttle_us (f->manager->scrub), ==, 0);

  /* One that is under way stands still, and none is begun. */
  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *operation = manager_lab_create (f, VPS, NULL, -1);
  g_assert_cmpint (vb_transfer_throttle_us (f->manager->scrub), >, 0);
  vb_fake_release (f->pool, "verify");
  vb_fake_wait_until (is_idle, f, "the check");
  vb_manager_look_at_checks (f->manager);
  g_assert_null (f->manager->scrub);

  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
  check_all (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 2);
}

static void
test_goes_on_after_operation (ManagerLab *f, gconstpointer data)
{
  vb_fake_hold (f->pool, "verify");
  vb_manager_look_at_checks (f->manager);
  vb_fake_wait_calls (f->pool, "verify", 1);
  g_autofree char *operation = manager_lab_create (f, VPS, NULL, -1);
  manager_lab_wait_idle (f);
  while (g_hash_table_size (f->manager->jobs) > 0)
    g_main_context_iteration (NULL, TRUE);
  vb_manager_look_at_checks (f->manager);
  g_assert_cmpint (vb_transfer_throttle_us (f->manager->scrub), ==, 0);
  vb_fake_release (f->pool, "verify");
  vb_fake_wait_until (is_idle, f, "the check");
  g_assert_nonnull (get_check (f, OLDER));
}

/* The stop at the end does not wait for a check that would take for ever, and other calls of the
 * pool do neither. */
static void
test_holds_up_nobody (ManagerLab *f, gconstpointer data)
{
  vb_fake_hold (f->pool, "verify");
  vb_manager_look_at_checks (f->manager);
  vb_fake_wait_calls (f->pool, "verify", 1);
  g_autofree char *backup = manager_lab_make_backup (f);
  g_assert_nonnull (backup);
  manager_lab_stop (f);
  vb_fake_release (f->pool, "verify");
  start (f);
  g_assert_null (get_check (f, OLDER));
}

static void
test_off (ManagerLab *f, gconstpointer data)
{
  manager_lab_stop (f);
  f->check_interval_s = 0;
  start (f);
  g_assert_cmpuint (f->manager->scrub_timer, ==, 0);
  vb_manager_look_at_checks (f->manager);
  g_assert_null (f->manager->scrub);
}

static void
add (const char *path, void (*test) (ManagerLab *, gconstpointer))
{
  g_test_add (path, ManagerLab, NULL, set_up, test, manager_lab_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  add ("/manager/checks/whole", test_whole);
  add ("/manager/checks/damaged", test_damaged);
  add ("/manager/checks/shown", test_shown);
  add ("/manager/checks/found-by-request", test_found_by_request);
  add ("/manager/checks/found-by-restore", test_found_by_restore);
  add ("/manager/checks/forgets-the-deleted", test_forgets_the_deleted);
  add ("/manager/checks/no-damage", test_no_damage);
  add ("/manager/checks/not-beside-operations", test_not_beside_operations);
  add ("/manager/checks/goes-on-after-operation", test_goes_on_after_operation);
  add ("/manager/checks/holds-up-nobody", test_holds_up_nobody);
  add ("/manager/checks/off", test_off);
  return g_test_run ();
}
