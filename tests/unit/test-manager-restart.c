/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of operations when the service stops, dies or loses the hypervisor, and when the VPS
 * goes away. */
#include "manager-lab.h"

#define DISK (64 * MIB)

static void
set_power (ManagerLab *f, VbPower power)
{
  VbVpsInfo info = { (char *) VPS, (char *) "web", power, -1, NULL };
  vb_fake_hypervisor_set (f->hypervisor, &info);
}

static gboolean
has_moved (gpointer data)
{
  ManagerLab *f = data;
  return vb_fake_pool_get_n_read (f->pool) >= 10 * MIB;
}

/* A create that has copied 10 MiB and gets no further. */
static char *
create_some (ManagerLab *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  vb_fake_pool_allow (f->pool, 10 * MIB);
  vb_manager_create_async (f->manager, "tester", VPS, "nightly", NULL, manager_lab_keep_result,
                           &result);
  manager_lab_wait_result (&result);
  g_autoptr (VbOperationRecord) record
      = vb_manager_create_finish (f->manager, result, NULL, &error);
  g_assert_no_error (error);
  vb_fake_wait_until (has_moved, f, "the copy");
  return g_strdup (record->backup);
}

static void
wait_end (ManagerLab *f, const char *notification)
{
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
  g_assert_cmpuint (f->notifications->len, >=, 1);
  g_assert_cmpstr (g_ptr_array_index (f->notifications, f->notifications->len - 1), ==,
                   notification);
  g_assert_cmpuint (vb_fake_hypervisor_get_n_held (f->hypervisor), ==, 0);
  g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);
}

static void
assert_slots (ManagerLab *f, guint used)
{
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, used);
  g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, used);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, used);
}

/* The same backup in the same slot; what was read is not read again, and no client sees it go
 * backwards. */
static void
test_goes_on (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  g_assert_cmpuint (f->notifications->len, ==, 0);
  g_assert_cmpuint (vb_fake_hypervisor_get_n_held (f->hypervisor), ==, 1);

  manager_lab_start (f);
  g_assert_cmpstr (vb_vps_get_status (manager_lab_get_vps (f)), ==, "creating_backup");
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 1);
  wait_end (f, "backup_completed");
  assert_slots (f, 1);
  g_assert_nonnull (vb_vps_find_backup (manager_lab_get_vps (f), backup));
  g_assert_cmpuint (vb_fake_pool_get_n_read (f->pool), ==, DISK);
  g_assert_cmpfloat (f->first_percent, >=, vb_progress_percent_of (10 * MIB, DISK));
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "begin_capture"), ==, 1);
}

static gboolean
has_both (gpointer data)
{
  return vb_vps_get_backups (manager_lab_get_vps (data))->len == 2;
}

/* Whatever the clock said when the others were made, and also when the pool comes late. */
static void
test_being_made_is_the_newest (ManagerLab *f, gconstpointer data)
{
  VbBackupInfo *other = vb_backup_info_new (OTHER, VPS);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  other->sequence = 1;
  other->created_at = g_date_time_add_days (now, 1);
  vb_fake_pool_add (f->pool, other);
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  vb_fake_hold (f->pool, "check");
  manager_lab_start (f);
  vb_fake_release (f->pool, "check");
  vb_fake_wait_until (has_both, f, "the pool's list");
  GPtrArray *backups = vb_vps_get_backups (manager_lab_get_vps (f));
  g_assert_cmpstr (vb_backup_get_id (g_ptr_array_index (backups, 0)), ==, backup);
  wait_end (f, "backup_completed");
  g_assert_cmpstr (vb_backup_get_id (g_ptr_array_index (backups, 0)), ==, backup);
}

