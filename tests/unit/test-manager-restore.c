/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Restores, and what a service finds in the journal of one that died. */
#include "manager-lab.h"

static char *
restore (ManagerLab *f, const char *backup, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_restore_async (f->manager, "tester", VPS, &(VbRestoreRequest){ .backup = backup },
                            manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_autoptr (VbOperationRecord) record = vb_manager_restore_finish (f->manager, result, &error);
  if (expected_code >= 0)
    {
      g_assert_error (error, VB_ERROR, expected_code);
      return NULL;
    }
  g_assert_no_error (error);
  return g_strdup (record->id);
}

static void
test_restore (ManagerLab *f, gconstpointer data)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  g_ptr_array_set_size (f->states, 0);
  restore (f, OTHER, VB_ERROR_NOT_FOUND);
  g_autofree char *id = restore (f, backup, -1);
  g_assert_cmpint (vb_backup_get_state (vb_vps_find_backup (manager_lab_get_vps (f), backup)), ==,
                   VB_BACKUP_RESTORING);
  restore (f, backup, VB_ERROR_OPERATION_RUNNING);
  manager_lab_wait_idle (f);
  g_assert_cmpstr (g_ptr_array_index (f->states, 0), ==, "queued/restoring_backup");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_RUNNING);
  manager_lab_assert_notified (f, 2, "restore_completed");
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "reset_checkpoints"), ==, 1);
}

/* The VPS does not start on its restored disks: the old ones come back, and it starts on them. */
static void
test_restore_start_fails (ManagerLab *f, gconstpointer data)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  vb_fake_fail (f->hypervisor, "power_restore", VB_ERROR_INTERNAL);
  g_autofree char *id = restore (f, backup, -1);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 2, "restore_failed");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_RUNNING);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "power_restore"), ==, 2);
  g_assert_cmpint (vb_backup_get_state (vb_vps_find_backup (manager_lab_get_vps (f), backup)), ==,
                   VB_BACKUP_AVAILABLE);
}

/* While a device is half overwritten the VPS stays off, and nobody is told of an end. */
static void
test_restore_in_place (ManagerLab *f, gconstpointer data)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  vb_fake_pool_set_in_place (f->pool, TRUE);
  vb_fake_fail (f->pool, "swap", VB_ERROR_CHECKSUM_MISMATCH);
  g_autofree char *id = restore (f, backup, -1);
  vb_fake_wait_until (manager_lab_has_stalled, f, "the trouble to be told");
  manager_lab_assert_notified (f, 2, "operation_stalled");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_STOPPED);
  g_assert_false (vb_manager_cancel (f->manager, VPS, id, NULL));
  manager_lab_wait_idle (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "swap"), ==, 2);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "undo"), ==, 0);
  manager_lab_assert_notified (f, 3, "restore_completed");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_RUNNING);
}

static void
test_restore_in_place_start_fails (ManagerLab *f, gconstpointer data)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  vb_fake_pool_set_in_place (f->pool, TRUE);
  vb_fake_fail (f->hypervisor, "power_restore", VB_ERROR_INTERNAL);
  g_autofree char *id = restore (f, backup, -1);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 2, "restore_failed");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "undo"), ==, 0);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "finish"), ==, 1);
}

/* ---- the service is stopped before anything of the VPS was changed ---- */

static gboolean
is_copying (gpointer data)
{
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (data));
  return operation != NULL && vb_operation_get_state (operation) == VB_OPERATION_COPYING;
}

/* Returns: the operation's id */
static char *
restore_until_stopped (ManagerLab *f)
{
  g_autofree char *backup = manager_lab_make_backup (f);
  vb_fake_pool_allow (f->pool, 10 * MIB);
  g_autofree char *id = restore (f, backup, -1);
  vb_fake_wait_calls (f->pool, "stage", 1);
  vb_fake_wait_until (is_copying, f, "the copy");
  manager_lab_stop (f);
  g_assert_cmpuint (f->notifications->len, ==, 1);
  return g_steal_pointer (&id);
}

static void
test_begins_anew (ManagerLab *f, gconstpointer data)
{
  g_autofree char *id = restore_until_stopped (f);
  manager_lab_start (f);
  g_assert_cmpstr (vb_vps_get_status (manager_lab_get_vps (f)), ==, "restoring_backup");
  g_assert_cmpstr (vb_operation_get_id (vb_vps_get_operation (manager_lab_get_vps (f))), ==, id);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 2, "restore_completed");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "stage"), ==, 2);
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_RUNNING);
}

static void
test_begins_anew_and_is_cancelled (ManagerLab *f, gconstpointer data)
{
  g_autofree char *id = restore_until_stopped (f);
  manager_lab_start (f);
  vb_fake_wait_calls (f->pool, "stage", 2);
  g_assert_true (vb_manager_cancel (f->manager, VPS, id, NULL));
  manager_lab_wait_idle (f);
  g_assert_cmpuint (f->notifications->len, ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "swap"), ==, 0);
}

static gboolean
is_running (gpointer lab)
{
  return vb_vps_get_power (manager_lab_get_vps (lab)) == VB_POWER_RUNNING;
}

