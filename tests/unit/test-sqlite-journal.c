/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal: what is saved comes back, after a close, a kill and an upgrade, and nothing foreign
 * is touched. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vb-error.h"
#include "vb-journal.h"
#include "vb-sqlite-journal.h"
#include "vb-sqlite-schema.h"
#include "vb-sqlite.h"

#define VPS_A "aaaaaaaa-0000-4000-8000-000000000001"
#define VPS_B "bbbbbbbb-0000-4000-8000-000000000002"

typedef struct
{
  char *folder;
  char *file;
  VbJournal *journal;
} Fixture;

/* ---- fixture ---- */

static void
reopen (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&f->journal);
  f->journal = VB_JOURNAL (vb_sqlite_journal_new (f->file, &error));
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("vb-journal-XXXXXX", NULL);
  f->file = g_build_filename (f->folder, "journal.sqlite", NULL);
  reopen (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

  g_clear_object (&f->journal);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *file = g_strconcat (f->file, suffixes[i], NULL);
      g_unlink (file);
    }
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->file);
  g_free (f->folder);
}

static VbOperationRecord *
make_record (const char *id, const char *vps, VbOperationState state)
{
  VbOperationRecord *record = vb_operation_record_new ();

  record->id = g_strdup (id);
  record->vps = g_strdup (vps);
  record->vps_name = g_strdup ("web");
  record->backup = g_strdup ("backup");
  record->backup_name = g_strdup ("before the update");
  record->state = state;
  record->subject = g_strdup ("alice");
  record->started_at = g_date_time_new_now_utc ();
  return record;
}

static VbNotification *
make_notification (VbNotificationType type, const char *vps, const char *operation)
{
  VbNotification *notification = vb_notification_new ();

  notification->type = type;
  notification->vps = g_strdup (vps);
  notification->vps_name = g_strdup ("web");
  notification->backup = g_strdup ("backup");
  notification->backup_name = g_strdup ("before the update");
  notification->operation = g_strdup (operation);
  notification->reason = g_strdup ("internal");
  notification->created_at = g_date_time_new_now_utc ();
  return notification;
}

static void
save (Fixture *f, VbOperationRecord *record, VbNotification *notification)
{
  g_autoptr (GError) error = NULL;

  vb_journal_save_operation (f->journal, record, notification, &error);
  g_assert_no_error (error);
}

static gint64
notify (Fixture *f, VbNotificationType type, const char *vps, const char *operation)
{
  g_autoptr (VbOperationRecord) record = make_record (operation, vps, VB_OPERATION_FAILED);
  g_autoptr (VbNotification) notification = make_notification (type, vps, operation);

  record->ended_at = g_date_time_new_now_utc ();
  save (f, record, notification);
  g_assert_cmpint (notification->id, >, 0);
  return notification->id;
}

static GPtrArray *
list_notifications (Fixture *f,
                    const char *const *vps,
                    const char *subject,
                    gint64 after,
                    guint limit)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *list = vb_journal_list_notifications (f->journal, vps, subject, after, limit, &error);

  g_assert_no_error (error);
  return list;
}

static GPtrArray *
list_operations (Fixture *f, const char *vps, guint limit)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *list = vb_journal_list_operations (f->journal, vps, limit, &error);

  g_assert_no_error (error);
  return list;
}

static void
exec_sql (Fixture *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqlite) sqlite = vb_sqlite_open (f->file, &error);

  g_assert_no_error (error);
  vb_sqlite_exec (sqlite, sql, &error);
  g_assert_no_error (error);
}

