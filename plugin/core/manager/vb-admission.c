/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the rules to an operation: the claim among hosts, the slow checks and the journal in a
 * worker, and only then is there something that anybody sees. */
#include "vb-admission.h"

#include "core/base/vb-log.h"

static void
admission_free (VbAdmission *admission)
{
  g_clear_pointer (&admission->record, vb_operation_record_free);
  g_clear_pointer (&admission->info, vb_backup_info_free);
  g_clear_pointer (&admission->bases, g_strfreev);
  g_clear_pointer (&admission->fresh, g_ptr_array_unref);
  g_clear_pointer (&admission->known, vb_operation_record_free);
  g_free (admission);
}

VbAdmission *
vb_admission_of (GTask *task)
{
  return g_task_get_task_data (task);
}

/* Ends the request and lets the next one in. */
void
vb_admission_fail (VbManager *self, GTask *task, GError *error)
{
  g_autofree char *vps = g_strdup (vb_admission_of (task)->record->vps);
  if (vb_admission_of (task)->claimed)
    vb_manager_give_back (self, vps);
  if (g_error_matches (error, VB_ERROR, VB_ERROR_OPERATION_RUNNING))
    vb_manager_note_elsewhere (self); /* it may be news that another host works on it */
  g_task_return_error (task, error);
  g_object_unref (task);
  vb_manager_leave (self, vps);
}

GTask *
vb_admission_task (VbManager *self,
                   gpointer tag,
                   VbOperationKind kind,
                   const char *subject,
                   const char *vps,
                   VbGateFunc rules,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  VbAdmission *admission = g_new0 (VbAdmission, 1);
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, admission, (GDestroyNotify) admission_free);
  admission->rules = rules;
  admission->record = vb_operation_record_new ();
  admission->record->id = g_uuid_string_random ();
  admission->record->vps = g_strdup (vps);
  admission->record->kind = kind;
  admission->record->subject = g_strdup (subject);
  admission->record->state = VB_OPERATION_QUEUED;
  return task;
}

gboolean
vb_admission_check_ready (VbManager *self, VbVps *vps, GError **error)
{
  if (self->stopping)
    vb_error_set_public (error, VB_ERROR_INTERRUPTED);
  else if (vb_vps_get_operation (vps) != NULL)
    vb_error_set_public (error, VB_ERROR_OPERATION_RUNNING);
  else if (!vb_hypervisor_is_available (self->hypervisor))
    vb_error_set_public (error, VB_ERROR_HYPERVISOR_UNAVAILABLE);
  else if (!self->pool_available)
    vb_error_set_public (error, VB_ERROR_POOL_UNAVAILABLE);
  else
    return TRUE;
  return FALSE;
}

static guint64
sum_allocated (GPtrArray *disks)
{
  guint64 bytes = 0;
  for (guint i = 0; i < disks->len; i++)
    bytes += ((VbDisk *) g_ptr_array_index (disks, i))->allocated_bytes;
  return bytes;
}

static gboolean
check_slow_things (VbManager *self, VbAdmission *admission, GError **error)
{
  const VbOperationRecord *record = admission->record;
  g_autoptr (GPtrArray) disks = vb_hypervisor_list_disks (self->hypervisor, record->vps, error);
  if (disks == NULL)
    return FALSE;
  if (record->kind == VB_OPERATION_RESTORE)
    return vb_pool_check_stage (self->pool, record->vps, record->backup, disks, error);
  /* How much a shared copy will need is known only once the changes are. */
  return vb_pool_check_space (self->pool, admission->may_share ? 0 : sum_allocated (disks), error);
}

/* From here on no other host changes anything of the VPS. Sets fresh when one has done so before.
 */
static gboolean
claim (VbManager *self, VbAdmission *admission, GError **error)
{
  const VbOperationRecord *record = admission->record;
  const char *half = record->kind == VB_OPERATION_CREATE ? record->backup : NULL;
  g_autoptr (GError) local = NULL;

  if (admission->claimed)
    return TRUE;
  admission->claimed = vb_claims_take (self->claims, record->vps, record->id, half, error);
  if (!admission->claimed)
    return FALSE;
  admission->fresh = vb_pool_list_again (self->pool, record->vps, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* FALSE without an error: by what is known now the rules may say something else. */
static void
admit_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbAdmission *admission = data;
  GError *error = NULL;

  if (claim (self, admission, &error) && admission->fresh != NULL)
    g_task_return_boolean (task, FALSE);
  else if (error == NULL && check_slow_things (self, admission, &error)
           && vb_journal_save_operation (self->journal, admission->record, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* The operation exists from here on. */
static void
begin (VbManager *self, VbVps *vps, VbAdmission *admission)
{
  VbBackupInfo *info = admission->info ? vb_backup_info_copy (admission->info) : NULL;
  g_autoptr (VbOperationWorker) job
      = vb_manager_new_job (self, vb_operation_record_copy (admission->record), info);
  job->bases = g_steal_pointer (&admission->bases);
  job->claimed = admission->claimed;
  vb_manager_attach_job (self, vps, job);

  if (admission->info != NULL)
    {
      /* The gate has kept everybody from the slot that was free at the rules; taken and shown at
       * once. */
      VbSlotLease *lease = vb_vps_lease (vps, admission->info->is_scheduled);
      g_autoptr (VbBackup) backup
          = vb_backup_new (g_steal_pointer (&admission->info), VB_BACKUP_QUEUED, lease);
      vb_vps_add_backup (vps, backup);
    }
  else
    vb_backup_set_state (vb_vps_find_backup (vps, admission->record->backup), VB_BACKUP_RESTORING);

  vb_log_info (job->vps, admission->record->id, admission->record->backup, "%s queued for %s",
               vb_operation_kind_to_string (admission->record->kind), admission->record->subject);
  vb_manager_emit_changed (self, vps);
  vb_manager_enqueue (self, job);
}

static void
look_again (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  g_autoptr (GPtrArray) fresh = g_steal_pointer (&admission->fresh);

  vb_manager_merge_vps (self, admission->record->vps, fresh);
  admission->rules (self, task);
}

static void
admitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GTask *task = user_data;
  VbAdmission *admission = vb_admission_of (task);
  GError *error = NULL;

  gboolean done = g_task_propagate_boolean (G_TASK (result), &error);
  if (error != NULL)
    {
      vb_admission_fail (self, task, error);
      return;
    }
  if (!done)
    {
      look_again (self, task);
      return;
    }
  VbVps *vps = g_hash_table_lookup (self->vps, admission->record->vps);
  if (vps == NULL)
    {
      /* Undefined while we looked at it. The record ends like that of any other crash: with the
       * next start. */
      vb_error_set_public (&error, VB_ERROR_NOT_FOUND);
      vb_admission_fail (self, task, error);
      return;
    }
  begin (self, vps, admission);
  g_autofree char *uuid = g_strdup (admission->record->vps);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  vb_manager_leave (self, uuid);
}

void
vb_admission_admit (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  if (admission->record->started_at == NULL)
    admission->record->started_at = g_date_time_new_now_utc ();
  g_autoptr (GTask) slow = g_task_new (self, NULL, admitted, task);
  g_task_set_task_data (slow, admission, NULL);
  vb_worker_run (self->pool_worker, slow, admit_in_thread);
}
