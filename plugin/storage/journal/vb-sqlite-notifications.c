/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-notifications.h"

#include "core/base/vb-error.h"
#include "core/interfaces/vb-journal.h"
#include "vb-sqlite-outbox.h"

#define KEEP_US (90 * 24 * 3600 * G_TIME_SPAN_SECOND)

/* ---- adding ---- */

static gboolean
insert (VbSqlite *sqlite, const VbNotification *notification, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  int i = 0;

  statement = vb_sqlite_prepare (sqlite,
                                 "INSERT INTO notifications (type, vps, vps_name, backup,"
                                 " backup_name, operation, reason, created_at)"
                                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, ++i, vb_notification_type_to_string (notification->type));
  vb_statement_bind_text (statement, ++i, notification->vps);
  vb_statement_bind_text (statement, ++i, notification->vps_name);
  vb_statement_bind_text (statement, ++i, notification->backup);
  vb_statement_bind_text (statement, ++i, notification->backup_name);
  vb_statement_bind_text (statement, ++i, notification->operation);
  vb_statement_bind_text (statement, ++i, notification->reason);
  vb_statement_bind_time (statement, ++i, notification->created_at);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

static gboolean
find_id (VbSqlite *sqlite, const VbNotification *notification, gint64 *id, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row;

  statement = vb_sqlite_prepare (
      sqlite, "SELECT id FROM notifications WHERE operation = ? AND type = ?", error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, notification->operation);
  vb_statement_bind_text (statement, 2, vb_notification_type_to_string (notification->type));
  if (!vb_sqlite_step (sqlite, statement, &has_row, error))
    return FALSE;
  *id = has_row ? vb_statement_get_int (statement, 0) : 0;
  return TRUE;
}

static gboolean
prune (VbSqlite *sqlite, const VbNotification *notification, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  /* The one just added stays whatever the clock says, and so does what is still to be told. */
  statement = vb_sqlite_prepare (sqlite,
                                 "DELETE FROM notifications WHERE id <> ?1 AND (created_at < ?2"
                                 " OR (vps = ?3 AND id <= (SELECT id FROM notifications"
                                 " WHERE vps = ?3 ORDER BY id DESC LIMIT 1 OFFSET 1000)))"
                                 " AND id NOT IN (SELECT notification FROM outbox"
                                 " WHERE notification IS NOT NULL)",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_int (statement, 1, notification->id);
  vb_statement_bind_int (statement, 2, g_get_real_time () - KEEP_US);
  vb_statement_bind_text (statement, 3, notification->vps);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

gboolean
vb_sqlite_notifications_add (VbSqlite *sqlite, VbNotification *notification, GError **error)
{
  gint64 id;

  if (!find_id (sqlite, notification, &id, error))
    return FALSE;
  if (id != 0)
    {
      notification->id = id;
      return TRUE;
    }

  return insert (sqlite, notification, error)
         && vb_sqlite_query_int (sqlite, "SELECT last_insert_rowid ()", &notification->id, error)
         && vb_sqlite_outbox_add (sqlite, notification, error)
         && prune (sqlite, notification, error);
}

/* ---- listing ---- */

static VbNotification *
read_notification (VbSqlite *sqlite, VbStatement *statement, GError **error)
{
  g_autoptr (VbNotification) notification = vb_notification_new ();
  g_autofree char *type = NULL;
  int i = 0;

  notification->id = vb_statement_get_int (statement, i++);
  type = vb_statement_dup_text (statement, i++);
  notification->vps = vb_statement_dup_text (statement, i++);
  notification->vps_name = vb_statement_dup_text (statement, i++);
  notification->backup = vb_statement_dup_text (statement, i++);
  notification->backup_name = vb_statement_dup_text (statement, i++);
  notification->operation = vb_statement_dup_text (statement, i++);
  notification->reason = vb_statement_dup_text (statement, i++);
  notification->created_at = vb_statement_dup_time (statement, i++);
  notification->read = vb_statement_get_int (statement, i++) != 0;

  if (!vb_notification_type_from_string (type, &notification->type))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "Failed to read the journal %s: notification %" G_GINT64_FORMAT
                   " has the unknown type “%s”",
                   vb_sqlite_get_file (sqlite), notification->id, type);
      return NULL;
    }
  return g_steal_pointer (&notification);
}

static GPtrArray *
read_notifications (VbSqlite *sqlite, VbStatement *statement, GError **error)
{
  g_autoptr (GPtrArray) notifications
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_notification_free);
  gboolean has_row;

  while (TRUE)
    {
      VbNotification *notification;

      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&notifications);
      notification = read_notification (sqlite, statement, error);
      if (notification == NULL)
        return NULL;
      g_ptr_array_add (notifications, notification);
    }
}

