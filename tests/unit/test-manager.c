/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doubles.h"

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"
#define OTHER "0b0b0b0b-1111-4222-8333-444444444444"
#define MIB ((guint64) 1 << 20)

typedef struct
{
  VbFakeHypervisor *hypervisor;
  VbFakePool *pool;
  VbFakeJournal *journal;
  VbManager *manager;
  GPtrArray *states;        /* "state/status" at each vps-changed of VPS */
  GPtrArray *notifications; /* type words */
  double percent;           /* last announced */
  guint64 seq;
} Fixture;

static void
on_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer data)
{
  Fixture *f = data;
  if (g_strcmp0 (vb_vps_get_uuid (vps), VPS) != 0)
    return;
  g_assert_cmpuint (seq, ==, f->seq + 1);
  f->seq = seq;
  VbOperation *operation = vb_vps_get_operation (vps);
  const char *state = operation ? vb_operation_state_to_string (vb_operation_get_state (operation)) : "-";
  g_ptr_array_add (f->states, g_strdup_printf ("%s/%s", state, vb_vps_get_status (vps)));
}

static void
on_progress (VbManager *manager, VbVps *vps, VbOperation *operation, guint64 seq, gpointer data)
{
  Fixture *f = data;
  if (g_strcmp0 (vb_vps_get_uuid (vps), VPS) != 0)
    return;
  g_assert_cmpuint (seq, ==, f->seq + 1);
  f->seq = seq;
  double percent = vb_progress_get_percent (vb_operation_get_progress (operation));
  g_assert_cmpfloat (percent, >=, f->percent);
  g_assert_cmpint (percent == 100, ==, vb_operation_get_state (operation) == VB_OPERATION_COMPLETED);
  f->percent = percent;
}

static void
on_notification (VbManager *manager, VbNotification *notification, gpointer data)
{
  Fixture *f = data;
  g_assert_cmpint (notification->id, >, 0);
  g_ptr_array_add (f->notifications, g_strdup (vb_notification_type_to_string (notification->type)));
}

/* A request's answer: run the main context until it is there. */
static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

static void
wait_result (GAsyncResult **result)
{
  vb_fake_wait_until (has_result, result, "an answer");
}

static void
set_up_with (Fixture *f, guint max_concurrent, guint stall_timeout_s)
{
  VbSettings settings = {
    .slots_included = 2,
    .slots_step = 1,
    .slots_maximum = 4,
    .max_concurrent = max_concurrent,
    .stall_timeout_s = stall_timeout_s,
  };
  f->states = g_ptr_array_new_with_free_func (g_free);
  f->notifications = g_ptr_array_new_with_free_func (g_free);
  f->hypervisor = vb_fake_hypervisor_new ();
  f->pool = vb_fake_pool_new ();
  if (f->journal == NULL)
    f->journal = vb_fake_journal_new ();
  vb_fake_hypervisor_add (f->hypervisor, VPS, "web");
  vb_fake_hypervisor_add (f->hypervisor, OTHER, "db");
  f->manager = vb_manager_new (VB_HYPERVISOR (f->hypervisor),
                               VB_POOL (f->pool),
                               VB_JOURNAL (f->journal),
                               &settings);
  g_signal_connect (f->manager, "vps-changed", G_CALLBACK (on_changed), f);
  g_signal_connect (f->manager, "operation-progress", G_CALLBACK (on_progress), f);
  g_signal_connect (f->manager, "notification-added", G_CALLBACK (on_notification), f);
}

static void
start (Fixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_start_async (f->manager, keep_result, &result);
  wait_result (&result);
  g_assert_true (vb_manager_start_finish (f->manager, result, &error));
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  set_up_with (f, 2, 1800);
  start (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  vb_manager_stop_async (f->manager, keep_result, &result);
  wait_result (&result);
  g_assert_true (vb_manager_stop_finish (f->manager, result, NULL));
  g_clear_object (&result);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&f->manager);
  g_clear_object (&f->hypervisor);
  g_clear_object (&f->pool);
  g_clear_object (&f->journal);
  g_ptr_array_unref (f->states);
  g_ptr_array_unref (f->notifications);
}

