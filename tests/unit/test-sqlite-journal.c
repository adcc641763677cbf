/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: what is saved comes back, in order, for as long as it is to be kept. */
#include <string.h>

#include "journal-lab.h"
#include "core/base/vb-error.h"

/* ---- operations ---- */

static void
fill_record (VbOperationRecord *record)
{
  record->kind = VB_OPERATION_RESTORE;
  record->request_key = g_strdup ("key 1");
  record->bytes_done = G_GUINT64_CONSTANT (12345678901234);
  record->bytes_total = G_GUINT64_CONSTANT (98765432109876);
  record->progress = 12.5;
  record->stalled = TRUE;
  record->still_us = G_GINT64_CONSTANT (12345678901);
  record->stall_told = TRUE;
  record->scheduled = TRUE;
  record->schedule = g_strdup ("office");
  record->stop_first = TRUE;
  record->replace_disks = TRUE;
  record->first_backup = g_strdup ("first");
  record->part_of = g_strdup ("whole");
  record->source_vps = g_strdup ("source");
  record->swapping = TRUE;
  record->was_power = g_strdup ("running");
  record->details = g_strdup ("{\"disks\":[\"ä'\"]}");
}

static void
assert_records_equal (const VbOperationRecord *a, const VbOperationRecord *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpstr (a->vps, ==, b->vps);
  g_assert_cmpstr (a->vps_name, ==, b->vps_name);
  g_assert_cmpint (a->kind, ==, b->kind);
  g_assert_cmpstr (a->backup, ==, b->backup);
  g_assert_cmpstr (a->backup_name, ==, b->backup_name);
  g_assert_cmpint (a->state, ==, b->state);
  g_assert_cmpstr (a->request_key, ==, b->request_key);
  g_assert_cmpstr (a->subject, ==, b->subject);
  g_assert_cmpuint (a->bytes_done, ==, b->bytes_done);
  g_assert_cmpuint (a->bytes_total, ==, b->bytes_total);
  g_assert_cmpfloat (a->progress, ==, b->progress);
  g_assert_cmpint (a->stalled, ==, b->stalled);
  g_assert_cmpint (a->still_us, ==, b->still_us);
  g_assert_cmpint (a->stall_told, ==, b->stall_told);
  g_assert_cmpint (a->scheduled, ==, b->scheduled);
  g_assert_cmpstr (a->schedule, ==, b->schedule);
  g_assert_cmpint (a->stop_first, ==, b->stop_first);
  g_assert_cmpint (a->replace_disks, ==, b->replace_disks);
  g_assert_cmpstr (a->first_backup, ==, b->first_backup);
  g_assert_cmpstr (a->part_of, ==, b->part_of);
  g_assert_cmpstr (a->source_vps, ==, b->source_vps);
  g_assert_cmpint (a->swapping, ==, b->swapping);
  g_assert_cmpstr (a->was_power, ==, b->was_power);
  g_assert_cmpstr (a->details, ==, b->details);
  g_assert_true (g_date_time_equal (a->started_at, b->started_at));
  g_assert_true (a->ended_at == NULL ? b->ended_at == NULL
                                     : g_date_time_equal (a->ended_at, b->ended_at));
  g_assert_cmpstr (a->error_reason, ==, b->error_reason);
  g_assert_cmpstr (a->error_message, ==, b->error_message);
}

static void
test_operation_round_trip (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = journal_lab_make_record ("op-1", VPS_A, VB_OPERATION_COPYING);
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  g_autoptr (GPtrArray) none = NULL;

  journal_lab_save (f, record, NULL);
  fill_record (record);
  journal_lab_save (f, record, NULL);
  journal_lab_reopen (f);

  before = vb_journal_load_unended (f->journal, NULL);
  g_assert_cmpuint (before->len, ==, 1);
  assert_records_equal (before->pdata[0], record);

  record->state = VB_OPERATION_FAILED;
  record->ended_at = g_date_time_new_now_utc ();
  record->error_reason = g_strdup ("checksum_mismatch");
  record->error_message = g_strdup ("The backup is damaged.");
  journal_lab_save (f, record, NULL);
  journal_lab_reopen (f);

  none = vb_journal_load_unended (f->journal, NULL);
  g_assert_cmpuint (none->len, ==, 0);
  after = journal_lab_list_operations (f, VPS_A, 10);
  g_assert_cmpuint (after->len, ==, 1);
  assert_records_equal (after->pdata[0], record);
}

