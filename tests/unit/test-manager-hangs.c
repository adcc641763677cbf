/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Something hangs while a request is under way: what does not need it goes on, what does is
 * refused, and nothing is left behind. */
#include "manager-lab.h"
#include "core/manager/vb-manager-private.h"

static GAsyncResult *
begin_create (ManagerLab *f, const char *key, GAsyncResult **result)
{
  vb_manager_create_async (f->manager, "tester", VPS, "nightly", key, manager_lab_keep_result,
                           result);
  return *result;
}

static void
expect_error (ManagerLab *f, GAsyncResult **result, VbError code)
{
  g_autoptr (GError) error = NULL;

  manager_lab_wait_result (result);
  g_assert_null (vb_manager_create_finish (f->manager, *result, NULL, &error));
  g_assert_error (error, VB_ERROR, (int) code);
}

static void
press_power (ManagerLab *f, VbPowerAction action)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  vb_manager_power_async (f->manager, VPS, action, TRUE, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_true (vb_manager_power_finish (f->manager, result, &error));
  g_assert_no_error (error);
}

static void
set_slots (ManagerLab *f, guint total)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  vb_manager_set_slots_async (f->manager, VPS, total, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_nonnull (vb_manager_set_slots_finish (f->manager, result, &error));
}

static void
expect_no_rename (ManagerLab *f, const char *backup)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  vb_manager_rename_async (f->manager, VPS, backup, "other", manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_null (vb_manager_rename_finish (f->manager, result, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE);
}

static gboolean
is_unlocked (gpointer data)
{
  return vb_vps_locks_get_n (((ManagerLab *) data)->manager->locks) == 0;
}

static VbOperationRecord *
read_newest (ManagerLab *f)
{
  g_autoptr (GPtrArray) all = vb_journal_list_operations (VB_JOURNAL (f->journal), VPS, 1, NULL);
  return all->len > 0 ? vb_operation_record_copy (g_ptr_array_index (all, 0)) : NULL;
}

/* Where an admission hangs, and what stays free beside it. */
static void
test_admission (ManagerLab *f, gconstpointer data)
{
  const char *method = data;
  gpointer fake = g_str_equal (method, "save_operation") || g_str_equal (method, "find_request")
                      ? (gpointer) f->journal
                      : (gpointer) f->pool;
  g_autofree char *backup = manager_lab_make_backup (f);
  g_autoptr (GAsyncResult) created = NULL;
  guint calls = vb_fake_get_calls (fake, method);

  vb_fake_hold (fake, method);
  begin_create (f, "key", &created);
  vb_fake_wait_calls (fake, method, calls + 1);
  press_power (f, VB_POWER_ACTION_STOP);
  press_power (f, VB_POWER_ACTION_START);
  set_slots (f, 4);
  g_assert_null (created);

  /* The pool is found to hang: whoever waits for it is told, and so are newcomers. */
  g_autoptr (GAsyncResult) waiting = NULL;
  begin_create (f, NULL, &waiting);
  vb_vps_locks_set_pool_missing (f->manager->locks, TRUE);
  expect_error (f, &created, VB_ERROR_POOL_UNAVAILABLE);
  expect_error (f, &waiting, VB_ERROR_POOL_UNAVAILABLE);
  expect_no_rename (f, backup);
  press_power (f, VB_POWER_ACTION_RESTART);

  /* It answers again: nothing comes of what was refused, and the key is free. */
  vb_vps_locks_set_pool_missing (f->manager->locks, FALSE);
  vb_fake_release (fake, method);
  vb_fake_wait_until (is_unlocked, f, "the end of what was refused");
  g_assert_null (vb_vps_get_operation (manager_lab_get_vps (f)));
  g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, 1);
  g_autofree char *again = manager_lab_create (f, VPS, "key", -1);
  manager_lab_wait_idle (f);
  g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, 2);
}

/* What is in the journal and never began ends there. */
static void
test_vps_undefined (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) created = NULL;

  vb_fake_hold (f->journal, "save_operation");
  begin_create (f, "key", &created);
  vb_fake_wait_calls (f->journal, "save_operation", 1);
  vb_fake_hypervisor_remove (f->hypervisor, VPS);
  vb_fake_release (f->journal, "save_operation");
  expect_error (f, &created, VB_ERROR_NOT_FOUND);
  vb_fake_wait_until (is_unlocked, f, "the end of what was refused");
  g_autoptr (VbOperationRecord) record = read_newest (f);
  g_assert_cmpint (record->state, ==, VB_OPERATION_FAILED);
  g_assert_null (record->request_key);
  g_assert_nonnull (record->ended_at);
}