static VbVps *
vps_of (Fixture *f)
{
  return vb_manager_get_vps (f->manager, VPS);
}

static char *
create (Fixture *f, const char *vps, const char *key, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbBackup) backup = NULL;
  vb_manager_create_async (f->manager, "tester", vps, "nightly", key, keep_result, &result);
  wait_result (&result);
  g_autoptr (VbOperationRecord) record
      = vb_manager_create_finish (f->manager, result, &backup, &error);
  if (expected_code >= 0)
    {
      g_assert_error (error, VB_ERROR, expected_code);
      return NULL;
    }
  g_assert_no_error (error);
  return g_strdup (record->id);
}

static gboolean
is_idle (gpointer data)
{
  Fixture *f = data;
  return vb_vps_get_operation (vps_of (f)) == NULL;
}

static void
wait_idle (Fixture *f)
{
  vb_fake_wait_until (is_idle, f, "the end of the operation");
}

static void
assert_states (Fixture *f, const char *expected)
{
  g_ptr_array_add (f->states, NULL);
  g_autofree char *all = g_strjoinv (" ", (char **) f->states->pdata);
  g_ptr_array_remove_index (f->states, f->states->len - 1);
  g_assert_cmpstr (all, ==, expected);
}

static void
assert_last_notification (Fixture *f, guint n, const char *type)
{
  g_assert_cmpuint (f->notifications->len, ==, n);
  g_assert_cmpstr (g_ptr_array_index (f->notifications, n - 1), ==, type);
}

static void
test_create (Fixture *f, gconstpointer data)
{
  g_ptr_array_set_size (f->states, 0);
  g_autofree char *id = create (f, VPS, NULL, -1);
  g_assert_cmpstr (vb_vps_get_status (vps_of (f)), ==, "creating_backup");
  VbPowerActions may = vb_vps_get_power_actions (vps_of (f));
  g_assert_false (may.start || may.stop || may.restart);
  g_assert_cmpint (vb_vps_can_create (vps_of (f)), ==, VB_CANNOT_OPERATION_RUNNING);
  create (f, VPS, NULL, VB_ERROR_OPERATION_RUNNING);
  wait_idle (f);

  assert_states (f,
                 "queued/creating_backup preparing/creating_backup copying/creating_backup "
                 "finishing/creating_backup -/running");
  g_assert_cmpfloat (f->percent, ==, 100);
  assert_last_notification (f, 1, "backup_completed");
  g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 1);
  VbBackup *backup = g_ptr_array_index (vb_vps_get_backups (vps_of (f)), 0);
  g_assert_cmpint (vb_backup_get_state (backup), ==, VB_BACKUP_AVAILABLE);
  g_assert_nonnull (vb_backup_get_info (backup)->completed_at);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "end_capture"), ==, 1);
}

/* Two on the last slot at the same instant: exactly one is admitted. */
static void
test_race_for_last_slot (Fixture *f, gconstpointer data)
{
  g_autofree char *first = create (f, VPS, NULL, -1);
  wait_idle (f);

  GAsyncResult *results[2] = { NULL, NULL };
  guint admitted = 0;
  for (guint i = 0; i < 2; i++)
    vb_manager_create_async (f->manager, "tester", VPS, NULL, NULL, keep_result, &results[i]);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      wait_result (&results[i]);
      g_autoptr (VbOperationRecord) record
          = vb_manager_create_finish (f->manager, results[i], NULL, &error);
      admitted += record != NULL;
      g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), <=, 2);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (admitted, ==, 1);
  wait_idle (f);
  create (f, VPS, NULL, VB_ERROR_SLOTS_FULL);
}

static void
test_request_key (Fixture *f, gconstpointer data)
{
  g_autofree char *first = create (f, VPS, "key-1", -1);
  g_autofree char *again = create (f, VPS, "key-1", -1);
  g_assert_cmpstr (first, ==, again);
  wait_idle (f);
  g_autofree char *later = create (f, VPS, "key-1", -1);
  g_assert_cmpstr (first, ==, later);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 1);
}

