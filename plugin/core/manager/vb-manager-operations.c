/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs: the queue in front of them, what their changes do to the state, and their progress. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

/* At most 4 progress events a second for each operation, and one at least every 2 s. */
#define PROGRESS_PERIOD_MS 300
#define PROGRESS_SILENCE_US (1500 * G_TIME_SPAN_MILLISECOND)
#define MAX_REMEMBERED 10000
/* What has not moved for so long waits for something that hangs. */
#define STILL_US (60 * G_USEC_PER_SEC)
/* Each of them may have a connection to libvirt and a few threads. */
#define STILL_MAX 12

static void pump (VbManager *self);

void
vb_manager_update_backup (VbOperationWorker *job, VbVps *vps, const VbOperationRecord *record)
{
  VbBackup *backup = vb_vps_find_backup (vps, record->backup);
  if (backup == NULL || record->kind == VB_OPERATION_UNDO)
    return;
  if (record->kind == VB_OPERATION_RESTORE)
    {
      gboolean ended = vb_operation_state_is_end (record->state);
      vb_backup_set_state (backup, ended ? VB_BACKUP_AVAILABLE : VB_BACKUP_RESTORING);
      return;
    }
  if (record->state == VB_OPERATION_COMPLETED)
    {
      vb_backup_set_info (backup, vb_backup_info_copy (vb_operation_worker_get_info (job)));
      vb_vps_sort_backups (vps); /* one that began anew is of a later time than it was shown with */
      vb_backup_set_state (backup, VB_BACKUP_AVAILABLE);
    }
  else if (vb_operation_state_is_end (record->state))
    vb_vps_remove_backup (vps, record->backup);
  else if (record->state != VB_OPERATION_QUEUED)
    vb_backup_set_state (backup, VB_BACKUP_CREATING);
}

static void
delete_checkpoints_in_thread (GTask *task,
                              gpointer source,
                              gpointer data,
                              GCancellable *cancellable)
{
  VbManager *self = source;
  GPtrArray *backups = data;
  const char *vps = g_object_get_data (G_OBJECT (task), "vps");

  for (guint i = 0; i < backups->len; i++)
    {
      g_autoptr (GError) error = NULL;
      const char *backup = g_ptr_array_index (backups, i);
      if (!vb_hypervisor_delete_checkpoint (self->hypervisor, vps, backup, &error))
        vb_log_warning (vps, NULL, backup,
                        "Failed to delete the checkpoint of a deleted backup: %s", error->message);
    }
  g_task_return_boolean (task, TRUE);
}

/* Checkpoints of backups that were deleted while the operation held the VPS. */
static void
delete_late_checkpoints (VbManager *self, const char *uuid)
{
  g_autofree char *key = NULL;
  GPtrArray *backups = NULL;
  if (!g_hash_table_steal_extended (self->checkpoint_gone, uuid, (gpointer *) &key,
                                    (gpointer *) &backups))
    return;
  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);
  g_task_set_task_data (task, backups, (GDestroyNotify) g_ptr_array_unref);
  g_object_set_data_full (G_OBJECT (task), "vps", g_steal_pointer (&key), g_free);
  vb_worker_run (self->hypervisor_worker, task, delete_checkpoints_in_thread);
}

static void
finish_vps (VbManager *self, VbVps *vps)
{
  vb_vps_set_operation (vps, NULL);
  delete_late_checkpoints (self, vb_vps_get_uuid (vps));
  vb_manager_release_marks (self, vps);
  vb_manager_emit_changed (self, vps);
  vb_manager_remember_backups (self);
  vb_manager_measure_unique_sizes (self, vb_vps_get_uuid (vps));
  if (g_hash_table_remove (self->gone, vb_vps_get_uuid (vps)))
    vb_manager_drop_vps (self, vb_vps_get_uuid (vps));
}

/* So that a late cancel is told "too late" and not "no such operation". */
static void
note_ended (VbManager *self, const VbOperationRecord *record)
{
  if (g_hash_table_size (self->ended) >= MAX_REMEMBERED)
    g_hash_table_remove_all (self->ended);
  g_hash_table_insert (self->ended, g_strdup (record->id), g_strdup (record->vps));
}

/* A restore that met a bad chunk; its worker has journalled that. It is announced with the end of
 * the operation, not before. */
