/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the rules to an operation: the claim among hosts, the slow checks and the journal in a
 * worker, and only then is there something that anybody sees. */
#include "vb-admission.h"

#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"
#include "core/model/vb-vps-rotation.h"

/* Whoever asks is told within this time that the host is in trouble, though it may still come to
 * its own answer. */
#define ANSWER_WITHIN_S 25

static void
admission_free (VbAdmission *admission)
{
  g_clear_pointer (&admission->record, vb_operation_record_free);
  g_clear_pointer (&admission->info, vb_backup_info_free);
  g_clear_pointer (&admission->bases, g_ptr_array_unref);
  g_clear_pointer (&admission->fresh, g_ptr_array_unref);
  g_clear_pointer (&admission->warnings, g_ptr_array_unref);
  g_clear_pointer (&admission->undo, vb_undo_free);
  g_clear_pointer (&admission->kept, g_ptr_array_unref);
  g_clear_pointer (&admission->to_drop, vb_undo_free);
  g_clear_pointer (&admission->known, vb_operation_record_free);
  g_clear_error (&admission->failure);
  g_clear_pointer (&admission->lock, vb_vps_lock_free);
  g_free (admission);
}

VbAdmission *
vb_admission_of (GTask *task)
{
  return g_task_get_task_data (task);
}

void
vb_admission_leave (VbManager *self, GTask *task, GError *error)
{
  VbAdmission *admission = vb_admission_of (task);
  g_autoptr (VbVpsLock) lock = g_steal_pointer (&admission->lock);

  if (admission->answered)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
look_again_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const VbAdmission *admission = data;

  vb_hypervisor_announce (VB_MANAGER (source)->hypervisor, admission->record->vps);
  g_task_return_boolean (task, TRUE);
}

static void
looked_again (VbManager *self, GTask *task)
{
  if (vb_admission_of (task)->answered)
    vb_admission_leave (self, task, NULL);
  else
    vb_admission_of (task)->rules (self, task);
}

/* No event tells that an image has changed or is as it should be again, so what is known may be
 * old. */
static gboolean
may_be_outdated (const VbAdmission *admission, const GError *error)
{
  return !admission->looked_again && !admission->answered
         && g_error_matches (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK);
}

void
vb_admission_fail (VbManager *self, GTask *task, GError *error)
{
  VbAdmission *admission = vb_admission_of (task);

  if (admission->claimed)
    vb_manager_give_back (self, admission->record->vps);
  admission->claimed = FALSE;
  if (g_error_matches (error, VB_ERROR, VB_ERROR_OPERATION_RUNNING))
    vb_manager_note_elsewhere (self); /* it may be news that another host works on it */
  if (may_be_outdated (admission, error))
    {
      g_error_free (error);
      admission->looked_again = TRUE;
      vb_admission_work (self, task, self->hypervisor_worker, look_again_in_thread, looked_again);
      return;
    }
  vb_admission_leave (self, task, error);
}

/* --- waiting --- */

static void
entered (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  VbAdmission *admission = vb_admission_of (task);

  if (lock == NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      return;
    }
  admission->lock = lock;
  VbManager *self = g_task_get_source_object (task);
  admission->next (self, g_steal_pointer (&task));
}

void
vb_admission_enter (VbManager *self, GTask *task, VbRequestFunc inside)
{
  vb_admission_of (task)->next = inside;
  vb_vps_locks_acquire (self->locks, vb_admission_of (task)->record->vps,
                        VB_VPS_LOCK_NEEDS_POOL | VB_VPS_LOCK_NEEDS_JOURNAL, entered, task);
}

static void
abandon (const GError *error, gpointer user_data)
{
  GTask *task = user_data;

  vb_admission_of (task)->answered = TRUE;
  g_task_return_error (task, g_error_copy (error));
}

static void
regained (gpointer user_data)
{
  GTask *task = user_data;
  VbManager *self = g_task_get_source_object (task);

  vb_admission_of (task)->next (self, task);
}

static void
worked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbAdmission *admission = vb_admission_of (user_data);

  (void) g_task_propagate_boolean (G_TASK (result), &admission->failure);
  vb_vps_lock_regain (admission->lock, regained, user_data);
}

