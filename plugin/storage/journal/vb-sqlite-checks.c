/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-checks.h"

#define KEEP_US (365 * G_TIME_SPAN_DAY)

gboolean
vb_sqlite_checks_save (VbSqlite *sqlite, const char *backup, const VbCheck *check, GError **error)
{
  return vb_sqlite_run (sqlite, error,
                        "INSERT INTO checks (backup, checked_at, bad_chunks) VALUES (?, ?, ?)"
                        " ON CONFLICT (backup) DO UPDATE SET checked_at = excluded.checked_at,"
                        " bad_chunks = excluded.bad_chunks",
                        "sii", backup, check->at_us, (gint64) check->bad_chunks)
         && vb_sqlite_run (
             sqlite, error,
             "DELETE FROM checks WHERE checked_at < ? AND backup NOT IN (SELECT id FROM backups)",
             "i", check->at_us - KEEP_US);
}

GHashTable *
vb_sqlite_checks_load (VbSqlite *sqlite, GError **error)
{
  g_autoptr (GHashTable) checks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite, "SELECT backup, checked_at, bad_chunks FROM checks", error);
  gboolean has_row;

  while (statement != NULL && vb_sqlite_step (sqlite, statement, &has_row, error))
    {
      if (!has_row)
        return g_steal_pointer (&checks);
      VbCheck *check = g_new0 (VbCheck, 1);
      check->at_us = vb_statement_get_int (statement, 1);
      check->bad_chunks = (guint64) vb_statement_get_int (statement, 2);
      g_hash_table_replace (checks, vb_statement_dup_text (statement, 0), check);
    }
  return NULL;
}
