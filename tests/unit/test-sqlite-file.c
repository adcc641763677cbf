/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal's file: private, whole after a kill, brought up to date, and nothing foreign is
 * touched. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal-lab.h"
#include "core/base/vb-error.h"
#include "storage/journal/vb-sqlite-journal.h"
#include "storage/journal/vb-sqlite-schema.h"
#include "storage/journal/vb-sqlite.h"

/* ---- the file ---- */

static void
assert_private (JournalLab *f)
{
  const char *const suffixes[] = { "", "-wal", "-shm" };

  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "op-1");
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *file = g_strconcat (f->file, suffixes[i], NULL);
      struct stat st;

      g_assert_cmpint (stat (file, &st), ==, 0);
      g_assert_cmpint (st.st_mode & 07777, ==, 0600);
    }
}

static void
test_mode (JournalLab *f, gconstpointer data)
{
  assert_private (f);
  g_clear_object (&f->journal);
  g_assert_cmpint (chmod (f->file, 0644), ==, 0);
  journal_lab_reopen (f);
  assert_private (f);
}

static void
assert_refused (JournalLab *f, const char *words)
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
test_garbage (JournalLab *f, gconstpointer data)
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
test_damaged_page (JournalLab *f, gconstpointer data)
{
  g_autofree char *contents = NULL;
  gsize size;

  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *id = g_uuid_string_random ();
      journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, id);
    }
  g_clear_object (&f->journal);
  g_assert_true (g_file_get_contents (f->file, &contents, &size, NULL));
  g_assert_cmpuint (size, >, 40960);
  memset (contents + 4096, 0xa5, size - 4096);
  g_assert_true (g_file_set_contents (f->file, contents, size, NULL));
  assert_refused (f, "damaged");
}

static void
test_foreign (JournalLab *f, gconstpointer data)
{
  g_autofree char *other = g_build_filename (f->folder, "other.sqlite", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize before_size;
  gsize after_size;

  g_clear_object (&f->journal);
  g_unlink (f->file);
  journal_lab_exec_sql (f, "CREATE TABLE precious (x)");
  g_assert_cmpint (chmod (f->file, 0600), ==, 0);
  g_assert_true (g_file_get_contents (f->file, &before, &before_size, NULL));
  assert_refused (f, "another program");
  g_assert_true (g_file_get_contents (f->file, &after, &after_size, NULL));
  g_assert_cmpmem (before, before_size, after, after_size);
  g_assert_cmpint (journal_lab_query_int (f, "SELECT count (*) FROM sqlite_schema"), ==, 1);

  /* A link must not lead us elsewhere. */
  g_assert_cmpint (rename (f->file, other), ==, 0);
  g_assert_cmpint (symlink (other, f->file), ==, 0);
  assert_refused (f, "");
  g_unlink (other);
}

static void
test_newer (JournalLab *f, gconstpointer data)
{
  g_clear_object (&f->journal);
  journal_lab_exec_sql (f, "PRAGMA user_version = 77");
  assert_refused (f, "newer");
  g_assert_cmpint (journal_lab_query_int (f, "PRAGMA user_version"), ==, 77);
}

static void
test_migration (JournalLab *f, gconstpointer data)
{
  const guint newest = g_strv_length ((char **) vb_sqlite_schema_steps);
  const char *steps[16] = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqlite) sqlite = NULL;
  gint64 value;

  /* The journal as it is now plays the older version. */
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "op-1");
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