void
vb_admission_work (VbManager *self,
                   GTask *task,
                   VbWorker *worker,
                   GTaskThreadFunc func,
                   VbRequestFunc next)
{
  VbAdmission *admission = vb_admission_of (task);
  g_autoptr (GTask) slow = g_task_new (self, NULL, worked, task);

  admission->next = next;
  g_task_set_task_data (slow, admission, NULL);
  /* Its limit is for the first wait only: whoever was answered is not answered again. */
  vb_vps_lock_yield (admission->lock, admission->answered ? 0 : ANSWER_WITHIN_S, abandon, task);
  vb_worker_run (worker, slow, func);
}

GTask *
vb_admission_task (VbManager *self,
                   gpointer tag,
                   VbOperationKind kind,
                   const char *subject,
                   const char *vps,
                   VbRequestFunc rules,
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
  else if (self->journal_hung)
    vb_error_set_public (error, VB_ERROR_JOURNAL_UNAVAILABLE);
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

/* Where space is short, what is kept of earlier restores is the first to go: the VPS's own, then
 * the oldest. */
static void
choose_to_drop (VbManager *self, VbAdmission *admission, GPtrArray *disks)
{
  for (guint i = 0; admission->to_drop == NULL && i < admission->kept->len; i++)
    {
      const VbUndo *undo = g_ptr_array_index (admission->kept, i);
      if (vb_pool_shares_space_with_kept (self->pool, undo, disks))
        admission->to_drop = vb_undo_copy (undo);
    }
}

static gboolean
check_stage (VbManager *self, VbAdmission *admission, GPtrArray *disks, GError **error)
{
  const VbOperationRecord *record = admission->record;
  g_autoptr (GError) failure = NULL;

  g_clear_pointer (&admission->to_drop, vb_undo_free);
  if ((record->source_vps ? vb_pool_check_clone : vb_pool_check_stage) (
          self->pool, vb_operation_record_get_source (record), record->backup, disks, &failure))
    return TRUE;
  if (vb_error_code_of (failure) == VB_ERROR_INSUFFICIENT_SPACE)
    choose_to_drop (self, admission, disks);
  if (admission->dry && admission->to_drop != NULL)
    {
      g_ptr_array_add (
          admission->warnings,
          g_strdup (_ ("Space is short: the disks that are kept of earlier restores are "
                       "deleted, which cannot be undone any more.")));
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
check_slow_things (VbManager *self, VbAdmission *admission, GError **error)
{
  const VbOperationRecord *record = admission->record;
  gboolean makes_backup = vb_operation_record_get_half (record) != NULL;
  if (makes_backup && self->settings.state_folder != NULL
      && !vb_power_lock_check_whole (self->settings.state_folder, record->vps, error))
    return FALSE;
  g_autoptr (GPtrArray) disks = vb_hypervisor_list_disks (self->hypervisor, record->vps, error);
  if (disks == NULL)
    return FALSE;
  if (record->replace_disks)
    vb_disks_allow_overwrite (disks);
  if (record->kind == VB_OPERATION_UNDO)
    {
      g_autoptr (VbStaging) kept = vb_pool_find_kept (self->pool, admission->undo, disks, error);
      return kept != NULL;
    }
  if (record->kind == VB_OPERATION_RESTORE)
    {
      g_clear_pointer (&admission->warnings, g_ptr_array_unref);
      admission->warnings = vb_hypervisor_check_restore (self->hypervisor, record->vps, error);
      if (admission->warnings == NULL || !check_stage (self, admission, disks, error))
        return FALSE;
      if (!makes_backup)
        return TRUE;
    }
  /* How much a shared copy will need is known only once the changes are. */
  return vb_pool_check_space (self->pool, admission->may_share ? 0 : sum_allocated (disks), error);
}

/* From here on no other host changes anything of the VPS. Sets fresh when one has done so
 * before. */
static gboolean
claim (VbManager *self, VbAdmission *admission, GError **error)
{
  const VbOperationRecord *record = admission->record;
  g_autoptr (GError) local = NULL;

  if (admission->claimed)
    return TRUE;
  admission->claimed = vb_claims_take (self->claims, record->vps, record->id,
                                       vb_operation_record_get_half (record), error);
  if (!admission->claimed)
    return FALSE;
  admission->fresh = vb_pool_list_again (self->pool, record->vps, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static void
admit_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbAdmission *admission = data;
  GError *error = NULL;

  if (admission->dry)
    check_slow_things (self, admission, &error);
  else if (claim (self, admission, &error) && admission->fresh == NULL
           && check_slow_things (self, admission, &error))
    admission->saved = vb_journal_save_operation (self->journal, admission->record, NULL, &error);
  if (error == NULL)
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
  vb_operation_worker_set_bases (job, g_steal_pointer (&admission->bases), admission->read_all);
  vb_operation_worker_set_claimed (job, admission->claimed);
  vb_manager_hand_undo (self, job);
  vb_manager_hand_first (self, vps, job);
  vb_manager_attach_job (self, vps, job);

  if (admission->record->kind == VB_OPERATION_CREATE)
    {
      /* The lock has kept everybody from the slot that was free at the rules; taken and shown at
       * once. */
      VbSlotLease *lease = vb_vps_lease (vps, admission->info->is_scheduled);
      g_autoptr (VbBackup) backup
          = vb_backup_new (g_steal_pointer (&admission->info), VB_BACKUP_QUEUED, lease);
      vb_vps_add_backup (vps, backup);
    }
  else if (admission->record->kind == VB_OPERATION_RESTORE && admission->record->source_vps == NULL)
    vb_backup_set_state (vb_vps_find_backup (vps, admission->record->backup), VB_BACKUP_RESTORING);

  vb_log_info (admission->record->vps, admission->record->id, admission->record->backup,
               "%s queued for %s", vb_operation_kind_to_string (admission->record->kind),
               admission->record->subject);
  vb_manager_emit_changed (self, vps);
  vb_manager_enqueue (self, job);
}

/* By what is known now the rules may say something else. */
static void
look_again (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  g_autoptr (GPtrArray) fresh = g_steal_pointer (&admission->fresh);

  vb_manager_merge_vps (self, admission->record->vps, fresh);
  admission->rules (self, task);
}

/* --- what was journalled and is not wanted any more --- */

static void
save_unwanted_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbAdmission *admission = data;
  GError *error = NULL;

  if (vb_journal_save_operation (self->journal, admission->record, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Should that fail, the next start ends it. */
static void
unwanted_saved (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  const VbOperationRecord *record = admission->record;
  GError *error = NULL;

  if (admission->failure != NULL)
    vb_log_warning (record->vps, record->id, record->backup,
                    "Failed to record the end of the operation: %s", admission->failure->message);
  vb_error_set_public (&error, vb_error_code_from_reason (record->error_reason));
  vb_admission_fail (self, task, error);
}

/* The key is free again: whoever asks once more shall get more than this. */
static void
end_unwanted (VbManager *self, GTask *task, VbError code)
{
  VbOperationRecord *record = vb_admission_of (task)->record;

  record->state = VB_OPERATION_FAILED;
  g_clear_pointer (&record->request_key, g_free);
  record->error_reason = g_strdup (vb_error_reason (code));
  record->error_message = g_strdup (vb_error_public_message (code));
  record->ended_at = g_date_time_new_now_utc ();
  vb_admission_work (self, task, self->journal_worker, save_unwanted_in_thread, unwanted_saved);
}

static gboolean
has_slot (VbVps *vps, const VbAdmission *admission)
{
  VbSlots *slots = vb_vps_get_slots (vps);

  return admission->info == NULL || admission->info->is_scheduled
         || vb_slots_get_used (slots) < vb_slots_get_total (slots);
}

static void
admitted (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, admission->record->vps);

  if (admission->failure != NULL && admission->to_drop != NULL)
    vb_admission_make_room (self, task, g_steal_pointer (&admission->failure));
  else if (admission->failure != NULL)
    vb_admission_fail (self, task, g_steal_pointer (&admission->failure));
  else if (admission->dry)
    vb_admission_leave (self, task, NULL);
  else if (!admission->saved && admission->answered)
    vb_admission_fail (self, task, NULL);
  else if (!admission->saved)
    look_again (self, task);
  else if (admission->answered)
    end_unwanted (self, task, VB_ERROR_INTERRUPTED);
  else if (vps == NULL)
    end_unwanted (self, task, VB_ERROR_NOT_FOUND); /* undefined while we looked at it */
  else if (!has_slot (vps, admission))
    end_unwanted (self, task, VB_ERROR_SLOTS_FULL); /* fewer slots while we looked at it */
  else
    {
      begin (self, vps, admission);
      vb_admission_leave (self, task, NULL);
    }
}

void
vb_admission_admit (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  if (admission->record->started_at == NULL)
    admission->record->started_at = g_date_time_new_now_utc ();
  vb_admission_work (self, task, self->pool_worker, admit_in_thread, admitted);
}