static void
note_damage (VbManager *self, VbVps *vps, const VbOperationRecord *record)
{
  VbCheck check = { .at_us = g_get_real_time (), .bad_chunks = 1 };

  if (record->kind == VB_OPERATION_RESTORE && record->state == VB_OPERATION_FAILED
      && vb_error_code_from_reason (record->error_reason) == VB_ERROR_CHECKSUM_MISMATCH)
    {
      VbVps *source = g_hash_table_lookup (self->vps, vb_operation_record_get_source (record));
      vb_backup_checks_set (self->checks, record->backup, &check);
      if (source != NULL && vb_backup_checks_show (self->checks, source) && source != vps)
        vb_manager_emit_changed (self, source);
    }
}

static void
apply (VbOperationWorker *job,
       const VbOperationRecord *record,
       const VbNotification *notification,
       gpointer user_data)
{
  VbManager *self = user_data;
  if (self == NULL)
    return;

  /* One that could not be journalled has not ended for anybody. */
  gboolean ended
      = vb_operation_state_is_end (record->state) && !vb_operation_worker_is_detached (job);
  VbVps *vps = g_hash_table_lookup (self->vps, record->vps);
  if (ended)
    vb_manager_note_undo (self, job, record);
  g_autoptr (VbOperation) operation = vps ? vb_vps_get_operation (vps) : NULL;
  if (operation != NULL && (ended || !vb_operation_state_is_end (record->state)))
    {
      g_object_ref (operation);
      vb_operation_sample (operation, g_get_monotonic_time ());
      vb_operation_apply (operation, record);
      vb_manager_update_backup (job, vps, record);
      note_damage (self, vps, record);
      if (ended)
        {
          vb_manager_end_first (vps, job);
          vb_manager_emit_progress (self, vps, operation);
          finish_vps (self, vps);
        }
      else
        vb_manager_emit_changed (self, vps);
    }
  if (notification != NULL)
    vb_manager_emit_notification (self, notification);
  if (!ended && !vb_operation_worker_is_detached (job))
    return;

  /* It could not remove its half of a backup. */
  if (record->kind == VB_OPERATION_CREATE
      && g_strcmp0 (record->error_reason, vb_error_reason (VB_ERROR_POOL_UNAVAILABLE)) == 0)
    self->sweep_due = TRUE;
  self->running--;
  self->standing_still = 0; /* until they are counted again */
  if (ended)
    note_ended (self, record);
  g_hash_table_remove (self->jobs, record->id);
  pump (self);
  vb_manager_check_stopped (self);
}

VbOperationWorker *
vb_manager_new_job (VbManager *self, VbOperationRecord *record, VbBackupInfo *info)
{
  g_autoptr (VbTransfer) transfer
      = vb_transfer_new (NULL, self->settings.bandwidth_limit_bytes_per_s);
  return vb_operation_worker_new (self->hypervisor, self->pool, self->journal, &self->settings,
                                  transfer, record, info, apply, self);
}

static void
save_stalled_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbOperationWorker *job = data;
  vb_operation_worker_save_stalled (
      job, GPOINTER_TO_INT (g_object_get_data (G_OBJECT (task), "stalled")));
  g_task_return_boolean (task, TRUE);
}

static void
watch_stall (VbManager *self, VbOperationWorker *job, VbOperation *operation, gint64 now_us)
{
  VbProgress *progress = vb_operation_get_progress (operation);
  /* Waiting in the queue is not standing still. */
  if (vb_operation_get_state (operation) == VB_OPERATION_QUEUED)
    vb_progress_touch (progress, now_us);
  vb_operation_worker_set_still (job, vb_progress_get_still_us (progress, now_us));
  gboolean stalled = vb_progress_is_stalled (progress, now_us);
  if (!vb_operation_worker_note_stalled (job, stalled))
    return;

  g_autoptr (VbOperationRecord) record = vb_operation_worker_dup_record (job);
  if (stalled)
    vb_log_warning (record->vps, record->id, record->backup,
                    "The %s is stalled: nothing has moved for %u s",
                    vb_operation_kind_to_string (record->kind), self->settings.stall_timeout_s);
  else
    vb_log_info (record->vps, record->id, record->backup, "The %s moves again",
                 vb_operation_kind_to_string (record->kind));
  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);
  g_task_set_task_data (task, vb_operation_worker_ref (job),
                        (GDestroyNotify) vb_operation_worker_unref);
  g_object_set_data (G_OBJECT (task), "stalled", GINT_TO_POINTER (stalled));
  vb_worker_run (self->journal_worker, task, save_stalled_in_thread);
}