/* A journal of every earlier version is opened, and what is in it is still there. */
static void
test_earlier_versions (JournalLab *f, gconstpointer data)
{
  const guint newest = g_strv_length ((char **) vb_sqlite_schema_steps);

  for (guint version = 1; version < newest; version++)
    {
      const char *steps[16] = { NULL };
      g_autoptr (GError) error = NULL;
      g_autoptr (VbSqlite) sqlite = NULL;

      g_clear_object (&f->journal);
      g_unlink (f->file);
      for (guint i = 0; i < version; i++)
        steps[i] = vb_sqlite_schema_steps[i];
      sqlite = vb_sqlite_open (f->file, &error);
      g_assert_no_error (error);
      g_assert_true (vb_sqlite_schema_migrate (sqlite, steps, &error));
      g_assert_true (vb_sqlite_exec (
          sqlite,
          "INSERT INTO operations (id, vps, kind, backup, state, bytes_done, bytes_total, progress,"
          " stalled, stop_first, swapping, started_at) VALUES"
          " ('op-old', '" VPS_A "', 'create', 'b', 'copying', 1, 2, 49.5, 0, 0, 0, 1);"
          "INSERT INTO notifications (id, type, vps, operation, created_at) VALUES"
          " (41, 'backup_failed', '" VPS_A "', 'op-older', 1), (42, 'backup_failed', '" VPS_A
          "', 'op-gone', 1);"
          "DELETE FROM notifications WHERE id = 42;",
          &error));
      g_assert_no_error (error);
      g_clear_pointer (&sqlite, vb_sqlite_close);

      journal_lab_reopen (f);
      g_autoptr (GPtrArray) unended = vb_journal_load_unended (f->journal, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (unended->len, ==, 1);
      const VbOperationRecord *record = g_ptr_array_index (unended, 0);
      g_assert_cmpstr (record->id, ==, "op-old");
      g_assert_cmpint (record->still_us, ==, 0);
      g_assert_false (record->stall_told);
      g_assert_false (record->scheduled);
      g_autoptr (GPtrArray) told = journal_lab_list_notifications (f, NULL, "alice", 0, 10);
      g_assert_cmpuint (told->len, ==, 1);
      g_assert_cmpint (((VbNotification *) told->pdata[0])->id, ==, 41);
      g_autoptr (GPtrArray) undos = vb_journal_load_undos (f->journal, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (undos->len, ==, 0);
      /* The id of one that was deleted is not given again. */
      g_assert_cmpint (journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, "op-new"), ==,
                       43);
      g_assert_cmpint (journal_lab_query_int (f, "PRAGMA user_version"), ==, newest);
    }
}

/* ---- threads and sudden death ---- */

#define THREADS 4
#define WRITES 50

typedef struct
{
  JournalLab *fixture;
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

      journal_lab_notify (writer->fixture, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, id);
      list = journal_lab_list_operations (writer->fixture, VPS_A, 5);
      g_assert_cmpuint (list->len, >, 0);
    }
  return NULL;
}

static void
test_threads (JournalLab *f, gconstpointer data)
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

  list = journal_lab_list_operations (f, VPS_A, 1000);
  g_assert_cmpuint (list->len, ==, THREADS * WRITES);
}

/* Writes for ever, and says on @output what was acknowledged. */
static void
run_victim (const char *file, int output)
{
  g_autoptr (VbSqliteJournal) journal = vb_sqlite_journal_new (file, NULL);
  JournalLab f = { .journal = VB_JOURNAL (journal) };

  for (guint i = 0;; i++)
    {
      g_autofree char *id = g_strdup_printf ("op-%u", i);

      journal_lab_notify (&f, VB_NOTIFICATION_BACKUP_FAILED, VPS_A, id);
      if (write (output, &i, sizeof i) != sizeof i)
        _exit (1);
    }
}

static void
kill_after (JournalLab *f, guint acknowledged)
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

  journal_lab_reopen (f);
  {
    g_autoptr (GPtrArray) operations = journal_lab_list_operations (f, VPS_A, G_MAXINT);
    g_autoptr (GPtrArray) notifications
        = journal_lab_list_notifications (f, NULL, "alice", 0, G_MAXINT);

    /* One more may have been committed but not said. An operation and its notification are one. */
    g_assert_cmpuint (operations->len, >=, newest + 1);
    g_assert_cmpuint (operations->len, <=, newest + 2);
    g_assert_cmpuint (notifications->len, ==, operations->len);
  }
}

static void
test_kill (JournalLab *f, gconstpointer data)
{
  for (guint round = 0; round < 8; round++)
    {
      g_clear_object (&f->journal);
      journal_lab_exec_sql (f, "DELETE FROM operations; DELETE FROM notifications;");
      kill_after (f, 1 + round * 13);
    }
}

#define TEST(path, func)                                                                           \
  g_test_add (path, JournalLab, NULL, journal_lab_set_up, func, journal_lab_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("/sqlite-file/mode", test_mode);
  TEST ("/sqlite-file/garbage", test_garbage);
  TEST ("/sqlite-file/damaged-page", test_damaged_page);
  TEST ("/sqlite-file/foreign", test_foreign);
  TEST ("/sqlite-file/newer", test_newer);
  TEST ("/sqlite-file/migration", test_migration);
  TEST ("/sqlite-file/earlier-versions", test_earlier_versions);
  TEST ("/sqlite-file/threads", test_threads);
  TEST ("/sqlite-file/kill", test_kill);
  return g_test_run ();
}