static gint64
query_int (Fixture *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqlite) sqlite = vb_sqlite_open (f->file, &error);
  gint64 value;

  g_assert_no_error (error);
  vb_sqlite_query_int (sqlite, sql, &value, &error);
  g_assert_no_error (error);
  return value;
}

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
  record->stop_first = TRUE;
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
  g_assert_cmpint (a->stop_first, ==, b->stop_first);
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
test_operation_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record = make_record ("op-1", VPS_A, VB_OPERATION_COPYING);
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  g_autoptr (GPtrArray) none = NULL;

  save (f, record, NULL);
  fill_record (record);
  save (f, record, NULL);
  reopen (f);

  before = vb_journal_load_unended (f->journal, NULL);
  g_assert_cmpuint (before->len, ==, 1);
  assert_records_equal (before->pdata[0], record);

  record->state = VB_OPERATION_FAILED;
  record->ended_at = g_date_time_new_now_utc ();
  record->error_reason = g_strdup ("checksum_mismatch");
  record->error_message = g_strdup ("The backup is damaged.");
  save (f, record, NULL);
  reopen (f);

  none = vb_journal_load_unended (f->journal, NULL);
  g_assert_cmpuint (none->len, ==, 0);
  after = list_operations (f, VPS_A, 10);
  g_assert_cmpuint (after->len, ==, 1);
  assert_records_equal (after->pdata[0], record);
}

static void
test_operation_order (Fixture *f, gconstpointer data)
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
      g_autoptr (VbOperationRecord) record = make_record (id, VPS_A, states[i]);
      save (f, record, NULL);
    }
  notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_B, "other");

  unended = vb_journal_load_unended (f->journal, NULL);
  g_assert_cmpuint (unended->len, ==, 3);
  g_assert_cmpstr (((VbOperationRecord *) unended->pdata[0])->id, ==, "op-9");
  g_assert_cmpstr (((VbOperationRecord *) unended->pdata[1])->id, ==, "op-7");
  g_assert_cmpstr (((VbOperationRecord *) unended->pdata[2])->id, ==, "op-5");

  newest = list_operations (f, VPS_A, 2);
  g_assert_cmpuint (newest->len, ==, 2);
  g_assert_cmpstr (((VbOperationRecord *) newest->pdata[0])->id, ==, "op-4");
  g_assert_cmpstr (((VbOperationRecord *) newest->pdata[1])->id, ==, "op-5");
}

static void
test_request_key (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record = make_record ("op-1", VPS_A, VB_OPERATION_COMPLETED);
  g_autoptr (VbOperationRecord) second = make_record ("op-2", VPS_A, VB_OPERATION_QUEUED);
  g_autoptr (VbOperationRecord) found = NULL;
  g_autoptr (GError) error = NULL;

  record->request_key = g_strdup ("key");
  save (f, record, NULL);
  reopen (f);

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
test_operation_retention (Fixture *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) running = make_record ("running", VPS_A, VB_OPERATION_COPYING);
  g_autoptr (GPtrArray) list = NULL;

  save (f, running, NULL);
  notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_B, "aged");
  g_clear_object (&f->journal);
  exec_sql (f,
            "UPDATE operations SET ended_at = ended_at - 366 * 86400000000 WHERE id = 'aged';"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
            " INSERT INTO operations SELECT NULL, 'bulk-' || i, '" VPS_A "', NULL, 'create', 'b',"
            " NULL, 'completed', NULL, NULL, 0, 0, 100, 0, 0, 0, NULL, NULL, started_at,"
            " started_at, NULL, NULL FROM n, operations WHERE id = 'running'");
  reopen (f);
  notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "newest");

  list = list_operations (f, VPS_A, 5000);
  g_assert_cmpuint (list->len, ==, 1001);
  g_assert_cmpstr (((VbOperationRecord *) list->pdata[0])->id, ==, "newest");
  g_assert_cmpstr (((VbOperationRecord *) list->pdata[1000])->id, ==, "running");
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM operations WHERE id = 'aged'"), ==, 0);
}

/* ---- notifications ---- */

static void
test_notifications (Fixture *f, gconstpointer data)
{
  const char *const only_b[] = { VPS_B, "\"], \\", NULL };
  const char *const none[] = { NULL };
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) later = NULL;
  g_autoptr (GPtrArray) of_b = NULL;
  g_autoptr (GPtrArray) of_none = NULL;
  gint64 first = notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1");
  gint64 second = notify (f, VB_NOTIFICATION_RESTORE_FAILED, VPS_B, "op-2");
  gint64 stalled = notify (f, VB_NOTIFICATION_OPERATION_STALLED, VPS_A, "op-1");
  VbNotification *n;

  g_assert_cmpint (first, <, second);
  g_assert_cmpint (second, <, stalled);
  g_assert_cmpint (notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1"), ==, first);
  reopen (f);

  all = list_notifications (f, NULL, "alice", 0, 10);
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

  later = list_notifications (f, NULL, "alice", first, 1);
  g_assert_cmpuint (later->len, ==, 1);
  g_assert_cmpint (((VbNotification *) later->pdata[0])->id, ==, second);
  of_b = list_notifications (f, only_b, "alice", 0, 10);
  g_assert_cmpuint (of_b->len, ==, 1);
  g_assert_cmpint (((VbNotification *) of_b->pdata[0])->id, ==, second);
  of_none = list_notifications (f, none, "alice", 0, 10);
  g_assert_cmpuint (of_none->len, ==, 0);
}

