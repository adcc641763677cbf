/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-operations.h"

#include "core/base/vb-error.h"

#define KEEP_US (365 * 24 * 3600 * G_TIME_SPAN_SECOND)

#define COLUMNS                                                                                    \
  "id, vps, vps_name, kind, backup, backup_name, state, request_key, subject, bytes_done,"         \
  " bytes_total, progress, stalled, stop_first, swapping, was_power, details, started_at,"         \
  " ended_at, error_reason, error_message, still_us, stall_told, scheduled, first_backup, "        \
  "part_of,"                                                                                       \
  " source_vps, replace_disks, schedule"

/* ---- one row; both functions follow COLUMNS ---- */

static void
bind_record (VbStatement *statement, const VbOperationRecord *record)
{
  int i = 0;

  vb_statement_bind_text (statement, ++i, record->id);
  vb_statement_bind_text (statement, ++i, record->vps);
  vb_statement_bind_text (statement, ++i, record->vps_name);
  vb_statement_bind_text (statement, ++i, vb_operation_kind_to_string (record->kind));
  vb_statement_bind_text (statement, ++i, record->backup);
  vb_statement_bind_text (statement, ++i, record->backup_name);
  vb_statement_bind_text (statement, ++i, vb_operation_state_to_string (record->state));
  vb_statement_bind_text (statement, ++i, record->request_key);
  vb_statement_bind_text (statement, ++i, record->subject);
  vb_statement_bind_int (statement, ++i, record->bytes_done);
  vb_statement_bind_int (statement, ++i, record->bytes_total);
  vb_statement_bind_double (statement, ++i, record->progress);
  vb_statement_bind_int (statement, ++i, record->stalled);
  vb_statement_bind_int (statement, ++i, record->stop_first);
  vb_statement_bind_int (statement, ++i, record->swapping);
  vb_statement_bind_text (statement, ++i, record->was_power);
  vb_statement_bind_text (statement, ++i, record->details);
  vb_statement_bind_time (statement, ++i, record->started_at);
  vb_statement_bind_time (statement, ++i, record->ended_at);
  vb_statement_bind_text (statement, ++i, record->error_reason);
  vb_statement_bind_text (statement, ++i, record->error_message);
  vb_statement_bind_int (statement, ++i, record->still_us);
  vb_statement_bind_int (statement, ++i, record->stall_told);
  vb_statement_bind_int (statement, ++i, record->scheduled);
  vb_statement_bind_text (statement, ++i, record->first_backup);
  vb_statement_bind_text (statement, ++i, record->part_of);
  vb_statement_bind_text (statement, ++i, record->source_vps);
  vb_statement_bind_int (statement, ++i, record->replace_disks);
  vb_statement_bind_text (statement, ++i, record->schedule);
}

static VbOperationRecord *
read_record (VbSqlite *sqlite, VbStatement *statement, GError **error)
{
  g_autoptr (VbOperationRecord) record = vb_operation_record_new ();
  g_autofree char *kind = NULL;
  g_autofree char *state = NULL;
  int i = 0;

  record->id = vb_statement_dup_text (statement, i++);
  record->vps = vb_statement_dup_text (statement, i++);
  record->vps_name = vb_statement_dup_text (statement, i++);
  kind = vb_statement_dup_text (statement, i++);
  record->backup = vb_statement_dup_text (statement, i++);
  record->backup_name = vb_statement_dup_text (statement, i++);
  state = vb_statement_dup_text (statement, i++);
  record->request_key = vb_statement_dup_text (statement, i++);
  record->subject = vb_statement_dup_text (statement, i++);
  record->bytes_done = vb_statement_get_int (statement, i++);
  record->bytes_total = vb_statement_get_int (statement, i++);
  record->progress = vb_statement_get_double (statement, i++);
  record->stalled = vb_statement_get_int (statement, i++) != 0;
  record->stop_first = vb_statement_get_int (statement, i++) != 0;
  record->swapping = vb_statement_get_int (statement, i++) != 0;
  record->was_power = vb_statement_dup_text (statement, i++);
  record->details = vb_statement_dup_text (statement, i++);
  record->started_at = vb_statement_dup_time (statement, i++);
  record->ended_at = vb_statement_dup_time (statement, i++);
  record->error_reason = vb_statement_dup_text (statement, i++);
  record->error_message = vb_statement_dup_text (statement, i++);
  record->still_us = vb_statement_get_int (statement, i++);
  record->stall_told = vb_statement_get_int (statement, i++) != 0;
  record->scheduled = vb_statement_get_int (statement, i++) != 0;
  record->first_backup = vb_statement_dup_text (statement, i++);
  record->part_of = vb_statement_dup_text (statement, i++);
  record->source_vps = vb_statement_dup_text (statement, i++);
  record->replace_disks = vb_statement_get_int (statement, i++) != 0;
  record->schedule = vb_statement_dup_text (statement, i++);

  if (!vb_operation_kind_from_string (kind, &record->kind)
      || !vb_operation_state_from_string (state, &record->state))
    {
      g_set_error (
          error, VB_ERROR, VB_ERROR_INTERNAL,
          "Failed to read the journal %s: operation %s has the unknown kind “%s” or state “%s”",
          vb_sqlite_get_file (sqlite), record->id, kind, state);
      return NULL;
    }
  return g_steal_pointer (&record);
}

