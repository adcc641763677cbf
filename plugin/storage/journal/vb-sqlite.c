/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "core/base/vb-error.h"

/* An operator with the sqlite3 shell open must not make us fail; nobody else writes. */
#define BUSY_TIMEOUT_MS 10000

struct _VbSqlite
{
  char *file;
  sqlite3 *handle;
  GHashTable *statements; /* SQL text → VbStatement */
};

/* ---- errors ---- */

static VbError
error_code (sqlite3 *handle, int result)
{
  int system_errno = handle != NULL ? sqlite3_system_errno (handle) : 0;

  if ((result & 0xff) == SQLITE_FULL)
    return VB_ERROR_INSUFFICIENT_SPACE;
  if ((result & 0xff) == SQLITE_IOERR && (system_errno == ENOSPC || system_errno == EDQUOT))
    return VB_ERROR_INSUFFICIENT_SPACE;
  return VB_ERROR_INTERNAL;
}

void
vb_sqlite_set_error (VbSqlite *self, const char *doing, GError **error)
{
  int result = sqlite3_errcode (self->handle);

  switch (result & 0xff)
    {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "%s: %s is damaged or is not a database of vps-backup (%s); restore it from a "
                   "copy, or move it away to start with an empty history",
                   doing, self->file, sqlite3_errmsg (self->handle));
      break;
    default:
      g_set_error (error, VB_ERROR, error_code (self->handle, result), "%s: %s: %s", doing,
                   self->file, sqlite3_errmsg (self->handle));
    }
}

/* ---- opening ---- */

/* SQLite gives its side files the mode of the main file, so that one has to be right before it
 * looks. */