static void
test_slots_taken_away (ManagerLab *f, gconstpointer data)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  g_autoptr (GAsyncResult) created = NULL;

  set_slots (f, 3);
  g_autofree char *second = manager_lab_make_backup (f);
  vb_fake_hold (f->pool, "check_space");
  guint calls = vb_fake_get_calls (f->pool, "check_space");
  begin_create (f, NULL, &created);
  vb_fake_wait_calls (f->pool, "check_space", calls + 1);
  set_slots (f, 2);
  vb_fake_release (f->pool, "check_space");
  expect_error (f, &created, VB_ERROR_SLOTS_FULL);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
}

typedef struct
{
  GAsyncResult *listed;
  GAsyncResult *read;
  GAsyncResult *audited;
  GAsyncResult *revoked;
  GAsyncResult *created;
} Asked;

static void
asked_clear (Asked *asked)
{
  g_clear_object (&asked->listed);
  g_clear_object (&asked->read);
  g_clear_object (&asked->audited);
  g_clear_object (&asked->revoked);
  g_clear_object (&asked->created);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Asked, asked_clear)

static void
ask_for_all (ManagerLab *f, Asked *asked, const char *token_id)
{
  g_autoptr (VbAuditEntry) entry = vb_audit_entry_new ();

  entry->subject = g_strdup ("tester");
  entry->method = g_strdup ("backup.create");
  entry->address = g_strdup ("127.0.0.1");
  entry->outcome = g_strdup (VB_AUDIT_OK);
  vb_manager_list_operations_async (f->manager, VPS, 5, manager_lab_keep_result, &asked->listed);
  vb_manager_mark_read_async (f->manager, "tester", 1, manager_lab_keep_result, &asked->read);
  vb_manager_audit_async (f->manager, entry, manager_lab_keep_result, &asked->audited);
  vb_manager_revoke_async (f->manager, NULL, token_id, 1, manager_lab_keep_result, &asked->revoked);
  begin_create (f, "key", &asked->created);
}

static void
expect_all_refused (ManagerLab *f, Asked *asked)
{
  g_autoptr (GError) of_list = NULL;
  g_autoptr (GError) of_read = NULL;
  g_autoptr (GError) of_revoke = NULL;

  manager_lab_wait_result (&asked->listed);
  g_assert_null (vb_manager_list_operations_finish (f->manager, asked->listed, &of_list));
  g_assert_error (of_list, VB_ERROR, VB_ERROR_JOURNAL_UNAVAILABLE);
  manager_lab_wait_result (&asked->read);
  g_assert_false (vb_manager_mark_read_finish (f->manager, asked->read, &of_read));
  g_assert_error (of_read, VB_ERROR, VB_ERROR_JOURNAL_UNAVAILABLE);
  manager_lab_wait_result (&asked->revoked);
  g_assert_false (vb_manager_revoke_finish (f->manager, asked->revoked, &of_revoke));
  g_assert_error (of_revoke, VB_ERROR, VB_ERROR_JOURNAL_UNAVAILABLE);
  manager_lab_wait_result (&asked->audited);
  g_assert_true (vb_manager_audit_finish (f->manager, asked->audited, NULL));
  expect_error (f, &asked->created, VB_ERROR_JOURNAL_UNAVAILABLE);
}

static gboolean
revoked_twice (gpointer data)
{
  return vb_fake_get_calls (((ManagerLab *) data)->journal, "save_revocation") == 2
         && vb_fake_get_calls (((ManagerLab *) data)->journal, "add_audit") >= 2;
}

/* The journal is found to hang: whoever waits for it is told so, newcomers at once; what must not
 * get lost is written when it answers again. */
static void
test_journal (ManagerLab *f, gconstpointer data)
{
  g_auto (Asked) before = { NULL };
  g_auto (Asked) meanwhile = { NULL };
  g_autoptr (GError) error = NULL;

  vb_fake_hold (f->journal, "list_operations");
  ask_for_all (f, &before, "first");
  vb_fake_wait_calls (f->journal, "list_operations", 1);
  vb_manager_set_journal_hung (f->manager, TRUE);
  expect_all_refused (f, &before);
  ask_for_all (f, &meanwhile, "second");
  expect_all_refused (f, &meanwhile);
  g_assert_cmpint (vb_vps_can_create (manager_lab_get_vps (f)), ==, VB_CANNOT_JOURNAL_UNAVAILABLE);
  g_assert_true (vb_manager_is_revoked (f->manager, "anybody", "second", 0));
  press_power (f, VB_POWER_ACTION_RESTART);

  vb_fake_release (f->journal, "list_operations");
  vb_fake_wait_until (revoked_twice, f, "what must not get lost");
  vb_fake_wait_until (is_unlocked, f, "the end of what was refused");
  vb_manager_set_journal_hung (f->manager, FALSE);
  g_autofree char *operation = manager_lab_create (f, VPS, "key", -1);
  manager_lab_wait_idle (f);
  g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, 1);
}