/* The UUIDs travel as one bound JSON array: any number of them, one prepared statement. */
static char *
to_json_array (const char *const *texts)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; texts[i] != NULL; i++)
    {
      g_string_append (json, i > 0 ? ",\"" : "\"");
      for (const char *c = texts[i]; *c != '\0'; c++)
        {
          if (*c == '"' || *c == '\\')
            g_string_append_c (json, '\\');
          if ((guchar) *c >= 0x20)
            g_string_append_c (json, *c);
          else
            g_string_append_printf (json, "\\u%04x", *c);
        }
      g_string_append_c (json, '"');
    }
  g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}

VbNotification *
vb_sqlite_notifications_get (VbSqlite *sqlite, gint64 id, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row;

  statement = vb_sqlite_prepare (sqlite,
                                 "SELECT id, type, vps, vps_name, backup, backup_name, operation,"
                                 " reason, created_at, 0 FROM notifications WHERE id = ?",
                                 error);
  if (statement == NULL)
    return NULL;
  vb_statement_bind_int (statement, 1, id);
  if (!vb_sqlite_step (sqlite, statement, &has_row, error) || !has_row)
    return NULL;
  return read_notification (sqlite, statement, error);
}

static void
reverse (GPtrArray *array)
{
  for (guint i = 0; i < array->len / 2; i++)
    {
      gpointer other = array->pdata[array->len - 1 - i];
      array->pdata[array->len - 1 - i] = array->pdata[i];
      array->pdata[i] = other;
    }
}

GPtrArray *
vb_sqlite_notifications_list (VbSqlite *sqlite,
                              const char *const *vps,
                              const char *subject,
                              gint64 after,
                              guint limit,
                              GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  g_autofree char *vps_json = vps != NULL ? to_json_array (vps) : NULL;
  g_autofree char *sql = g_strconcat (
      "SELECT id, type, vps, vps_name, backup, backup_name, operation, reason, created_at,"
      " id <= coalesce ((SELECT up_to FROM read_marks WHERE subject = ?1), 0)"
      " FROM notifications WHERE id > ?2",
      vps != NULL ? " AND vps IN (SELECT value FROM json_each (?4))" : "",
      after == VB_JOURNAL_NEWEST ? " ORDER BY id DESC" : " ORDER BY id", " LIMIT ?3", NULL);

  statement = vb_sqlite_prepare (sqlite, sql, error);
  if (statement == NULL)
    return NULL;
  vb_statement_bind_text (statement, 1, subject);
  vb_statement_bind_int (statement, 2, after);
  vb_statement_bind_int (statement, 3, limit);
  if (vps != NULL)
    vb_statement_bind_text (statement, 4, vps_json);

  GPtrArray *notifications = read_notifications (sqlite, statement, error);
  if (notifications != NULL && after == VB_JOURNAL_NEWEST)
    reverse (notifications);
  return notifications;
}

gboolean
vb_sqlite_notifications_mark_read (VbSqlite *sqlite,
                                   const char *subject,
                                   gint64 up_to,
                                   GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  /* sqlite_sequence has the newest id ever given: what does not exist yet cannot have been read. */
  statement = vb_sqlite_prepare (
      sqlite,
      "INSERT INTO read_marks (subject, up_to) VALUES (?1, min (?2, coalesce ((SELECT seq"
      " FROM sqlite_sequence WHERE name = 'notifications'), 0)))"
      " ON CONFLICT (subject) DO UPDATE SET up_to = max (up_to, excluded.up_to)",
      error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, subject);
  vb_statement_bind_int (statement, 2, up_to);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}