static void
test_cancel_after_restart (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  manager_lab_start (f);
  vb_fake_wait_calls (f->pool, "capture", 2);
  const char *id = vb_operation_get_id (vb_vps_get_operation (manager_lab_get_vps (f)));
  g_assert_true (vb_manager_cancel (f->manager, VPS, id, NULL));
  manager_lab_wait_idle (f);
  g_assert_cmpuint (f->notifications->len, ==, 0);
  g_assert_cmpuint (vb_fake_hypervisor_get_n_held (f->hypervisor), ==, 0);
  g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);
  assert_slots (f, 0);
}

/* Scratch files might fill the guest's storage while nobody watches: then the operation ends with
 * the service. */
static void
test_cannot_be_left (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  vb_fake_fail (f->hypervisor, "detach_capture", VB_ERROR_INSUFFICIENT_SPACE);
  manager_lab_stop (f);
  g_assert_cmpuint (f->notifications->len, ==, 1);
  g_assert_cmpuint (vb_fake_hypervisor_get_n_held (f->hypervisor), ==, 0);
  manager_lab_start (f);
  assert_slots (f, 0);
}

static void
test_powered_off_while_away (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  set_power (f, VB_POWER_STOPPED);
  manager_lab_start (f);
  wait_end (f, "backup_completed");
  assert_slots (f, 1);
  VbBackup *made = vb_vps_find_backup (manager_lab_get_vps (f), backup);
  g_assert_cmpint (vb_backup_get_info (made)->consistency, ==, VB_CONSISTENCY_OFFLINE);
  g_assert_cmpuint (vb_fake_pool_get_n_read (f->pool), ==, DISK + 10 * MIB);
}

/* It runs, but the point in time is gone. */
static void
test_restarted_while_away (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  vb_fake_fail (f->hypervisor, "resume_capture", VB_ERROR_NOT_FOUND);
  manager_lab_start (f);
  wait_end (f, "backup_failed");
  assert_slots (f, 0);
}

static void
test_undefined_while_away (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  vb_fake_hypervisor_remove (f->hypervisor, VPS);
  manager_lab_start (f);
  vb_fake_wait_calls (f->pool, "discard", 1);
  while (f->notifications->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (g_ptr_array_index (f->notifications, 0), ==, "backup_failed");
  g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);
}

/* Once from the disk of a VPS that is off; the second time it fails. */
static void
test_begins_anew_once (ManagerLab *f, gconstpointer data)
{
  set_power (f, VB_POWER_STOPPED);
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);
  manager_lab_start (f);
  vb_fake_wait_calls (f->pool, "capture", 2);
  manager_lab_stop (f);
  manager_lab_start (f);
  wait_end (f, "backup_failed");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 2);
  assert_slots (f, 0);
}

/* The pool is mounted later than the service starts. */
static void
test_pool_comes_later (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  manager_lab_stop (f);
  vb_fake_hold (f->pool, "check");
  manager_lab_start (f);
  vb_fake_fail (f->pool, "check", VB_ERROR_POOL_UNAVAILABLE);
  vb_fake_release (f->pool, "check");
  wait_end (f, "backup_completed");
  assert_slots (f, 1);
  g_assert_cmpuint (vb_fake_pool_get_n_read (f->pool), ==, DISK);
}

static VbOperationRecord *
make_crashed (VbOperationState state, const char *details)
{
  VbOperationRecord *record = manager_lab_make_record (VB_OPERATION_CREATE, state);
  record->details = g_strdup (details);
  return record;
}

/* All data was in the pool: the rest is done now. */
static void
test_killed_while_finishing (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = make_crashed (VB_OPERATION_FINISHING, "running filesystem 2026-01-02T03:04:05Z");
  vb_fake_journal_add (f->journal, record);
  vb_fake_pool_set_partial (f->pool, record->backup, DISK);
  manager_lab_start (f);
  wait_end (f, "backup_completed");
  assert_slots (f, 1);
  const VbBackupInfo *info
      = vb_backup_get_info (vb_vps_find_backup (manager_lab_get_vps (f), record->backup));
  g_autofree char *time = g_date_time_format_iso8601 (info->created_at);
  g_assert_cmpstr (time, ==, "2026-01-02T03:04:05Z");
  g_assert_cmpint (info->consistency, ==, VB_CONSISTENCY_FILESYSTEM);
}

