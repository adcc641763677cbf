/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-lab.h"

static void
assert_states (ManagerLab *f, const char *expected)
{
  g_ptr_array_add (f->states, NULL);
  g_autofree char *all = g_strjoinv (" ", (char **) f->states->pdata);
  g_ptr_array_remove_index (f->states, f->states->len - 1);
  g_assert_cmpstr (all, ==, expected);
}

static void
test_create (ManagerLab *f, gconstpointer data)
{
  g_ptr_array_set_size (f->states, 0);
  g_autofree char *id = manager_lab_create (f, VPS, NULL, -1);
  g_assert_cmpstr (vb_vps_get_status (manager_lab_get_vps (f)), ==, "creating_backup");
  VbPowerActions may = vb_vps_get_power_actions (manager_lab_get_vps (f));
  g_assert_false (may.start || may.stop || may.restart);
  g_assert_cmpint (vb_vps_can_create (manager_lab_get_vps (f)), ==, VB_CANNOT_OPERATION_RUNNING);
  manager_lab_create (f, VPS, NULL, VB_ERROR_OPERATION_RUNNING);
  manager_lab_wait_idle (f);

  assert_states (f, "queued/creating_backup preparing/creating_backup copying/creating_backup "
                    "finishing/creating_backup -/running");
  g_assert_cmpfloat (f->percent, ==, 100);
  manager_lab_assert_notified (f, 1, "backup_completed");
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 1);
  VbBackup *backup = g_ptr_array_index (vb_vps_get_backups (manager_lab_get_vps (f)), 0);
  g_assert_cmpint (vb_backup_get_state (backup), ==, VB_BACKUP_AVAILABLE);
  g_assert_nonnull (vb_backup_get_info (backup)->completed_at);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "end_capture"), ==, 1);
}

/* Two on the last slot at the same instant: exactly one is admitted. */
static void
test_race_for_last_slot (ManagerLab *f, gconstpointer data)
{
  g_autofree char *first = manager_lab_create (f, VPS, NULL, -1);
  manager_lab_wait_idle (f);

  GAsyncResult *results[2] = { NULL, NULL };
  guint admitted = 0;
  for (guint i = 0; i < 2; i++)
    vb_manager_create_async (f->manager, "tester", VPS, NULL, NULL, manager_lab_keep_result,
                             &results[i]);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      manager_lab_wait_result (&results[i]);
      g_autoptr (VbOperationRecord) record
          = vb_manager_create_finish (f->manager, results[i], NULL, &error);
      admitted += record != NULL;
      g_assert_cmpuint (manager_lab_get_slots_used (f), <=, 2);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (admitted, ==, 1);
  manager_lab_wait_idle (f);
  manager_lab_create (f, VPS, NULL, VB_ERROR_SLOTS_FULL);
}

static void
test_request_key (ManagerLab *f, gconstpointer data)
{
  g_autofree char *first = manager_lab_create (f, VPS, "key-1", -1);
  g_autofree char *again = manager_lab_create (f, VPS, "key-1", -1);
  g_assert_cmpstr (first, ==, again);
  manager_lab_wait_idle (f);
  g_autofree char *later = manager_lab_create (f, VPS, "key-1", -1);
  g_assert_cmpstr (first, ==, later);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 1);
}

static void
test_failures_leave_nothing (ManagerLab *f, gconstpointer data)
{
  static const struct
  {
    gboolean pool;
    const char *method;
  } cases[] = {
    { FALSE, "begin_capture" },
    { TRUE, "capture" },
    { TRUE, "commit" },
    { FALSE, "end_capture" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gpointer fake = cases[i].pool ? (gpointer) f->pool : (gpointer) f->hypervisor;
      vb_fake_fail (fake, cases[i].method, VB_ERROR_INSUFFICIENT_SPACE);
      g_autofree char *id = manager_lab_create (f, VPS, NULL, -1);
      manager_lab_wait_idle (f);
      manager_lab_assert_notified (f, i + 1, "backup_failed");
      g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 0);
      g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, 0);
      g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);
      g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 0);
    }
}