static void
test_operation_order (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) unended = NULL;
  g_autoptr (GPtrArray) newest = NULL;
  const VbOperationState states[]
      = { VB_OPERATION_QUEUED,    VB_OPERATION_COMPLETED, VB_OPERATION_PREPARING,
          VB_OPERATION_CANCELLED, VB_OPERATION_FINISHING, VB_OPERATION_FAILED };

  /* All in one second, and ids that sort the other way: the order is that of admission. */
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autofree char *id = g_strdup_printf ("op-%u", 9 - i);
      g_autoptr (VbOperationRecord) record = journal_lab_make_record (id, VPS_A, states[i]);
      journal_lab_save (f, record, NULL);
    }
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_B, "other");

  unended = vb_journal_load_unended (f->journal, NULL);
  g_assert_cmpuint (unended->len, ==, 3);
  g_assert_cmpstr (((VbOperationRecord *) unended->pdata[0])->id, ==, "op-9");
  g_assert_cmpstr (((VbOperationRecord *) unended->pdata[1])->id, ==, "op-7");
  g_assert_cmpstr (((VbOperationRecord *) unended->pdata[2])->id, ==, "op-5");

  newest = journal_lab_list_operations (f, VPS_A, 2);
  g_assert_cmpuint (newest->len, ==, 2);
  g_assert_cmpstr (((VbOperationRecord *) newest->pdata[0])->id, ==, "op-4");
  g_assert_cmpstr (((VbOperationRecord *) newest->pdata[1])->id, ==, "op-5");
}

