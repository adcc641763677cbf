/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests that are no operations: rename, slots, power. */
#include "vb-manager-request.h"

#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"

/* Rename. */

static void
rename_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  gboolean ok
      = vb_request_take (self, request, &error)
        && vb_pool_rename (self->pool, request->vps, request->backup, request->name, &error);
  vb_request_give_back (self, request); /* @request is gone once there is an answer */
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
rename_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
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
  GError *error = NULL;

  if (vb_request_require_backup (self, task, &error) != NULL
      && vb_manager_check_name (vb_request_of (task)->name, &error)
      && vb_request_require_pool (self, &error))
    {
      vb_request_work (self, task);
      return;
    }
  vb_request_leave (self, task, error);
}

void
vb_manager_rename_async (VbManager *self,
                         const char *vps,
                         const char *backup,
                         const char *name,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = vb_request_new (self, vb_manager_rename_async, vps, backup, callback, user_data);
  vb_request_of (task)->name = g_strdup (name);
  vb_request_of (task)->func = rename_in_thread;
  vb_request_of (task)->worker = self->pool_worker;
  vb_request_of (task)->done = rename_done;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_POOL, rename_inside);
}

VbBackup *
vb_manager_rename_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  VbBackup *backup = vb_request_require_backup (self, G_TASK (result), error);
  return backup ? g_object_ref (backup) : NULL;
}

/* Slots. */

static void
set_slots_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  if (vb_hypervisor_set_slots (self->hypervisor, request->vps, request->total, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
set_slots_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  if (vps == NULL || !vb_slots_set_total (vb_vps_get_slots (vps), request->total))
    return;
  vb_log_info (request->vps, NULL, NULL, "slots set to %u", request->total);
  vb_manager_emit_changed (self, vps);
}

static void
set_slots_inside (VbManager *self, GTask *task)
{
  VbRequest *request = vb_request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  if (vps != NULL && vb_slots_check_total (vb_vps_get_slots (vps), request->total, &error)
      && vb_request_require_hypervisor (self, &error))
    vb_request_work (self, task);
  else
    vb_request_leave (self, task, error);
}

void
vb_manager_set_slots_async (VbManager *self,
                            const char *vps,
                            guint total,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = vb_request_new (self, vb_manager_set_slots_async, vps, NULL, callback, user_data);
  vb_request_of (task)->total = total;
  vb_request_of (task)->func = set_slots_in_thread;
  vb_request_of (task)->worker = self->hypervisor_worker;
  vb_request_of (task)->done = set_slots_done;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_NOTHING, set_slots_inside);
}

VbSlots *
vb_manager_set_slots_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  VbVps *vps = vb_manager_require_vps (self, vb_request_of (G_TASK (result))->vps, error);
  return vps ? vb_vps_get_slots (vps) : NULL;
}

/* Power. */

static void
power_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  gboolean whole = request->action == VB_POWER_ACTION_STOP || self->settings.state_folder == NULL
                   || vb_power_lock_check_whole (self->settings.state_folder, request->vps, &error);
  /* What was seen some seconds ago may be over: the claim itself tells. */
  gboolean free = whole
                  && (!vb_claims_is_elsewhere (self->claims, request->vps)
                      || vb_request_take (self, request, &error));
  gboolean ok = free
                && vb_hypervisor_power (self->hypervisor, request->vps, request->action,
                                        request->force, &error);
  vb_request_give_back (self, request);
  if (ok)
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
  g_set_error (
      error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
      _ ("The power state of the VPS does not allow this now (%s); reload to see what it is."),
      vb_power_to_string (vb_vps_get_power (vps)));
  return FALSE;
}

static void
power_inside (VbManager *self, GTask *task)
{
  VbRequest *request = vb_request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);
  if (vps != NULL && vb_vps_get_operation (vps) != NULL)
    vb_error_set_public (&error, VB_ERROR_OPERATION_RUNNING);
  else if (vps != NULL && vb_request_require_hypervisor (self, &error)
           && check_power (vps, request->action, &error))
    {
      vb_request_work (self, task);
      return;
    }
  vb_request_leave (self, task, error);
}

void
vb_manager_power_async (VbManager *self,
                        const char *vps,
                        VbPowerAction action,
                        gboolean force,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = vb_request_new (self, vb_manager_power_async, vps, NULL, callback, user_data);
  vb_request_of (task)->action = action;
  vb_request_of (task)->force = force;
  vb_request_of (task)->func = power_in_thread;
  vb_request_of (task)->worker = self->hypervisor_worker;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_NOTHING, power_inside);
}

gboolean
vb_manager_power_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
