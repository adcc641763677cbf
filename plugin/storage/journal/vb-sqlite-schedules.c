/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-schedules.h"

gboolean
vb_sqlite_schedules_save (VbSqlite *sqlite, const VbScheduleRecord *record, GError **error)
{
  return vb_sqlite_run (
             sqlite, error,
             "INSERT INTO schedules (vps, timing, day, made) VALUES (?, ?, ?, ?)"
             " ON CONFLICT (vps) DO UPDATE SET timing = excluded.timing, day = excluded.day,"
             " made = excluded.made",
             "ssss", record->vps, record->timing, record->day, record->made)
         && vb_sqlite_run (sqlite, error,
                           "DELETE FROM schedules WHERE timing = '' AND made IS NULL AND vps <> ?"
                           " AND day < date ('now', '-7 days')",
                           "s", record->vps);
}

static VbScheduleRecord *
read_record (VbStatement *statement)
{
  g_autofree char *vps = vb_statement_dup_text (statement, 0);
  g_autofree char *timing = vb_statement_dup_text (statement, 1);
  g_autofree char *day = vb_statement_dup_text (statement, 2);
  g_autofree char *made = vb_statement_dup_text (statement, 3);

  return vb_schedule_record_new (vps, timing, day, made);
}

GPtrArray *
vb_sqlite_schedules_load (VbSqlite *sqlite, GError **error)
{
  g_autoptr (GPtrArray) records
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_schedule_record_free);
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite, "SELECT vps, timing, day, made FROM schedules", error);
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