static void
test_request_key (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = journal_lab_make_record ("op-1", VPS_A, VB_OPERATION_COMPLETED);
  g_autoptr (VbOperationRecord) second
      = journal_lab_make_record ("op-2", VPS_A, VB_OPERATION_QUEUED);
  g_autoptr (VbOperationRecord) found = NULL;
  g_autoptr (GError) error = NULL;

  record->request_key = g_strdup ("key");
  journal_lab_save (f, record, NULL);
  journal_lab_reopen (f);

  found = vb_journal_find_request (f->journal, "alice", VPS_A, "key", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found->id, ==, "op-1");
  g_assert_null (vb_journal_find_request (f->journal, "bob", VPS_A, "key", &error));
  g_assert_null (vb_journal_find_request (f->journal, "alice", VPS_B, "key", &error));
  g_assert_null (vb_journal_find_request (f->journal, "alice", VPS_A, "other", &error));
  g_assert_no_error (error);

  /* The last line of defence against doing it twice. */
  second->request_key = g_strdup ("key");
  g_assert_false (vb_journal_save_operation (f->journal, second, NULL, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
}

static void
test_all_or_nothing (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record
      = journal_lab_make_record ("op-1", VPS_A, VB_OPERATION_FAILED);
  g_autoptr (VbNotification) notification = vb_notification_new ();
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;

  /* A notification that cannot be stored takes the operation with it. */
  notification->created_at = g_date_time_new_now_utc ();
  g_assert_false (vb_journal_save_operation (f->journal, record, notification, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  list = journal_lab_list_operations (f, VPS_A, 10);
  g_assert_cmpuint (list->len, ==, 0);
}

static void
test_operation_retention (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) running
      = journal_lab_make_record ("running", VPS_A, VB_OPERATION_COPYING);
  g_autoptr (GPtrArray) list = NULL;

  journal_lab_save (f, running, NULL);
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_B, "aged");
  g_clear_object (&f->journal);
  journal_lab_exec_sql (
      f,
      "UPDATE operations SET ended_at = ended_at - 366 * 86400000000 WHERE id = 'aged';"
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
      " INSERT INTO operations SELECT NULL, 'bulk-' || i, '" VPS_A "', NULL, 'create', 'b',"
      " NULL, 'completed', NULL, NULL, 0, 0, 100, 0, 0, 0, NULL, NULL, started_at,"
      " started_at, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, 0, NULL FROM n, operations WHERE id = "
      "'running'");
  journal_lab_reopen (f);
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "newest");

  list = journal_lab_list_operations (f, VPS_A, 5000);
  g_assert_cmpuint (list->len, ==, 1001);
  g_assert_cmpstr (((VbOperationRecord *) list->pdata[0])->id, ==, "newest");
  g_assert_cmpstr (((VbOperationRecord *) list->pdata[1000])->id, ==, "running");
  g_assert_cmpint (journal_lab_query_int (f, "SELECT count (*) FROM operations WHERE id = 'aged'"),
                   ==, 0);
}

/* ---- notifications ---- */

static void
test_notifications (JournalLab *f, gconstpointer data)
{
  const char *const only_b[] = { VPS_B, "\"], \\", NULL };
  const char *const none[] = { NULL };
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) later = NULL;
  g_autoptr (GPtrArray) newest = NULL;
  g_autoptr (GPtrArray) of_b = NULL;
  g_autoptr (GPtrArray) of_none = NULL;
  gint64 first = journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1");
  gint64 second = journal_lab_notify (f, VB_NOTIFICATION_RESTORE_FAILED, VPS_B, "op-2");
  gint64 stalled = journal_lab_notify (f, VB_NOTIFICATION_OPERATION_STALLED, VPS_A, "op-1");
  VbNotification *n;

  g_assert_cmpint (first, <, second);
  g_assert_cmpint (second, <, stalled);
  g_assert_cmpint (journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1"), ==,
                   first);
  journal_lab_reopen (f);

  all = journal_lab_list_notifications (f, NULL, "alice", 0, 10);
  g_assert_cmpuint (all->len, ==, 3);
  n = all->pdata[1];
  g_assert_cmpint (n->id, ==, second);
  g_assert_cmpint (n->type, ==, VB_NOTIFICATION_RESTORE_FAILED);
  g_assert_cmpstr (n->vps, ==, VPS_B);
  g_assert_cmpstr (n->vps_name, ==, "web");
  g_assert_cmpstr (n->backup, ==, "backup");
  g_assert_cmpstr (n->backup_name, ==, "before the update");
  g_assert_cmpstr (n->operation, ==, "op-2");
  g_assert_cmpstr (n->reason, ==, "internal");
  g_assert_nonnull (n->created_at);

  later = journal_lab_list_notifications (f, NULL, "alice", first, 1);
  g_assert_cmpuint (later->len, ==, 1);
  g_assert_cmpint (((VbNotification *) later->pdata[0])->id, ==, second);
  newest = journal_lab_list_notifications (f, NULL, "alice", VB_JOURNAL_NEWEST, 2);
  g_assert_cmpuint (newest->len, ==, 2);
  g_assert_cmpint (((VbNotification *) newest->pdata[0])->id, ==, second);
  g_assert_cmpint (((VbNotification *) newest->pdata[1])->id, ==, stalled);
  of_b = journal_lab_list_notifications (f, only_b, "alice", 0, 10);
  g_assert_cmpuint (of_b->len, ==, 1);
  g_assert_cmpint (((VbNotification *) of_b->pdata[0])->id, ==, second);
  of_none = journal_lab_list_notifications (f, none, "alice", 0, 10);
  g_assert_cmpuint (of_none->len, ==, 0);
}

static guint
count_read (JournalLab *f, const char *subject)
{
  g_autoptr (GPtrArray) list = journal_lab_list_notifications (f, NULL, subject, 0, 1000);
  guint n = 0;

  for (guint i = 0; i < list->len; i++)
    n += ((VbNotification *) list->pdata[i])->read;
  return n;
}

static void
test_read_marks (JournalLab *f, gconstpointer data)
{
  gint64 first = journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1");
  gint64 second = journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-2");

  g_assert_cmpuint (count_read (f, "alice"), ==, 0);
  g_assert_true (vb_journal_mark_read (f->journal, "alice", first, NULL));
  g_assert_cmpuint (count_read (f, "alice"), ==, 1);
  g_assert_cmpuint (count_read (f, "bob"), ==, 0);

  /* Neither back, nor ahead of what exists. */
  g_assert_true (vb_journal_mark_read (f->journal, "bob", second, NULL));
  g_assert_true (vb_journal_mark_read (f->journal, "bob", first, NULL));
  g_assert_cmpuint (count_read (f, "bob"), ==, 2);
  g_assert_true (vb_journal_mark_read (f->journal, "bob", G_MAXINT64, NULL));
  journal_lab_reopen (f);
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-3");
  g_assert_cmpuint (count_read (f, "bob"), ==, 2);
}

