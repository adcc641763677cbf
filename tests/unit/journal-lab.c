/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-lab.h"

#include <glib/gstdio.h>

#include "storage/journal/vb-sqlite-journal.h"
#include "storage/journal/vb-sqlite.h"

void
journal_lab_reopen (JournalLab *f)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&f->journal);
  f->journal = VB_JOURNAL (vb_sqlite_journal_new (f->file, &error));
  g_assert_no_error (error);
}

void
journal_lab_set_up (JournalLab *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("vb-journal-XXXXXX", NULL);
  f->file = g_build_filename (f->folder, "journal.sqlite", NULL);
  journal_lab_reopen (f);
}

void
journal_lab_tear_down (JournalLab *f, gconstpointer data)
{
  const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

  g_clear_object (&f->journal);
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *file = g_strconcat (f->file, suffixes[i], NULL);
      g_unlink (file);
    }
  g_autofree char *copy = g_build_filename (f->folder, "revocations", NULL);
  g_unlink (copy);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->file);
  g_free (f->folder);
}

VbOperationRecord *
journal_lab_make_record (const char *id, const char *vps, VbOperationState state)
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

void
journal_lab_save (JournalLab *f, VbOperationRecord *record, VbNotification *notification)
{
  g_autoptr (GError) error = NULL;

  vb_journal_save_operation (f->journal, record, notification, &error);
  g_assert_no_error (error);
}

gint64
journal_lab_notify (JournalLab *f, VbNotificationType type, const char *vps, const char *operation)
{
  g_autoptr (VbOperationRecord) record
      = journal_lab_make_record (operation, vps, VB_OPERATION_FAILED);
  g_autoptr (VbNotification) notification = make_notification (type, vps, operation);

  record->ended_at = g_date_time_new_now_utc ();
  journal_lab_save (f, record, notification);
  g_assert_cmpint (notification->id, >, 0);
  return notification->id;
}

GPtrArray *
journal_lab_list_notifications (JournalLab *f,
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

GPtrArray *
journal_lab_list_operations (JournalLab *f, const char *vps, guint limit)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *list = vb_journal_list_operations (f->journal, vps, limit, &error);

  g_assert_no_error (error);
  return list;
}

void
journal_lab_exec_sql (JournalLab *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqlite) sqlite = vb_sqlite_open (f->file, &error);

  g_assert_no_error (error);
  vb_sqlite_exec (sqlite, sql, &error);
  g_assert_no_error (error);
}

gint64
journal_lab_query_int (JournalLab *f, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSqlite) sqlite = vb_sqlite_open (f->file, &error);
  gint64 value;

  g_assert_no_error (error);
  vb_sqlite_query_int (sqlite, sql, &value, &error);
  g_assert_no_error (error);
  return value;
}