/* It had stopped the VPS already: that runs while the service is away. */
static void
test_left_with_the_vps_as_it_was (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *backup = manager_lab_make_backup (f);
  vb_fake_pool_allow (f->pool, 10 * MIB);
  vb_manager_restore_async (f->manager, "tester", VPS,
                            &(VbRestoreRequest){ .backup = backup, .stop_first = TRUE },
                            manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  vb_fake_wait_calls (f->pool, "stage", 1);
  manager_lab_stop (f);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "power_off"), ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "power_restore"), ==, 1);
  manager_lab_start (f);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 2, "restore_completed");
  /* The hypervisor's event of the start comes in its own time. */
  vb_fake_wait_until (is_running, f, "the VPS to run");
}

static VbOperationRecord *
add_crashed (ManagerLab *f, VbOperationKind kind, VbOperationState state)
{
  VbOperationRecord *record = manager_lab_make_record (kind, state);
  vb_fake_journal_add (f->journal, record);
  return record;
}

static void
test_recover_half_a_create (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record = add_crashed (f, VB_OPERATION_CREATE, VB_OPERATION_COPYING);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "backup_failed");
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "abort_orphan_capture"), ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "discard"), ==, 1);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 0);
}

/* Died between the commit and the journal: the backup is there, so it is announced. */
static void
test_recover_committed (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = add_crashed (f, VB_OPERATION_CREATE, VB_OPERATION_FINISHING);
  VbBackupInfo *info = vb_backup_info_new (record->backup, VPS);
  info->name = g_strdup ("before the crash");
  info->created_at = g_date_time_new_now_utc ();
  info->completed_at = g_date_time_new_now_utc ();
  vb_fake_pool_add (f->pool, info);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "backup_completed");
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 1);
  g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, 1);
}

static void
test_recover_queued (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record = add_crashed (f, VB_OPERATION_CREATE, VB_OPERATION_QUEUED);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "backup_completed");
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 1);
}

static void
test_recover_restore (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = add_crashed (f, VB_OPERATION_RESTORE, VB_OPERATION_COPYING);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "restore_failed");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_RUNNING);
}

/* Who has worked in the VPS since does not lose that. */
static void
test_left_for_too_long (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = add_crashed (f, VB_OPERATION_RESTORE, VB_OPERATION_COPYING);
  record->details
      = g_strdup_printf ("again %" G_GINT64_FORMAT, g_get_real_time () / G_USEC_PER_SEC - 16 * 60);
  vb_fake_journal_add (f->journal, record);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "restore_failed");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "stage"), ==, 0);
}

/* Without the pool nobody knows how far it has come: the service waits for it. */
static void
test_recover_in_place (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = add_crashed (f, VB_OPERATION_RESTORE, VB_OPERATION_FINISHING);
  record->swapping = TRUE;
  record->details = g_strdup ("overwriting");
  vb_fake_journal_add (f->journal, record);
  vb_fake_pool_set_in_place (f->pool, TRUE);
  vb_fake_fail (f->pool, "recover_staging", VB_ERROR_POOL_UNAVAILABLE);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "recover_staging"), ==, 2);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "swap"), ==, 1);
  manager_lab_assert_notified (f, 1, "restore_completed");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_RUNNING);
}

/* The administrator has removed the note: nobody can complete the device, so nobody may start from
 * it. */
static void
test_recover_given_up (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = add_crashed (f, VB_OPERATION_RESTORE, VB_OPERATION_FINISHING);
  VbVpsInfo off = {
    .uuid = (char *) VPS, .name = (char *) "off", .power = VB_POWER_STOPPED, .slots_total = -1
  };
  vb_fake_hypervisor_set (f->hypervisor, &off);
  record->swapping = TRUE;
  g_free (record->was_power);
  record->was_power = g_strdup ("running");
  record->details = g_strdup ("overwriting");
  vb_fake_journal_add (f->journal, record);
  manager_lab_start (f);
  manager_lab_wait_idle (f);
  manager_lab_assert_notified (f, 1, "restore_failed");
  g_assert_cmpint (vb_vps_get_power (manager_lab_get_vps (f)), ==, VB_POWER_STOPPED);
}

#define ADD(name, up, func)                                                                        \
  g_test_add ("/manager-restore/" name, ManagerLab, NULL, up, func, manager_lab_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Failed operations are logged as warnings, and failing them is what some of these tests do. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  ADD ("restore", manager_lab_set_up, test_restore);
  ADD ("start-fails", manager_lab_set_up, test_restore_start_fails);
  ADD ("in-place", manager_lab_set_up, test_restore_in_place);
  ADD ("in-place-start-fails", manager_lab_set_up, test_restore_in_place_start_fails);
  ADD ("begins-anew", manager_lab_set_up, test_begins_anew);
  ADD ("begins-anew-and-is-cancelled", manager_lab_set_up, test_begins_anew_and_is_cancelled);
  ADD ("left-with-the-vps-as-it-was", manager_lab_set_up, test_left_with_the_vps_as_it_was);
  ADD ("left-for-too-long", manager_lab_prepare, test_left_for_too_long);
  ADD ("recover-half-a-create", manager_lab_prepare, test_recover_half_a_create);
  ADD ("recover-committed", manager_lab_prepare, test_recover_committed);
  ADD ("recover-queued", manager_lab_prepare, test_recover_queued);
  ADD ("recover-restore", manager_lab_prepare, test_recover_restore);
  ADD ("recover-in-place", manager_lab_prepare, test_recover_in_place);
  ADD ("recover-given-up", manager_lab_prepare, test_recover_given_up);
  return g_test_run ();
}