static void
test_notification_retention (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) list = NULL;
  gint64 last = journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1");

  /* Ids are not given again, even when the newest one is gone. */
  g_clear_object (&f->journal);
  journal_lab_exec_sql (f, "DELETE FROM notifications");
  journal_lab_reopen (f);
  g_assert_cmpint (journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1"), >,
                   last);
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_B, "aged");

  g_clear_object (&f->journal);
  journal_lab_exec_sql (
      f, "UPDATE notifications SET created_at = created_at - 91 * 86400000000"
         " WHERE operation = 'aged';"
         "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)"
         " INSERT INTO notifications SELECT NULL, 'backup_failed', '" VPS_A "', NULL, NULL,"
         " NULL, 'bulk-' || i, NULL, created_at FROM n, notifications WHERE operation = 'op-1'");
  journal_lab_reopen (f);
  last = journal_lab_notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "newest");

  list = journal_lab_list_notifications (f, NULL, "alice", 0, 5000);
  g_assert_cmpuint (list->len, ==, 1000);
  g_assert_cmpint (((VbNotification *) list->pdata[999])->id, ==, last);
}

/* ---- backups ---- */

static VbBackupInfo *
make_backup (const char *id, guint n_disks)
{
  VbBackupInfo *backup = vb_backup_info_new (id, VPS_A);

  backup->vps_name = g_strdup ("web");
  backup->name = g_strdup ("nightly");
  backup->created_at = g_date_time_new_from_iso8601 ("2026-01-02T03:04:05.678901Z", NULL);
  backup->size_bytes = G_GUINT64_CONSTANT (5000000000);
  backup->unique_bytes = -1;
  backup->consistency = VB_CONSISTENCY_FILESYSTEM;
  backup->incremental = TRUE;
  backup->is_protected = TRUE;
  backup->is_scheduled = TRUE;
  backup->schedule = g_strdup ("office");
  for (guint i = 0; i < n_disks; i++)
    {
      g_autofree char *target = g_strdup_printf ("vd%c", 'z' - i);
      VbBackupDisk *disk = vb_backup_info_add_disk (backup, target);
      disk->virtual_size_bytes = G_GUINT64_CONSTANT (10737418240) + i;
      disk->size_bytes = G_GUINT64_CONSTANT (2500000000);
    }
  return backup;
}

static void
test_backups (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) saved
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  g_autoptr (GPtrArray) loaded = NULL;
  VbBackupInfo *backup;

  g_ptr_array_add (saved, make_backup ("one", 2));
  g_ptr_array_add (saved, make_backup ("two", 0));
  g_ptr_array_add (saved, make_backup ("three", 12));
  g_assert_true (vb_journal_save_backups (f->journal, saved, NULL));
  g_ptr_array_remove_index (saved, 1);
  g_ptr_array_add (saved, make_backup ("four", 0));
  g_assert_true (vb_journal_save_backups (f->journal, saved, NULL));
  journal_lab_reopen (f);

  loaded = vb_journal_load_backups (f->journal, NULL);
  g_assert_cmpuint (loaded->len, ==, 3);
  backup = loaded->pdata[0];
  g_assert_cmpstr (backup->id, ==, "four");
  g_assert_cmpuint (backup->disks->len, ==, 0);
  backup = loaded->pdata[1];
  g_assert_cmpstr (backup->id, ==, "one");
  g_assert_cmpstr (backup->vps, ==, VPS_A);
  g_assert_cmpstr (backup->name, ==, "nightly");
  g_assert_cmpint (g_date_time_get_microsecond (backup->created_at), ==, 678901);
  g_assert_null (backup->completed_at);
  g_assert_cmpuint (backup->size_bytes, ==, G_GUINT64_CONSTANT (5000000000));
  g_assert_cmpint (backup->unique_bytes, ==, -1);
  g_assert_cmpint (backup->consistency, ==, VB_CONSISTENCY_FILESYSTEM);
  g_assert_true (backup->incremental);
  g_assert_true (backup->is_protected && backup->is_scheduled);
  g_assert_cmpstr (backup->schedule, ==, "office");
  backup = loaded->pdata[2];
  g_assert_cmpuint (backup->disks->len, ==, 12);
  g_assert_cmpstr (((VbBackupDisk *) backup->disks->pdata[11])->target, ==, "vdo");
}