static guint
count_read (Fixture *f, const char *subject)
{
  g_autoptr (GPtrArray) list = list_notifications (f, NULL, subject, 0, 1000);
  guint n = 0;

  for (guint i = 0; i < list->len; i++)
    n += ((VbNotification *) list->pdata[i])->read;
  return n;
}

static void
test_read_marks (Fixture *f, gconstpointer data)
{
  gint64 first = notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1");
  gint64 second = notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-2");

  g_assert_cmpuint (count_read (f, "alice"), ==, 0);
  g_assert_true (vb_journal_mark_read (f->journal, "alice", first, NULL));
  g_assert_cmpuint (count_read (f, "alice"), ==, 1);
  g_assert_cmpuint (count_read (f, "bob"), ==, 0);

  /* Neither back, nor ahead of what exists. */
  g_assert_true (vb_journal_mark_read (f->journal, "bob", second, NULL));
  g_assert_true (vb_journal_mark_read (f->journal, "bob", first, NULL));
  g_assert_cmpuint (count_read (f, "bob"), ==, 2);
  g_assert_true (vb_journal_mark_read (f->journal, "bob", G_MAXINT64, NULL));
  reopen (f);
  notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-3");
  g_assert_cmpuint (count_read (f, "bob"), ==, 2);
}

static void
test_notification_retention (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) list = NULL;
  gint64 last = notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1");

  /* Ids are not given again, even when the newest one is gone. */
  g_clear_object (&f->journal);
  exec_sql (f, "DELETE FROM notifications");
  reopen (f);
  g_assert_cmpint (notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "op-1"), >, last);
  notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_B, "aged");

  g_clear_object (&f->journal);
  exec_sql (f,
            "UPDATE notifications SET created_at = created_at - 91 * 86400000000"
            " WHERE operation = 'aged';"
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)"
            " INSERT INTO notifications SELECT NULL, 'backup_failed', '" VPS_A "', NULL, NULL,"
            " NULL, 'bulk-' || i, NULL, created_at FROM n, notifications WHERE operation = 'op-1'");
  reopen (f);
  last = notify (f, VB_NOTIFICATION_BACKUP_COMPLETED, VPS_A, "newest");

  list = list_notifications (f, NULL, "alice", 0, 5000);
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
test_backups (Fixture *f, gconstpointer data)
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
  reopen (f);

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
  backup = loaded->pdata[2];
  g_assert_cmpuint (backup->disks->len, ==, 12);
  g_assert_cmpstr (((VbBackupDisk *) backup->disks->pdata[11])->target, ==, "vdo");
}

/* ---- the file ---- */

static void
assert_private (Fixture *f)
{
  const char *const suffixes[] = { "", "-wal", "-shm" };

  notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "op-1");
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *file = g_strconcat (f->file, suffixes[i], NULL);
      struct stat st;

      g_assert_cmpint (stat (file, &st), ==, 0);
      g_assert_cmpint (st.st_mode & 07777, ==, 0600);
    }
}

static void
test_mode (Fixture *f, gconstpointer data)
{
  assert_private (f);
  g_clear_object (&f->journal);
  g_assert_cmpint (chmod (f->file, 0644), ==, 0);
  reopen (f);
  assert_private (f);
}

static void
assert_refused (Fixture *f, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqliteJournal) journal = vb_sqlite_journal_new (f->file, &error);

  g_assert_null (journal);
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_nonnull (strstr (error->message, f->file));
}

