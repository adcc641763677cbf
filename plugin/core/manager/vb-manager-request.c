/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-manager-request.h"

static void
vb_request_free (VbRequest *request)
{
  g_free (request->vps);
  g_free (request->backup);
  g_free (request->name);
  g_clear_error (&request->failure);
  g_clear_pointer (&request->lock, vb_vps_lock_free);
  g_clear_pointer (&request->schedule, vb_schedule_unref);
  g_clear_pointer (&request->undo, vb_undo_free);
  g_free (request);
}

VbRequest *
vb_request_of (GTask *task)
{
  return g_task_get_task_data (task);
}

GTask *
vb_request_new (VbManager *self,
                gpointer tag,
                const char *vps,
                const char *backup,
                GAsyncReadyCallback callback,
                gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  VbRequest *request = g_new0 (VbRequest, 1);
  request->vps = g_strdup (vps);
  request->backup = g_strdup (backup);
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, request, (GDestroyNotify) vb_request_free);
  return task;
}

static void
entered (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;

  if (lock == NULL)
    {
      g_task_return_error (task, g_error_copy (error));
      return;
    }
  vb_request_of (task)->lock = lock;
  VbManager *self = g_task_get_source_object (task);
  vb_request_of (task)->inside (self, g_steal_pointer (&task));
}

void
vb_request_enter (VbManager *self, GTask *task, VbVpsLockNeeds needs, VbRequestFunc inside)
{
  vb_request_of (task)->inside = inside;
  vb_vps_locks_acquire (self->locks, vb_request_of (task)->vps, needs, entered, task);
}

void
vb_request_leave (VbManager *self, GTask *task, GError *error)
{
  g_autoptr (VbVpsLock) lock = g_steal_pointer (&vb_request_of (task)->lock);

  if (vb_request_of (task)->answered)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
finish (gpointer user_data)
{
  GTask *task = user_data;
  VbRequest *request = vb_request_of (task);
  VbManager *self = g_task_get_source_object (task);

  if (request->failure == NULL && request->done != NULL)
    request->done (self, task);
  if (request->goes_on)
    {
      request->goes_on = FALSE;
      vb_request_work (self, task);
      return;
    }
  vb_request_leave (self, task, g_steal_pointer (&request->failure));
}

static void
worked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  VbRequest *request = vb_request_of (task);

  (void) g_task_propagate_boolean (G_TASK (result), &request->failure);
  vb_vps_lock_regain (request->lock, finish, task);
}

static void
abandon (const GError *error, gpointer user_data)
{
  GTask *task = user_data;

  vb_request_of (task)->answered = TRUE;
  g_task_return_error (task, g_error_copy (error));
}

void
vb_request_work (VbManager *self, GTask *task)
{
  VbRequest *request = vb_request_of (task);
  g_autoptr (GTask) slow = g_task_new (self, NULL, worked, task);

  g_task_set_task_data (slow, request, NULL);
  if (request->worker == self->pool_worker)
    vb_vps_lock_yield (request->lock, 0, abandon, task);
  vb_worker_run (request->worker, slow, request->func);
}

gboolean
vb_request_take (VbManager *self, VbRequest *request, GError **error)
{
  request->claimed = vb_claims_take (self->claims, request->vps, NULL, NULL, error);
  return request->claimed;
}

void
vb_request_give_back (VbManager *self, VbRequest *request)
{
  if (request->claimed)
    vb_claims_give_back (self->claims, request->vps);
  request->claimed = FALSE;
}

gboolean
vb_request_require_pool (VbManager *self, GError **error)
{
  if (!self->pool_available)
    vb_error_set_public (error, VB_ERROR_POOL_UNAVAILABLE);
  return self->pool_available;
}

gboolean
vb_request_require_hypervisor (VbManager *self, GError **error)
{
  gboolean available = vb_hypervisor_is_available (self->hypervisor);
  if (!available)
    vb_error_set_public (error, VB_ERROR_HYPERVISOR_UNAVAILABLE);
  return available;
}

VbBackup *
vb_request_require_backup (VbManager *self, GTask *task, GError **error)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = vb_manager_require_vps (self, request->vps, error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, request->backup, error) : NULL;
  if (backup == NULL)
    return NULL;
  VbBackupState state = vb_backup_get_state (backup);
  if (state != VB_BACKUP_QUEUED && state != VB_BACKUP_CREATING)
    return backup;
  vb_error_set_public (error, VB_ERROR_BACKUP_NOT_READY);
  return NULL;
}
