/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-backups.h"

/* ---- saving ---- */

static gboolean
insert_disk (VbSqlite *sqlite,
             const char *backup,
             guint position,
             const VbBackupDisk *disk,
             GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  statement = vb_sqlite_prepare (sqlite,
                                 "INSERT INTO backup_disks (backup, position, target,"
                                 " virtual_size_bytes, size_bytes) VALUES (?, ?, ?, ?, ?)",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, backup);
  vb_statement_bind_int (statement, 2, position);
  vb_statement_bind_text (statement, 3, disk->target);
  vb_statement_bind_int (statement, 4, disk->virtual_size_bytes);
  vb_statement_bind_int (statement, 5, disk->size_bytes);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

static gboolean
insert_backup (VbSqlite *sqlite, const VbBackupInfo *backup, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  int i = 0;

  statement = vb_sqlite_prepare (sqlite,
                                 "INSERT INTO backups (id, vps, vps_name, name, created_at,"
                                 " completed_at, size_bytes, unique_bytes, consistency,"
                                 " incremental, protected, scheduled, schedule)"
                                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, ++i, backup->id);
  vb_statement_bind_text (statement, ++i, backup->vps);
  vb_statement_bind_text (statement, ++i, backup->vps_name);
  vb_statement_bind_text (statement, ++i, backup->name);
  vb_statement_bind_time (statement, ++i, backup->created_at);
  vb_statement_bind_time (statement, ++i, backup->completed_at);
  vb_statement_bind_int (statement, ++i, backup->size_bytes);
  vb_statement_bind_int (statement, ++i, backup->unique_bytes);
  vb_statement_bind_text (statement, ++i, vb_consistency_to_string (backup->consistency));
  vb_statement_bind_int (statement, ++i, backup->incremental);
  vb_statement_bind_int (statement, ++i, backup->is_protected);
  vb_statement_bind_int (statement, ++i, backup->is_scheduled);
  vb_statement_bind_text (statement, ++i, backup->schedule);
  if (!vb_sqlite_step (sqlite, statement, NULL, error))
    return FALSE;

  for (guint j = 0; j < backup->disks->len; j++)
    if (!insert_disk (sqlite, backup->id, j, g_ptr_array_index (backup->disks, j), error))
      return FALSE;
  return TRUE;
}

gboolean
vb_sqlite_backups_save (VbSqlite *sqlite, GPtrArray *backups, GError **error)
{
  if (!vb_sqlite_exec (sqlite, "DELETE FROM backup_disks; DELETE FROM backups;", error))
    return FALSE;

  for (guint i = 0; i < backups->len; i++)
    if (!insert_backup (sqlite, g_ptr_array_index (backups, i), error))
      return FALSE;
  return TRUE;
}

/* ---- loading ---- */

static VbBackupInfo *
read_backup (VbStatement *statement)
{
  VbBackupInfo *backup;
  g_autofree char *id = vb_statement_dup_text (statement, 0);
  g_autofree char *vps = vb_statement_dup_text (statement, 1);
  g_autofree char *consistency = vb_statement_dup_text (statement, 8);

  backup = vb_backup_info_new (id, vps);
  backup->vps_name = vb_statement_dup_text (statement, 2);
  backup->name = vb_statement_dup_text (statement, 3);
  backup->created_at = vb_statement_dup_time (statement, 4);
  backup->completed_at = vb_statement_dup_time (statement, 5);
  backup->size_bytes = vb_statement_get_int (statement, 6);
  backup->unique_bytes = vb_statement_get_int (statement, 7);
  backup->consistency = vb_consistency_from_string (consistency);
  backup->incremental = vb_statement_get_int (statement, 9) != 0;
  backup->is_protected = vb_statement_get_int (statement, 10) != 0;
  backup->is_scheduled = vb_statement_get_int (statement, 11) != 0;
  backup->schedule = vb_statement_dup_text (statement, 15);
  return backup;
}

static void
read_disk (VbStatement *statement, VbBackupInfo *backup)
{
  g_autofree char *target = vb_statement_dup_text (statement, 12);
  VbBackupDisk *disk;

  if (target == NULL)
    return;
  disk = vb_backup_info_add_disk (backup, target);
  disk->virtual_size_bytes = vb_statement_get_int (statement, 13);
  disk->size_bytes = vb_statement_get_int (statement, 14);
}

GPtrArray *
vb_sqlite_backups_load (VbSqlite *sqlite, GError **error)
{
  g_autoptr (GPtrArray) backups
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  g_autoptr (VbStatement) statement = NULL;
  VbBackupInfo *backup = NULL;
  gboolean has_row;

  statement = vb_sqlite_prepare (
      sqlite,
      "SELECT b.id, b.vps, b.vps_name, b.name, b.created_at,"
      " b.completed_at, b.size_bytes, b.unique_bytes, b.consistency,"
      " b.incremental, b.protected, b.scheduled, d.target, d.virtual_size_bytes, d.size_bytes,"
      " b.schedule"
      " FROM backups b LEFT JOIN backup_disks d ON d.backup = b.id"
      " ORDER BY b.id, d.position",
      error);
  if (statement == NULL)
    return NULL;

  while (TRUE)
    {
      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&backups);

      /* One row a disk: the backup is new when its id differs from the row before. */
      if (backup == NULL
          || g_strcmp0 (backup->id, (const char *) sqlite3_column_text (statement, 0)) != 0)
        {
          backup = read_backup (statement);
          g_ptr_array_add (backups, backup);
        }
      read_disk (statement, backup);
    }
}
