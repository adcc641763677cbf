/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests that are no operations: delete, rename, verify, slots, power. */
#include "vb-manager-private.h"

#include "vb-i18n.h"
#include "vb-log.h"

typedef struct
{
  char *vps;
  char *backup;
  char *name;
  guint total;
  VbPowerAction action;
  gboolean force;
  guint64 bad_chunks;
  VbTransfer *transfer;
  GTaskThreadFunc func;
  VbWorker *worker;
  void (*done) (VbManager *self, GTask *task);
} Request;

static void
request_free (Request *request)
{
  g_free (request->vps);
  g_free (request->backup);
  g_free (request->name);
  g_clear_object (&request->transfer);
  g_free (request);
}

static Request *
request_of (GTask *task)
{
  return g_task_get_task_data (task);
}

static GTask *
new_request (VbManager *self,
             gpointer tag,
             const char *vps,
             const char *backup,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Request *request = g_new0 (Request, 1);
  request->vps = g_strdup (vps);
  request->backup = g_strdup (backup);
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, request, (GDestroyNotify) request_free);
  return task;
}

static void
leave (VbManager *self, GTask *task, GError *error)
{
  g_autofree char *vps = g_strdup (request_of (task)->vps);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  vb_manager_leave (self, vps);
}

static void
worked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GTask *task = user_data;
  GError *error = NULL;
  if (g_task_propagate_boolean (G_TASK (result), &error) && request_of (task)->done != NULL)
    request_of (task)->done (self, task);
  leave (self, task, error);
}

/* The blocking part, in the request's worker; the gate stays closed meanwhile. */
static void
work (VbManager *self, GTask *task)
{
  g_autoptr (GTask) slow = g_task_new (self, NULL, worked, task);
  g_task_set_task_data (slow, request_of (task), NULL);
  vb_worker_run (request_of (task)->worker, slow, request_of (task)->func);
}

static gboolean
require_pool (VbManager *self, GError **error)
{
  if (!self->pool_available)
    vb_error_set_public (error, VB_ERROR_POOL_UNAVAILABLE);
  return self->pool_available;
}

static gboolean
require_hypervisor (VbManager *self, GError **error)
{
  gboolean available = vb_hypervisor_is_available (self->hypervisor);
  if (!available)
    vb_error_set_public (error, VB_ERROR_HYPERVISOR_UNAVAILABLE);
  return available;
}

/* Delete. */

static void
delete_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Request *request = data;
  GError *error = NULL;
  if (vb_pool_remove (self->pool, request->vps, request->backup, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
delete_checkpoint_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Request *request = data;
  g_autoptr (GError) error = NULL;
  if (!vb_hypervisor_delete_checkpoint (self->hypervisor, request->vps, request->backup, &error))
    vb_log_warning (request->vps,
                    NULL,
                    request->backup,
                    "Deleting the checkpoint of a deleted backup: %s",
                    error->message);
  g_task_return_boolean (task, TRUE);
}

static void
delete_done (VbManager *self, GTask *task)
{
  const Request *request = request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  vb_log_info (request->vps, NULL, request->backup, "backup deleted");
  if (vps == NULL)
    return;
  vb_vps_remove_backup (vps, request->backup);
  vb_manager_emit_changed (self, vps);
  vb_manager_remember_backups (self);
}

static void
delete_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GTask *task = user_data;
  Request *request = request_of (task);
  GError *error = NULL;
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      leave (self, task, error);
      return;
    }

  delete_done (self, task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  if (vps != NULL && vb_vps_get_operation (vps) != NULL)
    {
      /* The operation holds the VPS's disks; its checkpoint goes when that has ended. */
      GPtrArray *late = g_hash_table_lookup (self->checkpoint_gone, request->vps);
      if (late == NULL)
        {
          late = g_ptr_array_new_with_free_func (g_free);
          g_hash_table_insert (self->checkpoint_gone, g_strdup (request->vps), late);
        }
      g_ptr_array_add (late, g_strdup (request->backup));
      leave (self, task, NULL);
      return;
    }
  if (!vb_hypervisor_is_available (self->hypervisor))
    {
      leave (self, task, NULL);
      return;
    }
  request->func = delete_checkpoint_in_thread;
  request->worker = self->hypervisor_worker;
  work (self, task);
}