static void
save_schedule (JournalLab *f,
               const char *id,
               const char *timing,
               const char *day,
               const char *made,
               VbNotification *notification)
{
  g_autoptr (VbScheduleRecord) record = vb_schedule_record_new (VPS_A, id, timing, day, made);
  g_autoptr (GError) error = NULL;
  g_assert_true (vb_journal_save_schedule (f->journal, record, notification, &error));
  g_assert_no_error (error);
}

static void
test_schedules (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbNotification) skipped = vb_notification_new ();
  g_autoptr (VbNotification) again = NULL;

  skipped->type = VB_NOTIFICATION_SCHEDULE_SKIPPED;
  skipped->vps = g_strdup (VPS_A);
  skipped->reason = g_strdup ("slots_full");
  skipped->created_at = g_date_time_new_now_utc ();
  again = vb_notification_copy (skipped);
  save_schedule (f, "default", "03:30+0 UTC", "2026-05-01", "b-1", NULL);
  save_schedule (f, "default", "04:30+0 UTC", "2026-05-02", NULL, skipped);
  save_schedule (f, "office", "00/6:00+0 UTC", "2026-05-02 06:00", "b-2", NULL);
  /* Of one that is no more nothing is left, unless it was the first. */
  save_schedule (f, "gone", "00/6:00+0 UTC", "2026-05-02 06:00", NULL, NULL);
  save_schedule (f, "gone", "", "2026-05-02 06:00", NULL, NULL);
  /* It belongs to no operation, so each is a new one. */
  save_schedule (f, "default", "04:30+0 UTC", "2026-05-03", NULL, again);
  g_assert_cmpint (skipped->id, ==, 1);
  g_assert_cmpint (again->id, ==, 2);
  journal_lab_reopen (f);

  g_autoptr (GPtrArray) records = vb_journal_load_schedules (f->journal, NULL);
  g_assert_cmpuint (records->len, ==, 2);
  const VbScheduleRecord *record = records->pdata[0];
  const VbScheduleRecord *office = records->pdata[1];
  g_assert_cmpstr (office->id, ==, "office");
  g_assert_cmpstr (office->day, ==, "2026-05-02 06:00");
  g_assert_cmpstr (office->made, ==, "b-2");
  g_assert_cmpstr (record->vps, ==, VPS_A);
  g_assert_cmpstr (record->id, ==, "default");
  g_assert_cmpstr (record->timing, ==, "04:30+0 UTC");
  g_assert_cmpstr (record->day, ==, "2026-05-03");
  g_assert_null (record->made);
  g_autoptr (GPtrArray) told = journal_lab_list_notifications (f, NULL, "alice", 0, 10);
  g_assert_cmpuint (told->len, ==, 2);
  const VbNotification *last = told->pdata[1];
  g_assert_cmpint (last->type, ==, VB_NOTIFICATION_SCHEDULE_SKIPPED);
  g_assert_null (last->operation);
  g_assert_null (last->backup);
}

static void
save_check (JournalLab *f,
            const char *backup,
            gint64 at_us,
            guint64 bad_chunks,
            VbNotification *notification)
{
  const VbCheck check = { at_us, bad_chunks };
  g_autoptr (GError) error = NULL;
  g_assert_true (vb_journal_save_check (f->journal, backup, &check, notification, &error));
  g_assert_no_error (error);
}

/* When it was verified last stays known for as long as there is the backup. */
static void
test_checks (JournalLab *f, gconstpointer data)
{
  const gint64 now = g_get_real_time (), long_ago = now - 400 * G_TIME_SPAN_DAY;
  g_autoptr (GPtrArray) backups
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  g_autoptr (VbNotification) notification = vb_notification_new ();

  g_ptr_array_add (backups, make_backup ("there", 1));
  g_assert_true (vb_journal_save_backups (f->journal, backups, NULL));
  notification->type = VB_NOTIFICATION_BACKUP_DAMAGED;
  notification->vps = g_strdup (VPS_A);
  notification->operation = g_strdup ("a check");
  notification->created_at = g_date_time_new_now_utc ();
  save_check (f, "there", long_ago - 1, 0, NULL);
  save_check (f, "there", long_ago, 7, notification);
  save_check (f, "gone", long_ago, 0, NULL);
  save_check (f, "gone of late", now, 0, NULL);
  g_assert_cmpint (notification->id, >, 0);

  journal_lab_reopen (f);
  g_autoptr (GHashTable) checks = vb_journal_load_checks (f->journal, NULL);
  g_assert_cmpuint (g_hash_table_size (checks), ==, 2);
  const VbCheck *check = g_hash_table_lookup (checks, "there");
  g_assert_cmpint (check->at_us, ==, long_ago);
  g_assert_cmpuint (check->bad_chunks, ==, 7);
  g_assert_true (g_hash_table_contains (checks, "gone of late"));
  g_autoptr (GPtrArray) told = journal_lab_list_notifications (f, NULL, "tester", 0, 10);
  g_assert_cmpuint (told->len, ==, 1);
}