/* A VPS whose refresh was refused once is refreshed the next time. */
static void
test_refresh (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) created = NULL;

  vb_fake_hold (f->pool, "check_space");
  begin_create (f, NULL, &created);
  vb_fake_wait_calls (f->pool, "check_space", 1);
  vb_manager_refresh_vps (f->manager, VPS);
  vb_vps_locks_set_pool_missing (f->manager->locks, TRUE);
  g_assert_cmpuint (g_hash_table_size (f->manager->refreshing), ==, 0);
  vb_vps_locks_set_pool_missing (f->manager->locks, FALSE);
  vb_fake_release (f->pool, "check_space");
  vb_fake_wait_until (is_unlocked, f, "the end of what was refused");

  guint calls = vb_fake_get_calls (f->pool, "list_again");
  vb_manager_refresh_vps (f->manager, VPS);
  vb_fake_wait_calls (f->pool, "list_again", calls + 1);
  vb_fake_wait_until (is_unlocked, f, "the refresh");
}

static void
count_answer (GObject *source, GAsyncResult *result, gpointer n)
{
  guint64 bad_chunks;
  g_assert_true (vb_manager_verify_finish (VB_MANAGER (source), result, &bad_chunks, NULL));
  ++*(guint *) n;
}

static gboolean
all_answered (gpointer n)
{
  return *(guint *) n == 96;
}

/* However many one customer asks for: one of a VPS at a time, and nobody else waits for a
 * thread. */
static void
test_many_verifications (ManagerLab *f, gconstpointer data)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  guint n = 0;

  vb_fake_hold (f->pool, "verify");
  for (guint i = 0; i < 96; i++)
    vb_manager_verify_async (f->manager, VPS, backup, NULL, count_answer, &n);
  vb_fake_wait_calls (f->pool, "verify", 1);
  g_autofree char *operation = manager_lab_create (f, OTHER, NULL, -1);
  g_autofree char *second = manager_lab_make_backup (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "verify"), ==, 1);
  vb_fake_release (f->pool, "verify");
  vb_fake_wait_until (all_answered, &n, "the answers");
}

static void
set_up_shared (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbFakeClaims) claims = vb_fake_claims_new ();

  manager_lab_prepare (f, data);
  vb_fake_pool_set_claims (f->pool, claims);
  manager_lab_start (f);
}

static gboolean
is_running (gpointer data)
{
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (data));
  return operation != NULL && vb_operation_get_state (operation) == VB_OPERATION_COPYING;
}

/* What stands still has its place in the queue no longer, and counts again when it moves. */
static void
test_standing_still (ManagerLab *f, gconstpointer data)
{
  f->max_concurrent = 1;
  f->stall_timeout_s = 1;
  manager_lab_start (f);
  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *hung = manager_lab_create (f, OTHER, NULL, -1);
  g_autofree char *waiting = manager_lab_create (f, VPS, NULL, -1);
  g_assert_false (is_running (f));
  vb_fake_wait_until (is_running, f, "the turn of the one that waits");
  g_assert_nonnull (vb_vps_get_operation (vb_manager_get_vps (f->manager, OTHER)));
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
}

int
main (int argc, char **argv)
{
  static const char *const held[] = { "check_space", "save_operation", "find_request" };

  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  for (gsize i = 0; i < G_N_ELEMENTS (held); i++)
    {
      g_autofree char *path = g_strdup_printf ("/manager/hangs/admission/%s", held[i]);
      g_test_add (path, ManagerLab, held[i], manager_lab_set_up, test_admission,
                  manager_lab_tear_down);
    }
  g_test_add ("/manager/hangs/vps-undefined", ManagerLab, NULL, manager_lab_set_up,
              test_vps_undefined, manager_lab_tear_down);
  g_test_add ("/manager/hangs/slots-taken-away", ManagerLab, NULL, manager_lab_set_up,
              test_slots_taken_away, manager_lab_tear_down);
  g_test_add ("/manager/hangs/journal", ManagerLab, NULL, manager_lab_set_up, test_journal,
              manager_lab_tear_down);
  g_test_add ("/manager/hangs/standing-still", ManagerLab, NULL, manager_lab_prepare,
              test_standing_still, manager_lab_tear_down);
  g_test_add ("/manager/hangs/many-verifications", ManagerLab, NULL, manager_lab_set_up,
              test_many_verifications, manager_lab_tear_down);
  g_test_add ("/manager/hangs/refresh", ManagerLab, NULL, set_up_shared, test_refresh,
              manager_lab_tear_down);
  return g_test_run ();
}
