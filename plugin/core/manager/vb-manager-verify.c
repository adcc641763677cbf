/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verify: only reads, so it waits for nobody and nobody waits for it. */
#include "vb-backup-verifier.h"
#include "vb-manager-private.h"

static void
verify_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  GError *error = NULL;

  if (vb_verification_run (data, self->pool, self->journal, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

VbBackup *
vb_manager_require_readable (VbManager *self, const char *uuid, const char *id, GError **error)
{
  VbVps *vps = vb_manager_require_vps (self, uuid, error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, id, error) : NULL;

  if (backup == NULL)
    return NULL;
  VbBackupState state = vb_backup_get_state (backup);
  if (state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING)
    vb_error_set_public (error, VB_ERROR_BACKUP_NOT_READY);
  else if (!self->pool_available)
    vb_error_set_public (error, VB_ERROR_POOL_UNAVAILABLE);
  else
    return backup;
  return NULL;
}

static void
verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autoptr (GTask) task = user_data;
  const VbVerification *verification = g_task_get_task_data (G_TASK (result));
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (task, error);
      return;
    }
  vb_manager_note_check (self, verification->info->vps, verification->info->id,
                         &verification->check);
  if (verification->notification != NULL)
    vb_manager_emit_notification (self, verification->notification);
  g_task_return_int (task, (gssize) verification->check.bad_chunks);
}

void
vb_manager_verify_async (VbManager *self,
                         const char *vps,
                         const char *backup_id,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, vb_manager_verify_async);
  VbBackup *backup = vb_manager_require_readable (self, vps, backup_id, &error);
  if (backup == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_autoptr (VbTransfer) transfer
      = vb_transfer_new (cancellable, self->settings.bandwidth_limit_bytes_per_s);
  VbVerification *verification
      = vb_verification_new (vb_backup_get_info (backup), transfer, vb_backup_is_damaged (backup));
  g_autoptr (GTask) slow = g_task_new (self, NULL, verified, g_steal_pointer (&task));
  g_task_set_task_data (slow, verification, (GDestroyNotify) vb_verification_free);
  vb_worker_run (self->pool_worker, slow, verify_in_thread);
}

gboolean
vb_manager_verify_finish (VbManager *self,
                          GAsyncResult *result,
                          guint64 *bad_chunks,
                          GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_autoptr (GError) failure = NULL;
  gssize found = g_task_propagate_int (G_TASK (result), &failure);

  *bad_chunks = failure == NULL ? (guint64) found : 0;
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return found >= 0;
}
