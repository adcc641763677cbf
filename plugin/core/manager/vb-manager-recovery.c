/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start and stop, and what a crash has left in between. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"
#include "core/model/vb-vps-rotation.h"

/* How long a start waits for the pool and the hypervisor before it serves requests without them. */
#define START_PATIENCE_MS 3000
#define STOP_PATIENCE_MS 8000

typedef struct
{
  GPtrArray *unended;
  GPtrArray *backups;
  GPtrArray *revocations;
  GPtrArray *schedules;
  GPtrArray *undos;
  GHashTable *checks;
} Journalled;

static void
journalled_free (Journalled *self)
{
  g_clear_pointer (&self->unended, g_ptr_array_unref);
  g_clear_pointer (&self->backups, g_ptr_array_unref);
  g_clear_pointer (&self->revocations, g_ptr_array_unref);
  g_clear_pointer (&self->schedules, g_ptr_array_unref);
  g_clear_pointer (&self->undos, g_ptr_array_unref);
  g_clear_pointer (&self->checks, g_hash_table_unref);
  g_free (self);
}

static const VbOperationRecord *
find_unended (VbManager *self, const char *uuid)
{
  for (guint i = 0; i < self->unended->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (self->unended, i);
      if (g_strcmp0 (record->vps, uuid) == 0)
        return record;
    }
  return NULL;
}

static VbBackupInfo *
info_of (VbVps *vps, const VbOperationRecord *record)
{
  VbBackupInfo *info = vb_backup_info_new (record->backup, record->vps);
  info->vps_name = g_strdup (record->vps_name);
  info->name = g_strdup (record->backup_name);
  info->sequence = vps != NULL ? vb_vps_next_sequence (vps) : 0; /* the pool knows better */
  info->created_at = g_date_time_ref (record->started_at);
  info->is_scheduled = record->scheduled;
  info->schedule = g_strdup (record->schedule);
  return info;
}

static void
attach_backup_of (VbVps *vps, const VbOperationRecord *record)
{
  gboolean create = record->kind == VB_OPERATION_CREATE;
  if (record->kind == VB_OPERATION_UNDO)
    return;
  VbBackup *backup = vb_vps_find_backup (vps, record->backup);
  if (backup != NULL)
    {
      vb_backup_set_state (backup, create ? VB_BACKUP_CREATING : VB_BACKUP_RESTORING);
      return;
    }
  if (!create)
    return;
  VbSlotLease *lease = vb_vps_lease (vps, record->scheduled);
  VbBackupState state
      = record->state == VB_OPERATION_QUEUED ? VB_BACKUP_QUEUED : VB_BACKUP_CREATING;
  g_autoptr (VbBackup) added = vb_backup_new (info_of (vps, record), state, lease);
  vb_vps_add_backup (vps, added);
}

/* From here on the VPS shows the operation again, and its slot is taken. */
static VbOperationWorker *
attach_record (VbManager *self, VbVps *vps, const VbOperationRecord *record)
{
  VbBackupInfo *info = NULL;
  if (record->kind == VB_OPERATION_CREATE)
    info = info_of (vps, record);
  else if (record->first_backup != NULL)
    info = vb_manager_make_first_info (vps, record);
  VbOperationWorker *job = vb_manager_new_job (self, vb_operation_record_copy (record), info);
  vb_operation_worker_set_recovering (job, record->state != VB_OPERATION_QUEUED, record->stalled);
  vb_manager_hand_undo (self, job);
  vb_manager_hand_first (self, vps, job);
  const VbOperationRecord *first = vb_operation_worker_get_first (job);
  const VbOperationRecord *phase = first ? first : record;
  VbTransfer *transfer = vb_operation_worker_get_transfer (job);
  vb_transfer_set_total (transfer, phase->bytes_total);
  vb_transfer_set_done (transfer, phase->bytes_done);
  vb_manager_attach_job (self, vps, job);
  if (vps != NULL)
    attach_backup_of (vps, record);
  return job;
}

void
vb_manager_attach_unended (VbManager *self, VbVps *vps)
{
  const VbOperationRecord *record = find_unended (self, vb_vps_get_uuid (vps));
  if (record != NULL && !g_hash_table_contains (self->jobs, record->id))
    vb_operation_worker_unref (attach_record (self, vps, record));
}

static void
recover_one (VbManager *self, const VbOperationRecord *record)
{
  VbOperationWorker *job = g_hash_table_lookup (self->jobs, record->id);
  VbVps *vps = g_hash_table_lookup (self->vps, record->vps);
  g_autoptr (VbOperationWorker) attached = NULL;
  if (job == NULL)
    job = attached = attach_record (self, vps, record);
  if (vps != NULL && (record->kind == VB_OPERATION_CREATE || record->first_backup != NULL))
    {
      gboolean read_all = FALSE;
      GPtrArray *bases = vb_manager_list_bases (self, vps, &read_all);
      vb_operation_worker_set_bases (job, bases, read_all);
    }

  vb_log_info (record->vps, record->id, record->backup, "%s after a restart of the service",
               vb_operation_worker_is_recovering (job) ? "Recovering" : "Continuing");
  if (vb_operation_worker_is_recovering (job))
    vb_manager_start_job (self, job);
  else
    vb_manager_enqueue (self, job);
}