static void
test_refusals (ManagerLab *f, gconstpointer data)
{
  manager_lab_create (f, "00000000-0000-4000-8000-000000000000", NULL, VB_ERROR_NOT_FOUND);

  vb_fake_hypervisor_set_disk_bytes (f->hypervisor, 1000 * MIB);
  vb_fake_pool_set_free_bytes (f->pool, 10 * MIB);
  manager_lab_create (f, VPS, NULL, VB_ERROR_INSUFFICIENT_SPACE);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 0);
  vb_fake_pool_set_free_bytes (f->pool, 10000 * MIB);

  VbVpsInfo info
      = { (char *) VPS, (char *) "web", VB_POWER_RUNNING, -1, (char *) "It has a TPM.", NULL };
  vb_fake_hypervisor_set (f->hypervisor, &info);
  manager_lab_create (f, VPS, NULL, VB_ERROR_UNSUPPORTED_DISK);
  info.unsupported = NULL;
  vb_fake_hypervisor_set (f->hypervisor, &info);

  vb_fake_hypervisor_set_available (f->hypervisor, FALSE);
  manager_lab_create (f, VPS, NULL, VB_ERROR_HYPERVISOR_UNAVAILABLE);
}

static gboolean
is_copying (gpointer data)
{
  ManagerLab *f = data;
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (f));
  return operation != NULL && vb_operation_get_state (operation) == VB_OPERATION_COPYING
         && vb_fake_get_calls (f->pool, "capture") > 0;
}

static void
test_cancel (ManagerLab *f, gconstpointer data)
{
  vb_fake_pool_allow (f->pool, MIB);
  g_autofree char *id = manager_lab_create (f, VPS, NULL, -1);
  vb_fake_wait_until (is_copying, f, "the copy");
  g_autoptr (GError) error = NULL;
  g_assert_true (vb_manager_cancel (f->manager, VPS, id, &error));
  manager_lab_wait_idle (f);
  g_assert_cmpuint (f->notifications->len, ==, 0);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 0);
  g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);

  g_assert_false (vb_manager_cancel (f->manager, VPS, id, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_TOO_LATE);
  g_clear_error (&error);
  g_assert_false (vb_manager_cancel (f->manager, VPS, OTHER, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
}

static void
test_queue (ManagerLab *f, gconstpointer data)
{
  f->max_concurrent = 1;
  manager_lab_start (f);
  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *running = manager_lab_create (f, OTHER, NULL, -1);
  g_autofree char *waiting = manager_lab_create (f, VPS, NULL, -1);
  vb_fake_wait_calls (f->pool, "capture", 1);
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (f));
  g_assert_cmpint (vb_operation_get_state (operation), ==, VB_OPERATION_QUEUED);
  VbBackup *backup = g_ptr_array_index (vb_vps_get_backups (manager_lab_get_vps (f)), 0);
  g_assert_cmpint (vb_backup_get_state (backup), ==, VB_BACKUP_QUEUED);

  /* A waiting one can be cancelled without waiting for its turn. */
  g_assert_true (vb_manager_cancel (f->manager, VPS, waiting, NULL));
  manager_lab_wait_idle (f);
  g_autofree char *again = manager_lab_create (f, VPS, NULL, -1);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 2);
}

static gboolean
moves_again (gpointer data)
{
  ManagerLab *f = data;
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (f));
  return operation == NULL || !vb_operation_is_stalled (operation);
}

static void
test_stall (ManagerLab *f, gconstpointer data)
{
  f->stall_timeout_s = 1;
  manager_lab_start (f);
  vb_fake_pool_allow (f->pool, MIB);
  g_autofree char *id = manager_lab_create (f, VPS, NULL, -1);
  vb_fake_wait_until (manager_lab_has_stalled, f, "the stall");
  manager_lab_assert_notified (f, 1, "operation_stalled");
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  vb_fake_wait_until (moves_again, f, "the end of the stall");
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 2, "backup_completed");
}