static void
test_failures_leave_nothing (Fixture *f, gconstpointer data)
{
  static const struct
  {
    gboolean pool;
    const char *method;
  } cases[] = {
    { FALSE, "begin_capture" }, { TRUE, "capture" }, { TRUE, "commit" }, { FALSE, "end_capture" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gpointer fake = cases[i].pool ? (gpointer) f->pool : (gpointer) f->hypervisor;
      vb_fake_fail (fake, cases[i].method, VB_ERROR_INSUFFICIENT_SPACE);
      g_autofree char *id = create (f, VPS, NULL, -1);
      wait_idle (f);
      assert_last_notification (f, i + 1, "backup_failed");
      g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 0);
      g_assert_cmpuint (vb_vps_get_backups (vps_of (f))->len, ==, 0);
      g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);
      g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 0);
      f->percent = 0;
    }
}

static void
test_refusals (Fixture *f, gconstpointer data)
{
  create (f, "00000000-0000-4000-8000-000000000000", NULL, VB_ERROR_NOT_FOUND);

  vb_fake_hypervisor_set_disk_bytes (f->hypervisor, 1000 * MIB);
  vb_fake_pool_set_free_bytes (f->pool, 10 * MIB);
  create (f, VPS, NULL, VB_ERROR_INSUFFICIENT_SPACE);
  g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 0);
  vb_fake_pool_set_free_bytes (f->pool, 10000 * MIB);

  VbVpsInfo info = { (char *) VPS, (char *) "web", VB_POWER_RUNNING, -1, (char *) "It has a TPM." };
  vb_fake_hypervisor_set (f->hypervisor, &info);
  create (f, VPS, NULL, VB_ERROR_UNSUPPORTED_DISK);
  info.unsupported = NULL;
  vb_fake_hypervisor_set (f->hypervisor, &info);

  vb_fake_hypervisor_set_available (f->hypervisor, FALSE);
  create (f, VPS, NULL, VB_ERROR_HYPERVISOR_UNAVAILABLE);
}