void
vb_manager_recover (VbManager *self)
{
  if (self->unended->len == 0 || self->stopping || !vb_hypervisor_is_available (self->hypervisor))
    return;
  g_autoptr (GPtrArray) unended = self->unended;
  self->unended = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_operation_record_free);
  for (guint i = 0; i < unended->len; i++)
    recover_one (self, g_ptr_array_index (unended, i));
}

static void
finish_start (VbManager *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->start_task);
  if (self->start_timer != 0)
    g_source_remove (self->start_timer);
  self->start_timer = 0;
  g_task_return_boolean (task, TRUE);
}

void
vb_manager_check_started (VbManager *self)
{
  if (self->start_task != NULL && self->pool_asked_once
      && vb_hypervisor_is_available (self->hypervisor))
    finish_start (self);
}

static gboolean
start_without_them (gpointer data)
{
  VbManager *self = data;
  self->start_timer = 0;
  finish_start (self);
  return G_SOURCE_REMOVE;
}

static void
load_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  GError *error = NULL;
  Journalled *journalled = g_new0 (Journalled, 1);

  journalled->unended = vb_journal_load_unended (self->journal, &error);
  if (journalled->unended != NULL)
    journalled->backups = vb_journal_load_backups (self->journal, &error);
  if (journalled->backups != NULL)
    journalled->revocations
        = vb_access_journal_load_revocations (VB_ACCESS_JOURNAL (self->journal), &error);
  if (journalled->revocations != NULL)
    journalled->schedules = vb_journal_load_schedules (self->journal, &error);
  if (journalled->schedules != NULL)
    journalled->checks = vb_journal_load_checks (self->journal, &error);
  if (journalled->checks != NULL)
    journalled->undos = vb_journal_load_undos (self->journal, &error);
  if (error == NULL)
    {
      g_task_return_pointer (task, journalled, (GDestroyNotify) journalled_free);
      return;
    }
  journalled_free (journalled);
  g_task_return_error (task, error);
}

static void
loaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GError *error = NULL;
  Journalled *journalled = g_task_propagate_pointer (G_TASK (result), &error);
  if (journalled == NULL)
    {
      g_autoptr (GTask) task = g_steal_pointer (&self->start_task);
      g_task_return_error (task, error);
      return;
    }

  g_ptr_array_unref (self->unended);
  self->unended = g_steal_pointer (&journalled->unended);
  vb_manager_take_firsts (self);
  for (guint i = 0; i < journalled->backups->len; i++)
    vb_manager_store_backup (self, g_ptr_array_index (journalled->backups, i));
  vb_manager_keep_revoked (self, journalled->revocations);
  vb_manager_watch_schedules (self, journalled->schedules);
  vb_manager_watch_checks (self, journalled->checks);
  vb_manager_load_undos (self, journalled->undos, self->unended);
  journalled_free (journalled);

  vb_manager_sweep_locks (self);
  self->start_timer = g_timeout_add (START_PATIENCE_MS, start_without_them, self);
  vb_manager_watch_pool (self);
  vb_manager_watch_journal (self);
  vb_hypervisor_start (self->hypervisor);
}

void
vb_manager_start_async (VbManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  self->start_task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->start_task, vb_manager_start_async);
  g_autoptr (GTask) task = g_task_new (self, NULL, loaded, NULL);
  vb_worker_run (self->journal_worker, task, load_in_thread);
}

gboolean
vb_manager_start_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
finish_stop (VbManager *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->stop_task);
  if (self->stop_timer != 0)
    g_source_remove (self->stop_timer);
  self->stop_timer = 0;
  vb_hypervisor_stop (self->hypervisor);
  g_task_return_boolean (task, TRUE);
}

static gboolean
stop_without_them (gpointer data)
{
  VbManager *self = data;
  vb_log_warning (NULL, NULL, NULL, "%u operations are left to the next start", self->running);
  self->stop_timer = 0;
  finish_stop (self);
  return G_SOURCE_REMOVE;
}

void
vb_manager_check_stopped (VbManager *self)
{
  if (self->stop_task != NULL && self->running == 0 && self->audit_written == NULL
      && self->schedule_saves == 0 && self->scrub == NULL)
    finish_stop (self);
}

static gboolean
check_stopped_later (gpointer data)
{
  vb_manager_check_stopped (data);
  return G_SOURCE_REMOVE;
}

void
vb_manager_stop_async (VbManager *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GHashTableIter iter;
  gpointer job;

  self->stopping = TRUE;
  self->stop_task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (self->stop_task, vb_manager_stop_async);
  vb_manager_unwatch_pool (self);
  vb_manager_unwatch_journal (self);
  vb_manager_unwatch_schedules (self);
  vb_undo_keeper_stop (self->undos);
  vb_manager_stop_checks (self);
  vb_vps_locks_refuse_all (self->locks, VB_ERROR_INTERRUPTED);
  vb_vps_locks_refuse_all (self->verifying, VB_ERROR_INTERRUPTED);
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, NULL, &job))
    vb_operation_worker_interrupt (job);
  self->stop_timer = g_timeout_add (STOP_PATIENCE_MS, stop_without_them, self);
  g_idle_add_full (G_PRIORITY_DEFAULT, check_stopped_later, g_object_ref (self), g_object_unref);
}

gboolean
vb_manager_stop_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