static void
delete_inside (VbManager *self, GTask *task)
{
  Request *request = request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, request->backup, &error) : NULL;
  VbBackupState state = backup ? vb_backup_get_state (backup) : VB_BACKUP_AVAILABLE;

  if (state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING)
    vb_error_set_public (&error, VB_ERROR_BACKUP_NOT_READY);
  else if (state == VB_BACKUP_RESTORING)
    vb_error_set_public (&error, VB_ERROR_OPERATION_RUNNING);
  else if (backup != NULL && require_pool (self, &error))
    {
      g_autoptr (GTask) slow = g_task_new (self, NULL, delete_removed, task);
      g_task_set_task_data (slow, request, NULL);
      vb_worker_run (self->pool_worker, slow, delete_in_thread);
      return;
    }
  leave (self, task, error);
}

void
vb_manager_delete_async (VbManager *self,
                         const char *vps,
                         const char *backup,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = new_request (self, vb_manager_delete_async, vps, backup, callback, user_data);
  vb_manager_enter (self, vps, task, delete_inside);
}

gboolean
vb_manager_delete_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Rename. */

static void
rename_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Request *request = data;
  GError *error = NULL;
  if (vb_pool_rename (self->pool, request->vps, request->backup, request->name, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
rename_done (VbManager *self, GTask *task)
{
  const Request *request = request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  VbBackup *backup = vps ? vb_vps_find_backup (vps, request->backup) : NULL;
  if (backup == NULL)
    return;
  vb_backup_set_name (backup, request->name);
  vb_manager_emit_changed (self, vps);
  vb_manager_remember_backups (self);
}

static void
rename_inside (VbManager *self, GTask *task)
{
  Request *request = request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, request->backup, &error) : NULL;
  VbBackupState state = backup ? vb_backup_get_state (backup) : VB_BACKUP_AVAILABLE;

  if (state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING)
    vb_error_set_public (&error, VB_ERROR_BACKUP_NOT_READY);
  else if (backup != NULL && vb_manager_check_name (request->name, &error)
           && require_pool (self, &error))
    {
      work (self, task);
      return;
    }
  leave (self, task, error);
}

void
vb_manager_rename_async (VbManager *self,
                         const char *vps,
                         const char *backup,
                         const char *name,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = new_request (self, vb_manager_rename_async, vps, backup, callback, user_data);
  request_of (task)->name = g_strdup (name);
  request_of (task)->func = rename_in_thread;
  request_of (task)->worker = self->pool_worker;
  request_of (task)->done = rename_done;
  vb_manager_enter (self, vps, task, rename_inside);
}

VbBackup *
vb_manager_rename_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  const Request *request = request_of (G_TASK (result));
  VbVps *vps = vb_manager_require_vps (self, request->vps, error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, request->backup, error) : NULL;
  return backup ? g_object_ref (backup) : NULL;
}

/* Verify: only reads, so it waits for nobody and nobody waits for it. */