static gboolean
is_copying (gpointer data)
{
  Fixture *f = data;
  VbOperation *operation = vb_vps_get_operation (vps_of (f));
  return operation != NULL && vb_operation_get_state (operation) == VB_OPERATION_COPYING
         && vb_fake_get_calls (f->pool, "capture") > 0;
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  vb_fake_pool_allow (f->pool, MIB);
  g_autofree char *id = create (f, VPS, NULL, -1);
  vb_fake_wait_until (is_copying, f, "the copy");
  g_autoptr (GError) error = NULL;
  g_assert_true (vb_manager_cancel (f->manager, VPS, id, &error));
  wait_idle (f);
  g_assert_cmpuint (f->notifications->len, ==, 0);
  g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 0);
  g_assert_cmpuint (vb_fake_pool_get_n_partial (f->pool), ==, 0);

  g_assert_false (vb_manager_cancel (f->manager, VPS, id, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_TOO_LATE);
  g_clear_error (&error);
  g_assert_false (vb_manager_cancel (f->manager, VPS, OTHER, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
}

static void
test_queue (Fixture *f, gconstpointer data)
{
  set_up_with (f, 1, 1800);
  start (f);
  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *running = create (f, OTHER, NULL, -1);
  g_autofree char *waiting = create (f, VPS, NULL, -1);
  vb_fake_wait_calls (f->pool, "capture", 1);
  VbOperation *operation = vb_vps_get_operation (vps_of (f));
  g_assert_cmpint (vb_operation_get_state (operation), ==, VB_OPERATION_QUEUED);
  VbBackup *backup = g_ptr_array_index (vb_vps_get_backups (vps_of (f)), 0);
  g_assert_cmpint (vb_backup_get_state (backup), ==, VB_BACKUP_QUEUED);

  /* A waiting one can be cancelled without waiting for its turn. */
  g_assert_true (vb_manager_cancel (f->manager, VPS, waiting, NULL));
  wait_idle (f);
  g_autofree char *again = create (f, VPS, NULL, -1);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  wait_idle (f);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 2);
}

static gboolean
has_stalled (gpointer data)
{
  Fixture *f = data;
  VbOperation *operation = vb_vps_get_operation (vps_of (f));
  return operation != NULL && vb_operation_is_stalled (operation) && f->notifications->len > 0;
}

static gboolean
moves_again (gpointer data)
{
  Fixture *f = data;
  VbOperation *operation = vb_vps_get_operation (vps_of (f));
  return operation == NULL || !vb_operation_is_stalled (operation);
}

static void
test_stall (Fixture *f, gconstpointer data)
{
  set_up_with (f, 1, 1);
  start (f);
  vb_fake_pool_allow (f->pool, MIB);
  g_autofree char *id = create (f, VPS, NULL, -1);
  vb_fake_wait_until (has_stalled, f, "the stall");
  assert_last_notification (f, 1, "operation_stalled");
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  vb_fake_wait_until (moves_again, f, "the end of the stall");
  wait_idle (f);
  assert_last_notification (f, 2, "backup_completed");
}

static char *
make_backup (Fixture *f)
{
  g_autofree char *id = create (f, VPS, NULL, -1);
  wait_idle (f);
  f->percent = 0;
  return g_strdup (vb_backup_get_id (g_ptr_array_index (vb_vps_get_backups (vps_of (f)), 0)));
}

static char *
restore (Fixture *f, const char *backup, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_restore_async (f->manager, "tester", VPS, backup, FALSE, keep_result, &result);
  wait_result (&result);
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
test_restore (Fixture *f, gconstpointer data)
{
  g_autofree char *backup = make_backup (f);
  g_ptr_array_set_size (f->states, 0);
  restore (f, OTHER, VB_ERROR_NOT_FOUND);
  g_autofree char *id = restore (f, backup, -1);
  g_assert_cmpint (vb_backup_get_state (vb_vps_find_backup (vps_of (f), backup)), ==, VB_BACKUP_RESTORING);
  restore (f, backup, VB_ERROR_OPERATION_RUNNING);
  wait_idle (f);
  g_assert_cmpstr (g_ptr_array_index (f->states, 0), ==, "queued/restoring_backup");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_RUNNING);
  assert_last_notification (f, 2, "restore_completed");
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "reset_checkpoints"), ==, 1);
}

/* The VPS does not start on its restored disks: the old ones come back, and it starts on them. */
static void
test_restore_start_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *backup = make_backup (f);
  vb_fake_fail (f->hypervisor, "power_restore", VB_ERROR_INTERNAL);
  g_autofree char *id = restore (f, backup, -1);
  wait_idle (f);
  assert_last_notification (f, 2, "restore_failed");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_RUNNING);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "power_restore"), ==, 2);
  g_assert_cmpint (vb_backup_get_state (vb_vps_find_backup (vps_of (f), backup)), ==, VB_BACKUP_AVAILABLE);
}

static gboolean
delete_backup (Fixture *f, const char *backup, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  vb_manager_delete_async (f->manager, VPS, backup, keep_result, &result);
  wait_result (&result);
  return vb_manager_delete_finish (f->manager, result, error);
}

