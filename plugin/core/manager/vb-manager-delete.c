/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deleting a backup: its folder first, then its checkpoint. */
#include "vb-manager-request.h"

#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"

static void
delete_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  gboolean ok = vb_request_take (self, request, &error)
                && vb_pool_remove (self->pool, request->vps, request->backup, &error);
  vb_request_give_back (self, request); /* @request is gone once there is an answer */
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
delete_checkpoint_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  g_autoptr (GError) error = NULL;
  if (!vb_hypervisor_delete_checkpoint (self->hypervisor, request->vps, request->backup, &error))
    vb_log_warning (request->vps, NULL, request->backup,
                    "Failed to delete the checkpoint of a deleted backup: %s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
delete_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  vb_log_info (request->vps, NULL, request->backup, "backup deleted");
  vb_backup_checks_forget (self->checks, request->backup);
  if (vps == NULL)
    return;
  vb_vps_remove_backup (vps, request->backup);
  vb_manager_emit_changed (self, vps);
  vb_manager_remember_backups (self);
  vb_manager_measure_unique_sizes (self, request->vps);
}

/* The operation holds the VPS's disks; its checkpoint goes when that has ended. */
static void
delete_checkpoint_later (VbManager *self, const VbRequest *request)
{
  GPtrArray *late = g_hash_table_lookup (self->checkpoint_gone, request->vps);

  if (late == NULL)
    {
      late = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (self->checkpoint_gone, g_strdup (request->vps), late);
    }
  g_ptr_array_add (late, g_strdup (request->backup));
}

/* Its folder is gone: now its checkpoint. */
static void
delete_removed (VbManager *self, GTask *task)
{
  VbRequest *request = vb_request_of (task);

  delete_done (self, task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  if (vps != NULL && vb_vps_get_operation (vps) != NULL)
    delete_checkpoint_later (self, request);
  else if (vb_hypervisor_is_available (self->hypervisor))
    {
      request->func = delete_checkpoint_in_thread;
      request->worker = self->hypervisor_worker;
      request->done = NULL;
      request->goes_on = TRUE;
    }
}

/* Onto another VPS: the backup's own does not show that. */
static gboolean
is_being_cloned (VbManager *self, const VbRequest *request)
{
  GHashTableIter iter;
  gpointer vps;

  g_hash_table_iter_init (&iter, self->vps);
  while (g_hash_table_iter_next (&iter, NULL, &vps))
    {
      VbOperation *operation = vb_vps_get_operation (vps);
      const VbOperationRecord *record = operation ? vb_operation_get_record (operation) : NULL;
      if (record != NULL && g_strcmp0 (record->source_vps, request->vps) == 0
          && g_strcmp0 (record->backup, request->backup) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
delete_inside (VbManager *self, GTask *task)
{
  VbRequest *request = vb_request_of (task);
  GError *error = NULL;
  VbBackup *backup = vb_request_require_backup (self, task, &error);

  if (backup != NULL
      && (vb_backup_get_state (backup) == VB_BACKUP_RESTORING || is_being_cloned (self, request)))
    vb_error_set_public (&error, VB_ERROR_OPERATION_RUNNING);
  else if (backup != NULL && vb_backup_get_info (backup)->is_protected)
    g_set_error_literal (
        &error, VB_ERROR, VB_ERROR_FORBIDDEN,
        _ ("This backup is protected; take the protection away before you delete it."));
  else if (backup != NULL && vb_request_require_pool (self, &error))
    {
      request->func = delete_in_thread;
      request->worker = self->pool_worker;
      request->done = delete_removed;
      vb_request_work (self, task);
      return;
    }
  vb_request_leave (self, task, error);
}

void
vb_manager_delete_async (VbManager *self,
                         const char *vps,
                         const char *backup,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = vb_request_new (self, vb_manager_delete_async, vps, backup, callback, user_data);
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_POOL, delete_inside);
}

gboolean
vb_manager_delete_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