static void
test_garbage (Fixture *f, gconstpointer data)
{
  g_autofree char *garbage = g_strnfill (5000, 'x');
  g_autofree char *after = NULL;

  g_clear_object (&f->journal);
  g_assert_true (g_file_set_contents (f->file, garbage, -1, NULL));
  assert_refused (f, "damaged");
  g_assert_true (g_file_get_contents (f->file, &after, NULL, NULL));
  g_assert_cmpstr (after, ==, garbage);
}

static void
test_damaged_page (Fixture *f, gconstpointer data)
{
  g_autofree char *contents = NULL;
  gsize size;

  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, id);
    }
  g_clear_object (&f->journal);
  g_assert_true (g_file_get_contents (f->file, &contents, &size, NULL));
  g_assert_cmpuint (size, >, 40960);
  memset (contents + 4096, 0xa5, size - 4096);
  g_assert_true (g_file_set_contents (f->file, contents, size, NULL));
  assert_refused (f, "damaged");
}

static void
test_foreign (Fixture *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->folder, "other.sqlite", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize before_size;
  gsize after_size;

  g_clear_object (&f->journal);
  g_unlink (f->file);
  exec_sql (f, "CREATE TABLE precious (x)");
  g_assert_cmpint (chmod (f->file, 0600), ==, 0);
  g_assert_true (g_file_get_contents (f->file, &before, &before_size, NULL));
  assert_refused (f, "another program");
  g_assert_true (g_file_get_contents (f->file, &after, &after_size, NULL));
  g_assert_cmpmem (before, before_size, after, after_size);
  g_assert_cmpint (query_int (f, "SELECT count (*) FROM sqlite_schema"), ==, 1);

  /* A link must not lead us elsewhere. */
  g_assert_cmpint (rename (f->file, other), ==, 0);
  g_assert_cmpint (symlink (other, f->file), ==, 0);
  assert_refused (f, "");
  g_unlink (other);
}

static void
test_newer (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->journal);
  exec_sql (f, "PRAGMA user_version = 77");
  assert_refused (f, "newer");
  g_assert_cmpint (query_int (f, "PRAGMA user_version"), ==, 77);
}

static void
test_migration (Fixture *f, gconstpointer data)
{
  const guint newest = g_strv_length ((char **) vb_sqlite_schema_steps);
  const char *steps[16] = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqlite) sqlite = NULL;
  gint64 value;

  /* The journal as it is now plays the older version. */
  notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "op-1");
  g_clear_object (&f->journal);
  for (guint i = 0; i < newest; i++)
    steps[i] = vb_sqlite_schema_steps[i];
  steps[newest] = "ALTER TABLE operations ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'";
  steps[newest + 1] = "CREATE TABLE extra (x); INSERT INTO nowhere VALUES (1);";

  /* A step that fails takes the ones before with it. */
  sqlite = vb_sqlite_open (f->file, NULL);
  g_assert_false (vb_sqlite_schema_migrate (sqlite, steps, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
  g_clear_error (&error);
  g_assert_true (vb_sqlite_query_int (sqlite, "PRAGMA user_version", &value, NULL));
  g_assert_cmpint (value, ==, newest);
  g_assert_true (vb_sqlite_query_int (
      sqlite, "SELECT count (*) FROM pragma_table_info ('operations') WHERE name = 'colour'",
      &value, NULL));
  g_assert_cmpint (value, ==, 0);

  steps[newest + 1] = "CREATE TABLE extra (x)";
  g_assert_true (vb_sqlite_schema_migrate (sqlite, steps, &error));
  g_assert_no_error (error);
  g_assert_true (vb_sqlite_schema_migrate (sqlite, steps, &error));
  g_assert_true (vb_sqlite_query_int (sqlite, "PRAGMA user_version", &value, NULL));
  g_assert_cmpint (value, ==, newest + 2);
  g_assert_true (vb_sqlite_query_int (
      sqlite, "SELECT count (*) FROM operations WHERE colour = 'red'", &value, NULL));
  g_assert_cmpint (value, ==, 1);
  g_clear_pointer (&sqlite, vb_sqlite_close);
  assert_refused (f, "newer");
}

/* ---- threads and sudden death ---- */

#define THREADS 4
#define WRITES 50

typedef struct
{
  Fixture *fixture;
  guint number;
} Writer;

static gpointer
write_many (gpointer data)
{
  Writer *writer = data;

  for (guint i = 0; i < WRITES; i++)
    {
      g_autofree char *id = g_strdup_printf ("thread-%u-%u", writer->number, i);
      g_autoptr (GPtrArray) list = NULL;

      notify (writer->fixture, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, id);
      list = list_operations (writer->fixture, VPS_A, 5);
      g_assert_cmpuint (list->len, >, 0);
    }
  return NULL;
}

static void
test_threads (Fixture *f, gconstpointer data)
{
  GThread *threads[THREADS];
  Writer writers[THREADS];
  g_autoptr (GPtrArray) list = NULL;

  for (guint i = 0; i < THREADS; i++)
    {
      writers[i] = (Writer){ .fixture = f, .number = i };
      threads[i] = g_thread_new ("writer", write_many, &writers[i]);
    }
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);

  list = list_operations (f, VPS_A, 1000);
  g_assert_cmpuint (list->len, ==, THREADS * WRITES);
}