static void
test_delete (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *backup = make_backup (f);
  g_assert_true (delete_backup (f, backup, &error));
  g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 0);
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "delete_checkpoint"), ==, 1);
  g_assert_false (delete_backup (f, backup, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
  g_clear_error (&error);

  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *id = create (f, VPS, NULL, -1);
  VbBackup *creating = g_ptr_array_index (vb_vps_get_backups (vps_of (f)), 0);
  g_assert_false (delete_backup (f, vb_backup_get_id (creating), &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_BACKUP_NOT_READY);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  wait_idle (f);
}

static void
set_slots (Fixture *f, guint total, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_set_slots_async (f->manager, VPS, total, keep_result, &result);
  wait_result (&result);
  VbSlots *slots = vb_manager_set_slots_finish (f->manager, result, &error);
  if (expected_code >= 0)
    g_assert_error (error, VB_ERROR, expected_code);
  else
    g_assert_cmpuint (vb_slots_get_total (slots), ==, total);
}

static void
test_slots (Fixture *f, gconstpointer data)
{
  set_slots (f, 3, -1);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *backup = make_backup (f);
    }
  set_slots (f, 2, VB_ERROR_SLOTS_IN_USE);
  set_slots (f, 5, VB_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (vb_slots_get_total (vb_vps_get_slots (vps_of (f))), ==, 3);
}

static void
test_power (Fixture *f, gconstpointer data)
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
      vb_manager_power_async (f->manager, VPS, cases[i].action, TRUE, keep_result, &result);
      wait_result (&result);
      gboolean done = vb_manager_power_finish (f->manager, result, &error);
      g_assert_cmpint (done, ==, cases[i].code < 0);
      if (!done)
        g_assert_error (error, VB_ERROR, cases[i].code);
    }
}

static VbOperationRecord *
record_of (VbOperationKind kind, VbOperationState state)
{
  VbOperationRecord *record = vb_operation_record_new ();
  record->id = g_uuid_string_random ();
  record->vps = g_strdup (VPS);
  record->vps_name = g_strdup ("web");
  record->kind = kind;
  record->state = state;
  record->backup = g_uuid_string_random ();
  record->backup_name = g_strdup ("before the crash");
  record->subject = g_strdup ("tester");
  record->was_power = g_strdup ("running");
  record->started_at = g_date_time_new_now_utc ();
  return record;
}

static VbOperationRecord *
set_up_after_crash (Fixture *f, VbOperationKind kind, VbOperationState state)
{
  VbOperationRecord *record = record_of (kind, state);
  f->journal = vb_fake_journal_new ();
  vb_fake_journal_add (f->journal, record);
  set_up_with (f, 2, 1800);
  return record;
}

static void
test_recover_half_a_create (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = set_up_after_crash (f, VB_OPERATION_CREATE, VB_OPERATION_COPYING);
  start (f);
  wait_idle (f);
  assert_last_notification (f, 1, "backup_failed");
  g_assert_cmpuint (vb_fake_get_calls (f->hypervisor, "abort_orphan_capture"), ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "discard"), ==, 1);
  g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 0);
}

/* Died between the commit and the journal: the backup is there, so it is announced. */
static void
test_recover_committed (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = set_up_after_crash (f, VB_OPERATION_CREATE, VB_OPERATION_FINISHING);
  VbBackupInfo *info = vb_backup_info_new (record->backup, VPS);
  info->name = g_strdup ("before the crash");
  info->created_at = g_date_time_new_now_utc ();
  info->completed_at = g_date_time_new_now_utc ();
  vb_fake_pool_add (f->pool, info);
  start (f);
  wait_idle (f);
  assert_last_notification (f, 1, "backup_completed");
  g_assert_cmpuint (vb_slots_get_used (vb_vps_get_slots (vps_of (f))), ==, 1);
  g_assert_cmpuint (vb_vps_get_backups (vps_of (f))->len, ==, 1);
}

static void
test_recover_queued (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = set_up_after_crash (f, VB_OPERATION_CREATE, VB_OPERATION_QUEUED);
  start (f);
  wait_idle (f);
  assert_last_notification (f, 1, "backup_completed");
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 1);
}

static void
test_recover_restore (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = set_up_after_crash (f, VB_OPERATION_RESTORE, VB_OPERATION_COPYING);
  start (f);
  wait_idle (f);
  assert_last_notification (f, 1, "restore_failed");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_RUNNING);
}