static void
verify_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Request *request = data;
  GError *error = NULL;
  if (vb_pool_verify (self->pool,
                      request->vps,
                      request->backup,
                      request->transfer,
                      &request->bad_chunks,
                      &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
vb_manager_verify_async (VbManager *self,
                         const char *vps_uuid,
                         const char *backup_id,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task
      = new_request (self, vb_manager_verify_async, vps_uuid, backup_id, callback, user_data);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, vps_uuid, &error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, backup_id, &error) : NULL;
  VbBackupState state = backup ? vb_backup_get_state (backup) : VB_BACKUP_AVAILABLE;

  if (state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING)
    vb_error_set_public (&error, VB_ERROR_BACKUP_NOT_READY);
  else if (backup != NULL && require_pool (self, &error))
    {
      request_of (task)->transfer
          = vb_transfer_new (cancellable, self->settings.bandwidth_limit_bytes_per_s);
      vb_worker_run (self->pool_worker, task, verify_in_thread);
      return;
    }
  g_task_return_error (task, error);
}

gboolean
vb_manager_verify_finish (VbManager *self, GAsyncResult *result, guint64 *bad_chunks, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  *bad_chunks = request_of (G_TASK (result))->bad_chunks;
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Slots. */

static void
set_slots_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Request *request = data;
  GError *error = NULL;
  if (vb_hypervisor_set_slots (self->hypervisor, request->vps, request->total, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
set_slots_done (VbManager *self, GTask *task)
{
  const Request *request = request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  if (vps == NULL || !vb_slots_set_total (vb_vps_get_slots (vps), request->total))
    return;
  vb_log_info (request->vps, NULL, NULL, "slots set to %u", request->total);
  vb_manager_emit_changed (self, vps);
}

static void
set_slots_inside (VbManager *self, GTask *task)
{
  Request *request = request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  if (vps != NULL && vb_slots_check_total (vb_vps_get_slots (vps), request->total, &error)
      && require_hypervisor (self, &error))
    work (self, task);
  else
    leave (self, task, error);
}

void
vb_manager_set_slots_async (VbManager *self,
                            const char *vps,
                            guint total,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = new_request (self, vb_manager_set_slots_async, vps, NULL, callback, user_data);
  request_of (task)->total = total;
  request_of (task)->func = set_slots_in_thread;
  request_of (task)->worker = self->hypervisor_worker;
  request_of (task)->done = set_slots_done;
  vb_manager_enter (self, vps, task, set_slots_inside);
}

VbSlots *
vb_manager_set_slots_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  VbVps *vps = vb_manager_require_vps (self, request_of (G_TASK (result))->vps, error);
  return vps ? vb_vps_get_slots (vps) : NULL;
}

/* Power. */

static void
power_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Request *request = data;
  GError *error = NULL;
  if (vb_hypervisor_power (self->hypervisor, request->vps, request->action, request->force, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
check_power (VbVps *vps, VbPowerAction action, GError **error)
{
  VbPowerActions may = vb_vps_get_power_actions (vps);
  if ((action == VB_POWER_ACTION_START && may.start) || (action == VB_POWER_ACTION_STOP && may.stop)
      || (action == VB_POWER_ACTION_RESTART && may.restart))
    return TRUE;
  g_set_error (error,
               VB_ERROR,
               VB_ERROR_INVALID_ARGUMENT,
               _ ("The power state of the VPS does not allow this now (%s); reload to see what it is."),
               vb_power_to_string (vb_vps_get_power (vps)));
  return FALSE;
}

static void
power_inside (VbManager *self, GTask *task)
{
  Request *request = request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  if (vps != NULL && vb_vps_get_operation (vps) != NULL)
    vb_error_set_public (&error, VB_ERROR_OPERATION_RUNNING);
  else if (vps != NULL && require_hypervisor (self, &error) && check_power (vps, request->action, &error))
    {
      work (self, task);
      return;
    }
  leave (self, task, error);
}

void
vb_manager_power_async (VbManager *self,
                        const char *vps,
                        VbPowerAction action,
                        gboolean force,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = new_request (self, vb_manager_power_async, vps, NULL, callback, user_data);
  request_of (task)->action = action;
  request_of (task)->force = force;
  request_of (task)->func = power_in_thread;
  request_of (task)->worker = self->hypervisor_worker;
  vb_manager_enter (self, vps, task, power_inside);
}

gboolean
vb_manager_power_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
