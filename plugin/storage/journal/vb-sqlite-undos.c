/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-undos.h"

#include "core/base/vb-log.h"

gboolean
vb_sqlite_undos_save (VbSqlite *sqlite, const VbUndo *undo, GError **error)
{
  g_autofree char *files = vb_undo_dup_files (undo);

  return vb_sqlite_run (sqlite, error,
                        "INSERT OR REPLACE INTO undos"
                        " (operation, vps, backup, backup_name, restored_at, until, files)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?)",
                        "ssssiis", undo->operation, undo->vps, undo->backup, undo->backup_name,
                        g_date_time_to_unix (undo->restored_at) * G_USEC_PER_SEC,
                        g_date_time_to_unix (undo->until) * G_USEC_PER_SEC, files);
}

gboolean
vb_sqlite_undos_remove (VbSqlite *sqlite, const char *operation, GError **error)
{
  return vb_sqlite_run (sqlite, error, "DELETE FROM undos WHERE operation = ?", "s", operation);
}

static VbUndo *
read_undo (VbStatement *statement)
{
  g_autofree char *operation = vb_statement_dup_text (statement, 0);
  g_autofree char *vps = vb_statement_dup_text (statement, 1);
  g_autofree char *backup = vb_statement_dup_text (statement, 2);
  g_autofree char *name = vb_statement_dup_text (statement, 3);
  g_autofree char *files = vb_statement_dup_text (statement, 6);
  VbUndo *undo = vb_undo_new (operation, vps, backup, name);

  undo->restored_at = vb_statement_dup_time (statement, 4);
  undo->until = vb_statement_dup_time (statement, 5);
  if (!vb_undo_parse_files (undo, files))
    vb_log_warning (vps, operation, backup, "The journal does not tell which disks were kept");
  return undo;
}

GPtrArray *
vb_sqlite_undos_load (VbSqlite *sqlite, GError **error)
{
  g_autoptr (GPtrArray) undos = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_undo_free);
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite,
                           "SELECT operation, vps, backup, backup_name, restored_at, until, files"
                           " FROM undos ORDER BY restored_at",
                           error);
  gboolean has_row;

  while (statement != NULL && vb_sqlite_step (sqlite, statement, &has_row, error))
    {
      if (!has_row)
        return g_steal_pointer (&undos);
      g_ptr_array_add (undos, read_undo (statement));
    }
  return NULL;
}