/* While a device is half overwritten the VPS stays off, and nobody is told of an end. */
static void
test_restore_in_place (Fixture *f, gconstpointer data)
{
  g_autofree char *backup = make_backup (f);
  vb_fake_pool_set_in_place (f->pool, TRUE);
  vb_fake_fail (f->pool, "swap", VB_ERROR_CHECKSUM_MISMATCH);
  g_autofree char *id = restore (f, backup, -1);
  vb_fake_wait_until (has_stalled, f, "the trouble to be told");
  assert_last_notification (f, 2, "operation_stalled");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_STOPPED);
  g_assert_false (vb_manager_cancel (f->manager, VPS, id, NULL));
  wait_idle (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "swap"), ==, 2);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "undo"), ==, 0);
  assert_last_notification (f, 3, "restore_completed");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_RUNNING);
}

static void
test_restore_in_place_start_fails (Fixture *f, gconstpointer data)
{
  g_autofree char *backup = make_backup (f);
  vb_fake_pool_set_in_place (f->pool, TRUE);
  vb_fake_fail (f->hypervisor, "power_restore", VB_ERROR_INTERNAL);
  g_autofree char *id = restore (f, backup, -1);
  wait_idle (f);
  assert_last_notification (f, 2, "restore_failed");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "undo"), ==, 0);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "finish"), ==, 1);
}

/* Without the pool nobody knows how far it has come: the service waits for it. */
static void
test_recover_in_place (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = set_up_after_crash (f, VB_OPERATION_RESTORE, VB_OPERATION_FINISHING);
  record->swapping = TRUE;
  record->details = g_strdup ("overwriting");
  vb_fake_journal_add (f->journal, record);
  vb_fake_pool_set_in_place (f->pool, TRUE);
  vb_fake_fail (f->pool, "recover_staging", VB_ERROR_POOL_UNAVAILABLE);
  start (f);
  wait_idle (f);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "recover_staging"), ==, 2);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "swap"), ==, 1);
  assert_last_notification (f, 1, "restore_completed");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_RUNNING);
}

/* The administrator has removed the note: nobody can complete the device, so nobody may start from it. */
static void
test_recover_given_up (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = set_up_after_crash (f, VB_OPERATION_RESTORE, VB_OPERATION_FINISHING);
  VbVpsInfo off = { .uuid = (char *) VPS, .name = (char *) "off", .power = VB_POWER_STOPPED, .slots_total = -1 };
  vb_fake_hypervisor_set (f->hypervisor, &off);
  record->swapping = TRUE;
  g_free (record->was_power);
  record->was_power = g_strdup ("running");
  record->details = g_strdup ("overwriting");
  vb_fake_journal_add (f->journal, record);
  start (f);
  wait_idle (f);
  assert_last_notification (f, 1, "restore_failed");
  g_assert_cmpint (vb_vps_get_power (vps_of (f)), ==, VB_POWER_STOPPED);
}

#define ADD(name, up, func) g_test_add ("/manager/" name, Fixture, NULL, up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  /* Failed operations are logged as warnings, and failing them is what some of these tests do. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  ADD ("create", set_up, test_create);
  ADD ("race-for-last-slot", set_up, test_race_for_last_slot);
  ADD ("request-key", set_up, test_request_key);
  ADD ("failures-leave-nothing", set_up, test_failures_leave_nothing);
  ADD ("refusals", set_up, test_refusals);
  ADD ("cancel", set_up, test_cancel);
  ADD ("queue", NULL, test_queue);
  ADD ("stall", NULL, test_stall);
  ADD ("restore", set_up, test_restore);
  ADD ("restore-start-fails", set_up, test_restore_start_fails);
  ADD ("restore-in-place", set_up, test_restore_in_place);
  ADD ("restore-in-place-start-fails", set_up, test_restore_in_place_start_fails);
  ADD ("delete", set_up, test_delete);
  ADD ("slots", set_up, test_slots);
  ADD ("power", set_up, test_power);
  ADD ("recover-half-a-create", NULL, test_recover_half_a_create);
  ADD ("recover-committed", NULL, test_recover_committed);
  ADD ("recover-queued", NULL, test_recover_queued);
  ADD ("recover-restore", NULL, test_recover_restore);
  ADD ("recover-in-place", NULL, test_recover_in_place);
  ADD ("recover-given-up", NULL, test_recover_given_up);
  return g_test_run ();
}
