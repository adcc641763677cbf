/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-schedules.h"

gboolean
vb_sqlite_schedules_save (VbSqlite *sqlite, const VbScheduleRecord *record, GError **error)
{
  return vb_sqlite_run (
             sqlite, error,
             "INSERT INTO schedules (vps, id, timing, day, made) VALUES (?, ?, ?, ?, ?)"
             " ON CONFLICT (vps, id) DO UPDATE SET timing = excluded.timing, day = excluded.day,"
             " made = excluded.made",
             "sssss", record->vps, record->id, record->timing, record->day, record->made)
         && vb_sqlite_run (sqlite, error,
                           "DELETE FROM schedules WHERE timing = '' AND made IS NULL"
                           " AND (id <> 'default' OR (vps <> ?"
                           " AND day < date ('now', '-7 days')))",
                           "s", record->vps);
}

static VbScheduleRecord *
read_record (VbStatement *statement)
{
  g_autofree char *vps = vb_statement_dup_text (statement, 0);
  g_autofree char *id = vb_statement_dup_text (statement, 1);
  g_autofree char *timing = vb_statement_dup_text (statement, 2);
  g_autofree char *day = vb_statement_dup_text (statement, 3);
  g_autofree char *made = vb_statement_dup_text (statement, 4);

  return vb_schedule_record_new (vps, id, timing, day, made);
}

GPtrArray *
vb_sqlite_schedules_load (VbSqlite *sqlite, GError **error)
{
  g_autoptr (GPtrArray) records
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_schedule_record_free);
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite, "SELECT vps, id, timing, day, made FROM schedules", error);
  gboolean has_row;

  if (statement == NULL)
    return NULL;
  while (TRUE)
    {
      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&records);
      g_ptr_array_add (records, read_record (statement));
    }
}
