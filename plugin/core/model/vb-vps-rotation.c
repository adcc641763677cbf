/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-vps-rotation.h"

VbSlotLease *
vb_vps_lease (VbVps *self, gboolean is_scheduled)
{
  VbSlots *slots = vb_vps_get_slots (self);

  if (is_scheduled && vb_slots_is_full (slots) && vb_vps_find_rotatable (self, NULL, NULL) != NULL)
    return NULL;
  return vb_slots_lease (slots);
}

VbBackup *
vb_vps_find_without_slot (VbVps *self)
{
  GPtrArray *backups = vb_vps_get_backups (self);

  for (guint i = 0; i < backups->len; i++)
    if (!vb_backup_has_slot (g_ptr_array_index (backups, i)))
      return g_ptr_array_index (backups, i);
  return NULL;
}

static gboolean
is_rotatable (VbBackup *backup)
{
  const VbBackupInfo *info = vb_backup_get_info (backup);

  return info->is_scheduled && !info->is_protected
         && vb_backup_get_state (backup) == VB_BACKUP_AVAILABLE;
}

VbBackup *
vb_vps_find_rotatable (VbVps *self, const char *except, const char *schedule)
{
  GPtrArray *backups = vb_vps_get_backups (self);
  VbBackup *oldest = NULL, *own = NULL;

  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      const VbBackupInfo *info = vb_backup_get_info (backup);
      if (!is_rotatable (backup) || g_strcmp0 (info->id, except) == 0)
        continue;
      oldest = backup;
      if (g_strcmp0 (vb_backup_info_get_schedule (info), schedule) == 0)
        own = backup;
    }
  return own != NULL ? own : oldest;
}

static VbBackup *
find_latest_good (VbVps *self)
{
  GPtrArray *backups = vb_vps_get_backups (self);

  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      if (vb_backup_get_state (backup) == VB_BACKUP_AVAILABLE && !vb_backup_is_damaged (backup))
        return backup;
    }
  return NULL;
}

GPtrArray *
vb_vps_find_surplus (VbVps *self, const VbSchedule *schedule, VbBackup *except, gint64 next)
{
  GPtrArray *backups = vb_vps_get_backups (self);
  const VbBackup *good = next == VB_CALENDAR_NEVER ? find_latest_good (self) : NULL;
  GPtrArray *surplus = g_ptr_array_new ();
  VbRetention retention;

  vb_retention_init (&retention, vb_schedule_get_keep (schedule));
  if (next != VB_CALENDAR_NEVER)
    vb_retention_look (&retention, next);
  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      const VbBackupInfo *info = vb_backup_get_info (backup);
      if (!is_rotatable (backup) || info->created_at == NULL
          || g_strcmp0 (vb_backup_info_get_schedule (info), vb_schedule_get_id (schedule)) != 0)
        continue;
      gint64 minute = vb_schedule_minute_of (schedule, info->created_at);
      if (vb_retention_look (&retention, minute) == VB_KEPT_NOT && backup != good
          && backup != except)
        g_ptr_array_add (surplus, backup);
    }
  return surplus;
}