static gboolean
delete_backup (ManagerLab *f, const char *backup, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  vb_manager_delete_async (f->manager, VPS, backup, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  return vb_manager_delete_finish (f->manager, result, error);
}

static void
test_delete (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *backup = manager_lab_make_backup (f);
  g_assert_true (delete_backup (f, backup, &error));
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 0);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "delete_checkpoint"), ==, 1);
  g_assert_false (delete_backup (f, backup, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
  g_clear_error (&error);

  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *id = manager_lab_create (f, VPS, NULL, -1);
  VbBackup *creating = g_ptr_array_index (vb_vps_get_backups (manager_lab_get_vps (f)), 0);
  g_assert_false (delete_backup (f, vb_backup_get_id (creating), &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_BACKUP_NOT_READY);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
}

/* The figure of the first is another one as soon as there is a second, and when that is gone
 * again. */
static gboolean
has_its_share (gpointer lab)
{
  VbVps *vps = manager_lab_get_vps (lab);
  GPtrArray *backups = vb_vps_get_backups (vps);
  const VbBackupInfo *oldest = vb_backup_get_info (g_ptr_array_index (backups, backups->len - 1));
  return oldest->unique_bytes == (gint64) (60 * MIB / backups->len);
}

static void
test_unique_bytes (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  vb_fake_pool_set_unique_bytes (f->pool, 60 * MIB);
  g_autofree char *first = manager_lab_make_backup (f);
  vb_fake_wait_until (has_its_share, f, "all of it");
  g_autofree char *second = manager_lab_make_backup (f);
  vb_fake_wait_until (has_its_share, f, "the half of it");
  g_assert_true (delete_backup (f, second, &error));
  vb_fake_wait_until (has_its_share, f, "all of it again");
}

/* To look reads the map of every image: once for what happens in a few seconds. */
static void
test_unique_bytes_once (ManagerLab *f, gconstpointer data)
{
  vb_fake_pool_set_unique_bytes (f->pool, 60 * MIB);
  g_autofree char *first = manager_lab_make_backup (f);
  g_autofree char *second = manager_lab_make_backup (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "list_vps"), ==, 0);
  vb_fake_wait_until (has_its_share, f, "the half of it");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "list_vps"), ==, 1);
}

static void
set_slots (ManagerLab *f, guint total, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_set_slots_async (f->manager, VPS, total, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  VbSlots *slots = vb_manager_set_slots_finish (f->manager, result, &error);
  if (expected_code >= 0)
    g_assert_error (error, VB_ERROR, expected_code);
  else
    g_assert_cmpuint (vb_slots_get_total (slots), ==, total);
}

static void
test_slots (ManagerLab *f, gconstpointer data)
{
  set_slots (f, 3, -1);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *backup = manager_lab_make_backup (f);
    }
  set_slots (f, 2, VB_ERROR_SLOTS_IN_USE);
  set_slots (f, 5, VB_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (vb_slots_get_total (vb_vps_get_slots (manager_lab_get_vps (f))), ==, 3);
}

static void
test_power (ManagerLab *f, gconstpointer data)
{
  static const struct
  {
    VbPowerAction action;
    int code;
  } cases[] = {
    { VB_POWER_ACTION_START, VB_ERROR_INVALID_ARGUMENT },
    { VB_POWER_ACTION_STOP, -1 },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      vb_manager_power_async (f->manager, VPS, cases[i].action, TRUE, manager_lab_keep_result,
                              &result);
      manager_lab_wait_result (&result);
      gboolean done = vb_manager_power_finish (f->manager, result, &error);
      g_assert_cmpint (done, ==, cases[i].code < 0);
      if (!done)
        g_assert_error (error, VB_ERROR, cases[i].code);
    }
}

#define ADD(name, up, func)                                                                        \
  g_test_add ("/manager/" name, ManagerLab, NULL, up, func, manager_lab_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Failed operations are logged as warnings, and failing them is what some of these tests do. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  ADD ("create", manager_lab_set_up, test_create);
  ADD ("race-for-last-slot", manager_lab_set_up, test_race_for_last_slot);
  ADD ("request-key", manager_lab_set_up, test_request_key);
  ADD ("failures-leave-nothing", manager_lab_set_up, test_failures_leave_nothing);
  ADD ("refusals", manager_lab_set_up, test_refusals);
  ADD ("cancel", manager_lab_set_up, test_cancel);
  ADD ("queue", manager_lab_prepare, test_queue);
  ADD ("stall", manager_lab_prepare, test_stall);
  ADD ("delete", manager_lab_set_up, test_delete);
  ADD ("unique-bytes", manager_lab_set_up, test_unique_bytes);
  ADD ("unique-bytes-once", manager_lab_set_up, test_unique_bytes_once);
  ADD ("slots", manager_lab_set_up, test_slots);
  ADD ("power", manager_lab_set_up, test_power);
  return g_test_run ();
}