static VbUndo *
make_undo (const char *operation, const char *vps, gint64 at_s)
{
  VbUndo *undo = vb_undo_new (operation, vps, "backup", "before it");
  undo->restored_at = g_date_time_new_from_unix_utc (at_s);
  undo->until = g_date_time_new_from_unix_utc (at_s + 60);
  return undo;
}

/* What was kept is found again, whatever its name looks like; oldest first. */
static void
test_undos (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbUndo) newer = make_undo ("newer", VPS_A, 2000);
  g_autoptr (VbUndo) older = make_undo ("older", VPS_A, 1000);
  g_autoptr (GError) error = NULL;
  const char *odd = "/images/it's \"odd\"\n[(ü).qcow2";

  vb_undo_add_file (newer, "vda", odd, G_MAXUINT64);
  vb_undo_add_file (newer, "nvram", "/nvram.fd", 7);
  g_assert_true (vb_journal_save_undo (f->journal, newer, &error));
  g_assert_true (vb_journal_save_undo (f->journal, older, &error));
  g_assert_true (vb_journal_save_undo (f->journal, newer, &error));
  g_assert_no_error (error);

  journal_lab_reopen (f);
  g_autoptr (GPtrArray) undos = vb_journal_load_undos (f->journal, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (undos->len, ==, 2);
  g_assert_cmpstr (((VbUndo *) undos->pdata[0])->operation, ==, "older");
  const VbUndo *found = undos->pdata[1];
  g_assert_cmpstr (found->vps, ==, VPS_A);
  g_assert_cmpstr (found->backup, ==, "backup");
  g_assert_cmpstr (found->backup_name, ==, "before it");
  g_assert_true (g_date_time_equal (found->restored_at, newer->restored_at));
  g_assert_true (g_date_time_equal (found->until, newer->until));
  g_assert_cmpuint (found->files->len, ==, 2);
  const VbUndoFile *file = found->files->pdata[0];
  g_assert_cmpstr (file->target, ==, "vda");
  g_assert_cmpstr (file->path, ==, odd);
  g_assert_cmpuint (file->inode, ==, G_MAXUINT64);

  g_assert_true (vb_journal_remove_undo (f->journal, "newer", &error));
  g_assert_true (vb_journal_remove_undo (f->journal, "unknown", &error));
  g_clear_pointer (&undos, g_ptr_array_unref);
  undos = vb_journal_load_undos (f->journal, &error);
  g_assert_cmpuint (undos->len, ==, 1);
}

#define TEST(path, func)                                                                           \
  g_test_add (path, JournalLab, NULL, journal_lab_set_up, func, journal_lab_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("/sqlite-journal/operation-round-trip", test_operation_round_trip);
  TEST ("/sqlite-journal/operation-order", test_operation_order);
  TEST ("/sqlite-journal/request-key", test_request_key);
  TEST ("/sqlite-journal/all-or-nothing", test_all_or_nothing);
  TEST ("/sqlite-journal/operation-retention", test_operation_retention);
  TEST ("/sqlite-journal/notifications", test_notifications);
  TEST ("/sqlite-journal/read-marks", test_read_marks);
  TEST ("/sqlite-journal/notification-retention", test_notification_retention);
  TEST ("/sqlite-journal/backups", test_backups);
  TEST ("/sqlite-journal/schedules", test_schedules);
  TEST ("/sqlite-journal/checks", test_checks);
  TEST ("/sqlite-journal/undos", test_undos);
  return g_test_run ();
}
