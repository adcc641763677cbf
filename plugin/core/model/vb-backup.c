/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup.h"

struct _VbBackup
{
  GObject parent_instance;

  VbBackupInfo *info;
  VbBackupState state;
  VbSlotLease *lease;
  VbCheck check; /* at_us 0: not yet */
};

static const char *const state_words[] = { "queued", "creating", "available", "restoring" };

G_DEFINE_FINAL_TYPE (VbBackup, vb_backup, G_TYPE_OBJECT)

static void
vb_backup_finalize (GObject *object)
{
  VbBackup *self = VB_BACKUP (object);

  vb_backup_info_free (self->info);
  g_clear_pointer (&self->lease, vb_slot_lease_free);
  G_OBJECT_CLASS (vb_backup_parent_class)->finalize (object);
}

static void
vb_backup_class_init (VbBackupClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_backup_finalize;
}

static void
vb_backup_init (VbBackup *self)
{
}

const char *
vb_backup_state_to_string (VbBackupState state)
{
  return state_words[state];
}

VbBackup *
vb_backup_new (VbBackupInfo *info, VbBackupState state, VbSlotLease *lease)
{
  VbBackup *self = g_object_new (VB_TYPE_BACKUP, NULL);
  self->info = info;
  self->state = state;
  self->lease = lease;
  return self;
}

const char *
vb_backup_get_id (VbBackup *self)
{
  return self->info->id;
}

const VbBackupInfo *
vb_backup_get_info (VbBackup *self)
{
  return self->info;
}

VbBackupState
vb_backup_get_state (VbBackup *self)
{
  return self->state;
}

void
vb_backup_set_state (VbBackup *self, VbBackupState state)
{
  self->state = state;
}

void
vb_backup_set_info (VbBackup *self, VbBackupInfo *info)
{
  vb_backup_info_free (self->info);
  self->info = info;
}

void
vb_backup_set_name (VbBackup *self, const char *name)
{
  g_free (self->info->name);
  self->info->name = g_strdup (name);
}

void
vb_backup_set_protected (VbBackup *self, gboolean is_protected)
{
  self->info->is_protected = is_protected;
}

void
vb_backup_take_disks (VbBackup *self, const VbBackupInfo *from)
{
  vb_backup_info_take_disks (self->info, from);
  self->info->sequence = from->sequence;
}

gboolean
vb_backup_set_unique_bytes (VbBackup *self, gint64 unique_bytes)
{
  gboolean changed = self->info->unique_bytes != unique_bytes;

  self->info->unique_bytes = unique_bytes;
  return changed;
}

void
vb_backup_set_schedule (VbBackup *self, gboolean is_scheduled, const char *schedule)
{
  g_free (self->info->schedule);
  self->info->schedule = g_strdup (schedule);
  self->info->is_scheduled = is_scheduled;
}

gboolean
vb_backup_set_check (VbBackup *self, const VbCheck *check)
{
  gboolean changed
      = self->check.at_us != check->at_us || self->check.bad_chunks != check->bad_chunks;

  self->check = *check;
  return changed;
}

GDateTime *
vb_backup_get_verified_at (VbBackup *self)
{
  return self->check.at_us > 0 ? g_date_time_new_from_unix_utc (self->check.at_us / G_USEC_PER_SEC)
                               : NULL;
}

gboolean
vb_backup_is_damaged (VbBackup *self)
{
  return self->check.bad_chunks > 0;
}

gboolean
vb_backup_has_slot (VbBackup *self)
{
  return self->lease != NULL;
}

void
vb_backup_take_slot (VbBackup *self, VbSlotLease *lease)
{
  g_assert (self->lease == NULL);
  self->lease = lease;
}

void
vb_backup_release_slot (VbBackup *self)
{
  g_clear_pointer (&self->lease, vb_slot_lease_free);
}