/* Nothing had been taken, so nothing is lost by beginning again. */
static void
test_killed_while_preparing (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record = make_crashed (VB_OPERATION_PREPARING, NULL);
  vb_fake_journal_add (f->journal, record);
  manager_lab_start (f);
  wait_end (f, "backup_completed");
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "abort_orphan_capture"), ==, 1);
  assert_slots (f, 1);
}

static gboolean
was_told (gpointer lab)
{
  return ((ManagerLab *) lab)->notifications->len > 0;
}

/* What was read of the pool before the backup was there must not take it away again. */
static void
test_completed_while_the_pool_is_read (ManagerLab *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (VbOperationRecord) record = make_crashed (VB_OPERATION_PREPARING, NULL);
  vb_fake_journal_add (f->journal, record);
  vb_fake_hold (f->pool, "commit");
  vb_fake_hold (f->pool, "listed");
  manager_lab_begin_start (f, &result);
  vb_fake_wait_calls (f->pool, "listed", 1);
  vb_fake_release (f->pool, "commit");
  vb_fake_wait_until (was_told, f, "the end of the backup");
  vb_fake_release (f->pool, "listed");
  manager_lab_end_start (f, &result);
  assert_slots (f, 1);
  g_assert_nonnull (vb_vps_find_backup (manager_lab_get_vps (f), record->backup));
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "listed"), ==, 2);
}

/* --- without a restart --- */

static void
test_hypervisor_goes_away_in_begin (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  vb_fake_fail (f->hypervisor, "begin_capture", VB_ERROR_HYPERVISOR_UNAVAILABLE);
  g_autofree char *backup = create_some (f);
  wait_end (f, "backup_completed");
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "begin_capture"), ==, 2);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "abort_orphan_capture"), ==, 1);
}

static void
test_hypervisor_goes_away_in_end (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  vb_fake_fail (f->hypervisor, "end_capture", VB_ERROR_HYPERVISOR_UNAVAILABLE);
  g_autofree char *backup = create_some (f);
  wait_end (f, "backup_completed");
  assert_slots (f, 1);
}

/* The connection breaks first; that the VPS is off is known a moment later. */
static void
test_powered_off (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  vb_fake_fail (f->hypervisor, "check_capture", VB_ERROR_INTERRUPTED);
  vb_fake_wait_calls (f->hypervisor, "get_info", vb_fake_get_calls (f->hypervisor, "get_info") + 2);
  vb_fake_fail (f->hypervisor, "get_info", VB_ERROR_HYPERVISOR_UNAVAILABLE);
  set_power (f, VB_POWER_STOPPED);
  wait_end (f, "backup_completed");
  VbBackup *made = vb_vps_find_backup (manager_lab_get_vps (f), backup);
  g_assert_cmpint (vb_backup_get_info (made)->consistency, ==, VB_CONSISTENCY_OFFLINE);
}

/* Migrated away, or transient and destroyed. */
static void
test_removed (ManagerLab *f, gconstpointer data)
{
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  vb_fake_hypervisor_remove (f->hypervisor, VPS);
  g_assert_nonnull (manager_lab_get_vps (f));
  vb_fake_fail (f->hypervisor, "check_capture", VB_ERROR_INTERRUPTED);
  vb_fake_wait_calls (f->hypervisor, "get_info", vb_fake_get_calls (f->hypervisor, "get_info") + 1);
  wait_end (f, "backup_failed");
  g_assert_null (manager_lab_get_vps (f));
}

static gboolean
is_told (gpointer data)
{
  return ((ManagerLab *) data)->notifications->len > 0;
}

static gboolean
is_stalled (gpointer data)
{
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (data));
  return operation != NULL && vb_operation_is_stalled (operation);
}

