/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backup of the present state that a restore makes first. */
#include "vb-manager-private.h"

#include "core/model/vb-vps-rotation.h"

static char *
make_name (GDateTime *started_at)
{
  g_autofree char *time = g_date_time_format (started_at, "%Y-%m-%d %H:%M");
  return g_strdup_printf ("Before the restore of %s", time);
}

static VbOperationRecord *
make_record (const VbOperationRecord *whole)
{
  VbOperationRecord *record = vb_operation_record_new ();

  record->id = g_uuid_string_random ();
  record->vps = g_strdup (whole->vps);
  record->vps_name = g_strdup (whole->vps_name);
  record->kind = VB_OPERATION_CREATE;
  record->state = VB_OPERATION_QUEUED;
  record->subject = g_strdup (whole->subject);
  record->backup = g_strdup (whole->first_backup);
  record->backup_name = make_name (whole->started_at);
  record->started_at = g_date_time_ref (whole->started_at);
  record->part_of = g_strdup (whole->id);
  return record;
}

VbBackupInfo *
vb_manager_make_first_info (VbVps *vps, const VbOperationRecord *whole)
{
  VbBackupInfo *info = vb_backup_info_new (whole->first_backup, whole->vps);

  info->vps_name = g_strdup (whole->vps_name);
  info->name = make_name (whole->started_at);
  info->sequence = vps != NULL ? vb_vps_next_sequence (vps) : 0; /* the pool knows better */
  info->created_at = g_date_time_ref (whole->started_at);
  return info;
}

/* --- in the journal --- */

static const VbOperationRecord *
find_record (GPtrArray *records, const char *id)
{
  for (guint i = 0; i < records->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (records, i);
      if (g_strcmp0 (record->id, id) == 0)
        return record;
    }
  return NULL;
}

void
vb_manager_take_firsts (VbManager *self)
{
  GPtrArray *unended = self->unended;

  self->unended = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_operation_record_free);
  for (guint i = 0; i < unended->len; i++)
    {
      VbOperationRecord *record = vb_operation_record_copy (g_ptr_array_index (unended, i));
      if (record->part_of != NULL && find_record (unended, record->part_of) != NULL)
        g_hash_table_replace (self->firsts, record->part_of, record);
      else
        g_ptr_array_add (self->unended, record);
    }
  g_ptr_array_unref (unended);
}

/* --- as it goes --- */

static void
apply (VbOperationWorker *part,
       const VbOperationRecord *record,
       const VbNotification *notification,
       gpointer user_data)
{
  VbManager *self = user_data;
  VbVps *vps = self ? g_hash_table_lookup (self->vps, record->vps) : NULL;

  if (self == NULL || vb_operation_worker_is_detached (part))
    return;
  if (vps != NULL)
    {
      vb_manager_update_backup (part, vps, record);
      vb_manager_emit_changed (self, vps);
      vb_manager_remember_backups (self);
    }
  if (notification != NULL)
    vb_manager_emit_notification (self, notification);
}

void
vb_manager_hand_first (VbManager *self, VbVps *vps, VbOperationWorker *job)
{
  g_autoptr (VbOperationRecord) whole = vb_operation_worker_dup_record (job);
  VbOperationRecord *known = NULL;

  if (whole->first_backup == NULL)
    return;
  (void) g_hash_table_steal_extended (self->firsts, whole->id, NULL, (gpointer *) &known);
  vb_operation_worker_set_first (job, known ? known : make_record (whole), apply);
  if (vps == NULL)
    return;
  VbVps *source = g_hash_table_lookup (self->vps, vb_operation_record_get_source (whole));
  VbBackup *restored = source ? vb_vps_find_backup (source, whole->backup) : NULL;
  if (restored != NULL)
    vb_transfer_expect (vb_operation_worker_get_transfer (job),
                        vb_backup_get_info (restored)->size_bytes);
  if (vb_vps_find_backup (vps, whole->first_backup) != NULL)
    return;
  g_autoptr (VbBackup) backup
      = vb_backup_new (vb_manager_make_first_info (vps, whole),
                       known ? VB_BACKUP_CREATING : VB_BACKUP_QUEUED, vb_vps_lease (vps, FALSE));
  vb_vps_add_backup (vps, backup);
}

void
vb_manager_end_first (VbVps *vps, VbOperationWorker *job)
{
  const VbOperationRecord *first = vb_operation_worker_get_first (job);
  VbBackup *backup = first ? vb_vps_find_backup (vps, first->backup) : NULL;

  if (backup != NULL && vb_backup_get_state (backup) != VB_BACKUP_AVAILABLE)
    vb_vps_remove_backup (vps, first->backup);
}
