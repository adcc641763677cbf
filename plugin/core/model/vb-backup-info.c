/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup-info.h"

#include "vb-schedule.h"

static void
backup_disk_free (VbBackupDisk *disk)
{
  g_free (disk->target);
  g_clear_pointer (&disk->origin, vb_disk_origin_unref);
  g_free (disk);
}

VbBackupInfo *
vb_backup_info_new (const char *id, const char *vps)
{
  VbBackupInfo *self = g_new0 (VbBackupInfo, 1);
  self->id = g_strdup (id);
  self->vps = g_strdup (vps);
  self->unique_bytes = -1;
  self->disks = g_ptr_array_new_with_free_func ((GDestroyNotify) backup_disk_free);
  return self;
}

VbBackupInfo *
vb_backup_info_copy (const VbBackupInfo *self)
{
  VbBackupInfo *copy = vb_backup_info_new (self->id, self->vps);
  copy->vps_name = g_strdup (self->vps_name);
  copy->name = g_strdup (self->name);
  copy->sequence = self->sequence;
  copy->created_at = self->created_at ? g_date_time_ref (self->created_at) : NULL;
  copy->completed_at = self->completed_at ? g_date_time_ref (self->completed_at) : NULL;
  copy->size_bytes = self->size_bytes;
  copy->unique_bytes = self->unique_bytes;
  copy->consistency = self->consistency;
  copy->incremental = self->incremental;
  copy->is_protected = self->is_protected;
  copy->is_scheduled = self->is_scheduled;
  copy->schedule = g_strdup (self->schedule);
  vb_backup_info_take_disks (copy, self);
  return copy;
}

void
vb_backup_info_take_disks (VbBackupInfo *self, const VbBackupInfo *from)
{
  g_ptr_array_set_size (self->disks, 0);
  for (guint i = 0; i < from->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (from->disks, i);
      VbBackupDisk *copy = vb_backup_info_add_disk (self, disk->target);
      copy->virtual_size_bytes = disk->virtual_size_bytes;
      copy->size_bytes = disk->size_bytes;
      copy->origin = disk->origin ? vb_disk_origin_ref (disk->origin) : NULL;
    }
}

void
vb_backup_info_free (VbBackupInfo *self)
{
  g_free (self->id);
  g_free (self->vps);
  g_free (self->schedule);
  g_free (self->vps_name);
  g_free (self->name);
  g_clear_pointer (&self->created_at, g_date_time_unref);
  g_clear_pointer (&self->completed_at, g_date_time_unref);
  g_ptr_array_unref (self->disks);
  g_free (self);
}

gint
vb_backup_info_compare (const VbBackupInfo *left, const VbBackupInfo *right)
{
  if (left->sequence != right->sequence)
    return left->sequence > right->sequence ? -1 : 1;
  if (left->created_at == NULL || right->created_at == NULL)
    return (left->created_at == NULL) - (right->created_at == NULL);
  return g_date_time_compare (right->created_at, left->created_at);
}

VbBackupDisk *
vb_backup_info_add_disk (VbBackupInfo *self, const char *target)
{
  VbBackupDisk *disk = g_new0 (VbBackupDisk, 1);
  disk->target = g_strdup (target);
  g_ptr_array_add (self->disks, disk);
  return disk;
}

const char *
vb_backup_info_get_schedule (const VbBackupInfo *self)
{
  if (!self->is_scheduled)
    return NULL;
  return self->schedule != NULL ? self->schedule : VB_SCHEDULE_FIRST;
}