static gboolean
create_private_file (const char *file, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (file);
  int descriptor = open (file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  int folder_descriptor;
  gboolean ok;

  if (descriptor < 0 || fchmod (descriptor, 0600) < 0)
    {
      vb_error_set_errno (error, errno, "Failed to open the journal %s", file);
      if (descriptor >= 0)
        close (descriptor);
      return FALSE;
    }
  close (descriptor);

  folder_descriptor = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ok = folder_descriptor >= 0 && fsync (folder_descriptor) == 0;
  if (!ok)
    vb_error_set_errno (error, errno, "Failed to sync the folder %s", folder);
  if (folder_descriptor >= 0)
    close (folder_descriptor);
  return ok;
}

static gboolean
configure (VbSqlite *self, GError **error)
{
  sqlite3_extended_result_codes (self->handle, 1);
  sqlite3_busy_timeout (self->handle, BUSY_TIMEOUT_MS);
  return vb_sqlite_exec (self,
                         "PRAGMA synchronous = FULL;"
                         "PRAGMA foreign_keys = ON;"
                         "PRAGMA trusted_schema = OFF;",
                         error);
}

static void
finalize_statement (gpointer statement)
{
  sqlite3_finalize (statement);
}

VbSqlite *
vb_sqlite_open (const char *file, GError **error)
{
  g_autoptr (VbSqlite) self = NULL;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;

  if (!create_private_file (file, error))
    return NULL;

  self = g_new0 (VbSqlite, 1);
  self->file = g_strdup (file);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, finalize_statement);
  if (sqlite3_open_v2 (file, &self->handle, flags, NULL) != SQLITE_OK)
    {
      vb_sqlite_set_error (self, "Failed to open the journal", error);
      return NULL;
    }
  if (!configure (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

gboolean
vb_sqlite_enable_wal (VbSqlite *self, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  const char *mode;

  statement = vb_sqlite_prepare (self, "PRAGMA journal_mode = WAL", error);
  if (statement == NULL || !vb_sqlite_step (self, statement, NULL, error))
    return FALSE;

  mode = (const char *) sqlite3_column_text (statement, 0);
  if (g_strcmp0 (mode, "wal") != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "%s: its file system does not support write-ahead logging; keep the state "
                   "folder on a local disk",
                   self->file);
      return FALSE;
    }
  return TRUE;
}

void
vb_sqlite_close (VbSqlite *self)
{
  g_hash_table_unref (self->statements);
  sqlite3_close (self->handle);
  g_free (self->file);
  g_free (self);
}

const char *
vb_sqlite_get_file (VbSqlite *self)
{
  return self->file;
}

/* ---- running ---- */

gboolean
vb_sqlite_exec (VbSqlite *self, const char *sql, GError **error)
{
  if (sqlite3_exec (self->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;

  vb_sqlite_set_error (self, "Failed to use the journal", error);
  return FALSE;
}

gboolean
vb_sqlite_query_int (VbSqlite *self, const char *sql, gint64 *value, GError **error)
{
  g_autoptr (VbStatement) statement = vb_sqlite_prepare (self, sql, error);
  gboolean has_row;

  if (statement == NULL || !vb_sqlite_step (self, statement, &has_row, error))
    return FALSE;
  *value = has_row ? vb_statement_get_int (statement, 0) : 0;
  return TRUE;
}

gboolean
vb_sqlite_run (VbSqlite *self, GError **error, const char *sql, const char *types, ...)
{
  g_autoptr (VbStatement) statement = vb_sqlite_prepare (self, sql, error);
  va_list values;

  if (statement == NULL)
    return FALSE;
  va_start (values, types);
  for (int i = 0; types[i] != '\0'; i++)
    {
      if (types[i] == 's')
        vb_statement_bind_text (statement, i + 1, va_arg (values, const char *));
      else
        vb_statement_bind_int (statement, i + 1, va_arg (values, gint64));
    }
  va_end (values);
  return vb_sqlite_step (self, statement, NULL, error);
}

gboolean
vb_sqlite_transaction (VbSqlite *self, VbSqliteFunc func, gpointer user_data, GError **error)
{
  if (!vb_sqlite_exec (self, "BEGIN IMMEDIATE", error))
    return FALSE;
  if (func (self, user_data, error) && vb_sqlite_exec (self, "COMMIT", error))
    return TRUE;

  /* Some errors roll back by themselves. A rollback cannot fail otherwise: what is open is undone
   * on close. */
  if (!sqlite3_get_autocommit (self->handle))
    sqlite3_exec (self->handle, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

VbStatement *
vb_sqlite_prepare (VbSqlite *self, const char *sql, GError **error)
{
  VbStatement *statement = g_hash_table_lookup (self->statements, sql);

  if (statement != NULL)
    return statement;
  if (sqlite3_prepare_v3 (self->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL)
      != SQLITE_OK)
    {
      vb_sqlite_set_error (self, "Failed to read the journal", error);
      return NULL;
    }
  g_hash_table_insert (self->statements, g_strdup (sql), statement);
  return statement;
}

void
vb_statement_release (VbStatement *statement)
{
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
}

gboolean
vb_sqlite_step (VbSqlite *self, VbStatement *statement, gboolean *has_row, GError **error)
{
  int result = sqlite3_step (statement);

  if (has_row != NULL)
    *has_row = result == SQLITE_ROW;
  if (result == SQLITE_ROW || result == SQLITE_DONE)
    return TRUE;

  vb_sqlite_set_error (self,
                       sqlite3_stmt_readonly (statement) ? "Failed to read the journal"
                                                         : "Failed to write the journal",
                       error);
  return FALSE;
}

/* ---- values ---- */

void
vb_statement_bind_text (VbStatement *statement, int index, const char *text)
{
  sqlite3_bind_text (statement, index, text, -1, SQLITE_TRANSIENT);
}

void
vb_statement_bind_int (VbStatement *statement, int index, gint64 value)
{
  sqlite3_bind_int64 (statement, index, value);
}

void
vb_statement_bind_double (VbStatement *statement, int index, double value)
{
  sqlite3_bind_double (statement, index, value);
}

void
vb_statement_bind_time (VbStatement *statement, int index, GDateTime *time)
{
  if (time == NULL)
    sqlite3_bind_null (statement, index);
  else
    sqlite3_bind_int64 (statement, index,
                        g_date_time_to_unix (time) * G_USEC_PER_SEC
                            + g_date_time_get_microsecond (time));
}

char *
vb_statement_dup_text (VbStatement *statement, int column)
{
  return g_strdup ((const char *) sqlite3_column_text (statement, column));
}

gint64
vb_statement_get_int (VbStatement *statement, int column)
{
  return sqlite3_column_int64 (statement, column);
}

double
vb_statement_get_double (VbStatement *statement, int column)
{
  return sqlite3_column_double (statement, column);
}

GDateTime *
vb_statement_dup_time (VbStatement *statement, int column)
{
  g_autoptr (GDateTime) seconds = NULL;
  gint64 time_us = sqlite3_column_int64 (statement, column);

  if (sqlite3_column_type (statement, column) == SQLITE_NULL)
    return NULL;
  seconds = g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);
  return seconds != NULL ? g_date_time_add (seconds, time_us % G_USEC_PER_SEC) : NULL;
}
