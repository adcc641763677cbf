/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protection of a backup: noted in the pool, so that it is true on every host. */
#include "vb-manager-request.h"

#include "core/model/vb-vps-rotation.h"

static void
protect_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  gboolean ok = vb_request_take (self, request, &error)
                && vb_pool_protect (self->pool, request->vps, request->backup,
                                    request->is_protected, &error);
  vb_request_give_back (self, request); /* @request is gone once there is an answer */
  if (ok)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
protect_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  VbBackup *backup = vps ? vb_vps_find_backup (vps, request->backup) : NULL;
  if (backup == NULL)
    return;
  vb_backup_set_protected (backup, request->is_protected);
  vb_manager_emit_changed (self, vps);
}

/* A scheduled backup that runs with all slots in use counts on another one that goes when it is
 * done. */
static gboolean
check_not_last (VbManager *self, const VbRequest *request, GError **error)
{
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);

  if (!request->is_protected || vb_vps_find_without_slot (vps) == NULL
      || vb_vps_find_rotatable (vps, request->backup, NULL) != NULL)
    return TRUE;
  vb_error_set_public (error, VB_ERROR_SLOTS_FULL);
  return FALSE;
}

static void
protect_inside (VbManager *self, GTask *task)
{
  GError *error = NULL;

  if (vb_request_require_backup (self, task, &error) != NULL
      && check_not_last (self, vb_request_of (task), &error)
      && vb_request_require_pool (self, &error))
    {
      vb_request_work (self, task);
      return;
    }
  vb_request_leave (self, task, error);
}

void
vb_manager_protect_async (VbManager *self,
                          const char *vps,
                          const char *backup,
                          gboolean is_protected,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = vb_request_new (self, vb_manager_protect_async, vps, backup, callback, user_data);
  vb_request_of (task)->is_protected = is_protected;
  vb_request_of (task)->func = protect_in_thread;
  vb_request_of (task)->worker = self->pool_worker;
  vb_request_of (task)->done = protect_done;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_POOL, protect_inside);
}

VbBackup *
vb_manager_protect_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  VbBackup *backup = vb_request_require_backup (self, G_TASK (result), error);
  return backup ? g_object_ref (backup) : NULL;
}