/* Writes for ever, and says on @output what was acknowledged. */
static void
run_victim (const char *file, int output)
{
  g_autoptr (VbSqliteJournal) journal = vb_sqlite_journal_new (file, NULL);
  Fixture f = { .journal = VB_JOURNAL (journal) };

  for (guint i = 0;; i++)
    {
      g_autofree char *id = g_strdup_printf ("op-%u", i);

      notify (&f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, id);
      if (write (output, &i, sizeof i) != sizeof i)
        _exit (1);
    }
}

static void
kill_after (Fixture *f, guint acknowledged)
{
  int channel[2];
  guint newest = 0;
  pid_t victim;

  g_assert_cmpint (pipe (channel), ==, 0);
  victim = fork ();
  if (victim == 0)
    {
      close (channel[0]);
      run_victim (f->file, channel[1]);
      _exit (1);
    }
  close (channel[1]);
  while (newest < acknowledged)
    g_assert_cmpint (read (channel[0], &newest, sizeof newest), ==, sizeof newest);
  g_assert_cmpint (kill (victim, SIGKILL), ==, 0);
  while (read (channel[0], &newest, sizeof newest) == sizeof newest)
    continue;
  close (channel[0]);
  g_assert_cmpint (waitpid (victim, NULL, 0), ==, victim);

  reopen (f);
  {
    g_autoptr (GPtrArray) operations = list_operations (f, VPS_A, G_MAXINT);
    g_autoptr (GPtrArray) notifications = list_notifications (f, NULL, "alice", 0, G_MAXINT);

    /* One more may have been committed but not said. An operation and its notification are one. */
    g_assert_cmpuint (operations->len, >=, newest + 1);
    g_assert_cmpuint (operations->len, <=, newest + 2);
    g_assert_cmpuint (notifications->len, ==, operations->len);
  }
}

static void
test_kill (Fixture *f, gconstpointer data)
{
  for (guint round = 0; round < 8; round++)
    {
      g_clear_object (&f->journal);
      exec_sql (f, "DELETE FROM operations; DELETE FROM notifications;");
      kill_after (f, 1 + round * 13);
    }
}

#define TEST(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("/sqlite-journal/operation-round-trip", test_operation_round_trip);
  TEST ("/sqlite-journal/operation-order", test_operation_order);
  TEST ("/sqlite-journal/request-key", test_request_key);
  TEST ("/sqlite-journal/operation-retention", test_operation_retention);
  TEST ("/sqlite-journal/notifications", test_notifications);
  TEST ("/sqlite-journal/read-marks", test_read_marks);
  TEST ("/sqlite-journal/notification-retention", test_notification_retention);
  TEST ("/sqlite-journal/backups", test_backups);
  TEST ("/sqlite-journal/mode", test_mode);
  TEST ("/sqlite-journal/garbage", test_garbage);
  TEST ("/sqlite-journal/damaged-page", test_damaged_page);
  TEST ("/sqlite-journal/foreign", test_foreign);
  TEST ("/sqlite-journal/newer", test_newer);
  TEST ("/sqlite-journal/migration", test_migration);
  TEST ("/sqlite-journal/threads", test_threads);
  TEST ("/sqlite-journal/kill", test_kill);
  return g_test_run ();
}