static gboolean
is_moving (gpointer data)
{
  return !is_stalled (data);
}

/* Told once, not again after a restart, and cleared when bytes move. */
static void
test_stall_survives (ManagerLab *f, gconstpointer data)
{
  f->stall_timeout_s = 1;
  manager_lab_start (f);
  g_autofree char *backup = create_some (f);
  vb_fake_wait_until (is_told, f, "the notification");
  vb_fake_wait_until (is_stalled, f, "the stall");
  manager_lab_stop (f);
  manager_lab_start (f);
  vb_fake_wait_calls (f->pool, "capture", 2);
  g_assert_true (is_stalled (f));
  vb_fake_pool_allow (f->pool, 11 * MIB);
  vb_fake_wait_until (is_moving, f, "the end of the stall");
  vb_fake_wait_until (is_stalled, f, "the second stall");
  g_assert_cmpuint (f->notifications->len, ==, 1);
  wait_end (f, "backup_completed");
  g_assert_cmpuint (f->notifications->len, ==, 2);
}

/* The time in which the service was not there is no standstill; the time before it is. */
static void
test_stall_is_not_early (ManagerLab *f, gconstpointer data)
{
  static const struct
  {
    gint64 still_us;
    gboolean stalled;
  } cases[]
      = { { 0, FALSE }, { 59 * G_TIME_SPAN_MINUTE, FALSE }, { 60 * G_TIME_SPAN_MINUTE, TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      VbOperationRecord *record = make_crashed (VB_OPERATION_COPYING, NULL);
      g_clear_pointer (&record->started_at, g_date_time_unref);
      record->started_at = g_date_time_new_utc (2020, 1, 1, 0, 0, 0);
      record->still_us = cases[i].still_us;
      g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
      g_autoptr (VbOperation) operation = vb_operation_new (record, transfer, 3600);
      VbProgress *progress = vb_operation_get_progress (operation);
      gint64 now_us = g_get_monotonic_time ();
      g_assert_cmpint (vb_progress_is_stalled (progress, now_us), ==, cases[i].stalled);
      g_assert_true (vb_progress_is_stalled (progress, now_us + 60 * G_TIME_SPAN_MINUTE));
      /* What was copied shrinks to what was durable: no progress. What is added to it is. */
      vb_progress_update (progress, 5, 100, now_us);
      vb_progress_update (progress, 3, 100, now_us + 1);
      g_assert_cmpint (vb_progress_get_still_us (progress, now_us + 1), ==, 1);
    }
  manager_lab_start (f);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/manager-restart/" name, ManagerLab, NULL, manager_lab_prepare, func,               \
              manager_lab_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  ADD ("goes-on", test_goes_on);
  ADD ("cancel-after-restart", test_cancel_after_restart);
  ADD ("cannot-be-left", test_cannot_be_left);
  ADD ("powered-off-while-away", test_powered_off_while_away);
  ADD ("restarted-while-away", test_restarted_while_away);
  ADD ("being-made-is-the-newest", test_being_made_is_the_newest);
  ADD ("undefined-while-away", test_undefined_while_away);
  ADD ("begins-anew-once", test_begins_anew_once);
  ADD ("pool-comes-later", test_pool_comes_later);
  ADD ("killed-while-finishing", test_killed_while_finishing);
  ADD ("killed-while-preparing", test_killed_while_preparing);
  ADD ("completed-while-the-pool-is-read", test_completed_while_the_pool_is_read);
  ADD ("hypervisor-goes-away-in-begin", test_hypervisor_goes_away_in_begin);
  ADD ("hypervisor-goes-away-in-end", test_hypervisor_goes_away_in_end);
  ADD ("powered-off", test_powered_off);
  ADD ("removed", test_removed);
  ADD ("stall-survives", test_stall_survives);
  ADD ("stall-is-not-early", test_stall_is_not_early);
  return g_test_run ();
}
