/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup-checks.h"

struct _VbBackupChecks
{
  GHashTable *known;     /* backup id → VbCheck */
  GHashTable *postponed; /* backup id → gint64, see vb_backup_checks_postpone() */
};

VbBackupChecks *
vb_backup_checks_new (void)
{
  VbBackupChecks *self = g_new0 (VbBackupChecks, 1);

  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->postponed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
vb_backup_checks_free (VbBackupChecks *self)
{
  g_hash_table_unref (self->known);
  g_hash_table_unref (self->postponed);
  g_free (self);
}

void
vb_backup_checks_load (VbBackupChecks *self, GHashTable *checks)
{
  GHashTableIter iter;
  gpointer backup, check;

  g_hash_table_iter_init (&iter, checks);
  while (g_hash_table_iter_next (&iter, &backup, &check))
    vb_backup_checks_set (self, backup, check);
}

const VbCheck *
vb_backup_checks_get (VbBackupChecks *self, const char *backup)
{
  return g_hash_table_lookup (self->known, backup);
}

gboolean
vb_backup_checks_is_damaged (VbBackupChecks *self, const char *backup)
{
  const VbCheck *check = vb_backup_checks_get (self, backup);
  return check != NULL && check->bad_chunks > 0;
}

void
vb_backup_checks_set (VbBackupChecks *self, const char *backup, const VbCheck *check)
{
  g_hash_table_replace (self->known, g_strdup (backup), g_memdup2 (check, sizeof *check));
  g_hash_table_remove (self->postponed, backup);
}

void
vb_backup_checks_postpone (VbBackupChecks *self, const char *backup, gint64 as_of_us)
{
  g_hash_table_replace (self->postponed, g_strdup (backup), g_memdup2 (&as_of_us, sizeof as_of_us));
}

gint64
vb_backup_checks_get_age_base_us (VbBackupChecks *self, const VbBackupInfo *info)
{
  const gint64 *postponed = g_hash_table_lookup (self->postponed, info->id);
  const VbCheck *check = vb_backup_checks_get (self, info->id);

  if (postponed != NULL)
    return *postponed;
  if (check != NULL)
    return check->at_us;
  return info->completed_at ? g_date_time_to_unix (info->completed_at) * G_USEC_PER_SEC : 0;
}

static gboolean
is_absent (gpointer backup, gpointer value, gpointer present)
{
  return !g_hash_table_contains (present, backup);
}

void
vb_backup_checks_keep_only (VbBackupChecks *self, GHashTable *present)
{
  g_hash_table_foreach_remove (self->known, is_absent, present);
  g_hash_table_foreach_remove (self->postponed, is_absent, present);
}

void
vb_backup_checks_forget (VbBackupChecks *self, const char *backup)
{
  g_hash_table_remove (self->known, backup);
  g_hash_table_remove (self->postponed, backup);
}

guint
vb_backup_checks_get_n (VbBackupChecks *self)
{
  return g_hash_table_size (self->known) + g_hash_table_size (self->postponed);
}

gboolean
vb_backup_checks_show (VbBackupChecks *self, VbVps *vps)
{
  GPtrArray *backups = vb_vps_get_backups (vps);
  gboolean changed = FALSE;

  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      const VbCheck *check = vb_backup_checks_get (self, vb_backup_get_id (backup));
      changed = (check != NULL && vb_backup_set_check (backup, check)) || changed;
    }
  return changed;
}