static GPtrArray *
read_records (VbSqlite *sqlite, VbStatement *statement, GError **error)
{
  g_autoptr (GPtrArray) records
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_operation_record_free);
  gboolean has_row;

  while (TRUE)
    {
      VbOperationRecord *record;

      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&records);
      record = read_record (sqlite, statement, error);
      if (record == NULL)
        return NULL;
      g_ptr_array_add (records, record);
    }
}

/* ---- saving ---- */

static gboolean
prune (VbSqlite *sqlite, const VbOperationRecord *record, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  statement = vb_sqlite_prepare (sqlite,
                                 "DELETE FROM operations WHERE ended_at IS NOT NULL AND id <> ?1"
                                 " AND (ended_at < ?2 OR (vps = ?3 AND seq <= (SELECT seq"
                                 " FROM operations WHERE vps = ?3 ORDER BY seq DESC"
                                 " LIMIT 1 OFFSET 1000)))",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, record->id);
  vb_statement_bind_int (statement, 2, g_get_real_time () - KEEP_US);
  vb_statement_bind_text (statement, 3, record->vps);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

gboolean
vb_sqlite_operations_save (VbSqlite *sqlite, const VbOperationRecord *record, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  statement = vb_sqlite_prepare (
      sqlite,
      "INSERT INTO operations (" COLUMNS ") VALUES"
      " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
      " ON CONFLICT (id) DO UPDATE SET vps = excluded.vps, vps_name = excluded.vps_name,"
      " kind = excluded.kind, backup = excluded.backup, backup_name = excluded.backup_name,"
      " state = excluded.state, request_key = excluded.request_key, subject = excluded.subject,"
      " bytes_done = excluded.bytes_done, bytes_total = excluded.bytes_total,"
      " progress = excluded.progress, stalled = excluded.stalled,"
      " stop_first = excluded.stop_first, swapping = excluded.swapping,"
      " was_power = excluded.was_power, details = excluded.details,"
      " started_at = excluded.started_at, ended_at = excluded.ended_at,"
      " error_reason = excluded.error_reason, error_message = excluded.error_message,"
      " still_us = excluded.still_us, stall_told = excluded.stall_told,"
      " scheduled = excluded.scheduled, first_backup = excluded.first_backup,"
      " part_of = excluded.part_of, source_vps = excluded.source_vps,"
      " replace_disks = excluded.replace_disks, schedule = excluded.schedule",
      error);
  if (statement == NULL)
    return FALSE;
  bind_record (statement, record);
  if (!vb_sqlite_step (sqlite, statement, NULL, error))
    return FALSE;

  return !vb_operation_state_is_end (record->state) || prune (sqlite, record, error);
}

/* ---- reading ---- */

GPtrArray *
vb_sqlite_operations_load_unended (VbSqlite *sqlite, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  statement = vb_sqlite_prepare (sqlite,
                                 "SELECT " COLUMNS " FROM operations"
                                 " WHERE state NOT IN ('completed', 'failed', 'cancelled')"
                                 " ORDER BY seq",
                                 error);
  return statement != NULL ? read_records (sqlite, statement, error) : NULL;
}

VbOperationRecord *
vb_sqlite_operations_find_request (VbSqlite *sqlite,
                                   const char *subject,
                                   const char *vps,
                                   const char *request_key,
                                   GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row;

  statement = vb_sqlite_prepare (sqlite,
                                 "SELECT " COLUMNS " FROM operations WHERE subject = ? AND vps = ?"
                                 " AND request_key = ?",
                                 error);
  if (statement == NULL)
    return NULL;
  vb_statement_bind_text (statement, 1, subject);
  vb_statement_bind_text (statement, 2, vps);
  vb_statement_bind_text (statement, 3, request_key);
  if (!vb_sqlite_step (sqlite, statement, &has_row, error) || !has_row)
    return NULL;
  return read_record (sqlite, statement, error);
}

GPtrArray *
vb_sqlite_operations_list (VbSqlite *sqlite, const char *vps, guint limit, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  statement = vb_sqlite_prepare (
      sqlite, "SELECT " COLUMNS " FROM operations WHERE vps = ? ORDER BY seq DESC LIMIT ?", error);
  if (statement == NULL)
    return NULL;
  vb_statement_bind_text (statement, 1, vps);
  vb_statement_bind_int (statement, 2, limit);
  return read_records (sqlite, statement, error);
}