static gboolean
stands_still (VbManager *self, VbOperation *operation, gint64 now_us)
{
  gint64 limit_us = MIN (STILL_US, (gint64) self->settings.stall_timeout_s * G_USEC_PER_SEC);

  return vb_operation_get_state (operation) != VB_OPERATION_QUEUED
         && vb_progress_get_still_us (vb_operation_get_progress (operation), now_us) >= limit_us;
}

/* A few VPSs whose disks hang must not keep all others from their turn. What is away for everybody
 * helps nobody's. */
static void
set_standing_still (VbManager *self, guint n)
{
  gboolean others_can_work = self->pool_available && !self->journal_hung
                             && vb_hypervisor_is_available (self->hypervisor);

  self->standing_still = others_can_work ? MIN (n, STILL_MAX) : 0;
  pump (self);
}

static gboolean
report_progress (gpointer data)
{
  VbManager *self = data;
  gint64 now_us = g_get_monotonic_time ();
  guint standing_still = 0;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      VbOperationWorker *job = value;
      VbVps *vps = g_hash_table_lookup (self->vps, vb_operation_worker_get_vps (job));
      VbOperation *operation = vps ? vb_vps_get_operation (vps) : NULL;
      if (operation == NULL)
        continue;
      gboolean changed = vb_operation_sample (operation, now_us);
      if (vb_claims_is_lost (self->claims, vb_operation_worker_get_vps (job)))
        vb_transfer_cancel (vb_operation_worker_get_transfer (job));
      watch_stall (self, job, operation, now_us);
      standing_still += stands_still (self, operation, now_us) ? 1 : 0;
      if (vb_operation_worker_note_report (job, changed, now_us, PROGRESS_SILENCE_US))
        vb_manager_emit_progress (self, vps, operation);
    }
  set_standing_still (self, standing_still);
  if (g_hash_table_size (self->jobs) > 0)
    return G_SOURCE_CONTINUE;
  self->progress_timer = 0;
  return G_SOURCE_REMOVE;
}

void
vb_manager_attach_job (VbManager *self, VbVps *vps, VbOperationWorker *job)
{
  VbOperationRecord *record = vb_operation_worker_dup_record (job);
  g_hash_table_insert (self->jobs, g_strdup (record->id), vb_operation_worker_ref (job));
  vb_manager_pause_checks (self);
  if (self->progress_timer == 0)
    self->progress_timer = g_timeout_add (PROGRESS_PERIOD_MS, report_progress, self);
  if (vps == NULL)
    {
      vb_operation_record_free (record);
      return;
    }
  g_autoptr (VbOperation) operation = vb_operation_new (
      record, vb_operation_worker_get_transfer (job), self->settings.stall_timeout_s);
  vb_vps_set_operation (vps, operation);
}

void
vb_manager_start_job (VbManager *self, VbOperationWorker *job)
{
  self->running++;
  vb_operation_worker_start (job);
}

static void
pump (VbManager *self)
{
  while (!self->stopping && self->running < self->settings.max_concurrent + self->standing_still)
    {
      VbOperationWorker *job = g_queue_pop_head (&self->queue);
      if (job == NULL)
        return;
      vb_manager_start_job (self, job);
    }
}

void
vb_manager_enqueue (VbManager *self, VbOperationWorker *job)
{
  g_queue_push_tail (&self->queue, job);
  pump (self);
}

gboolean
vb_manager_cancel (VbManager *self, const char *uuid, const char *operation, GError **error)
{
  VbVps *vps = vb_manager_require_vps (self, uuid, error);
  if (vps == NULL)
    return FALSE;
  VbOperationWorker *job = g_hash_table_lookup (self->jobs, operation);
  gboolean ended = g_strcmp0 (g_hash_table_lookup (self->ended, operation), uuid) == 0;
  if (!ended && (job == NULL || g_strcmp0 (vb_operation_worker_get_vps (job), uuid) != 0))
    {
      vb_error_set_public (error, VB_ERROR_NOT_FOUND);
      return FALSE;
    }
  if (ended || !vb_transfer_cancel (vb_operation_worker_get_transfer (job)))
    {
      vb_error_set_public (error, VB_ERROR_TOO_LATE);
      return FALSE;
    }
  /* One that still waits ends at once; it need not wait for its turn to do nothing. */
  if (g_queue_remove (&self->queue, job))
    vb_manager_start_job (self, job);
  return TRUE;
}
