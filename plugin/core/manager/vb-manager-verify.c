/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verify: only reads, so it waits for no operation and no operation waits for it. Those of one VPS
 * wait for each other, so that nobody can fill the threads that all share. */
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

typedef struct
{
  GTask *task;
  VbVerification *verification;
  VbVpsLock *lock;
} Turn;

static void
turn_free (Turn *turn)
{
  g_autoptr (VbVpsLock) lock = turn->lock;

  vb_verification_free (turn->verification);
  g_object_unref (turn->task);
  g_free (turn);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Turn, turn_free)

static void
verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autoptr (Turn) turn = user_data;
  const VbVerification *verification = turn->verification;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (turn->task, error);
      return;
    }
  vb_manager_note_check (self, verification->info->vps, verification->info->id,
                         &verification->check);
  if (verification->notification != NULL)
    vb_manager_emit_notification (self, verification->notification);
  if (verification->unreadable != NULL)
    g_task_return_error (turn->task, g_error_copy (verification->unreadable));
  else
    g_task_return_int (turn->task, (gssize) verification->check.bad_chunks);
}

static void
take_turn (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  g_autoptr (Turn) turn = user_data;
  VbManager *self = g_task_get_source_object (turn->task);
  GError *refusal = error ? g_error_copy (error) : NULL;

  turn->lock = lock;
  if (refusal != NULL || !vb_transfer_check (turn->verification->transfer, &refusal))
    {
      g_task_return_error (turn->task, refusal);
      return;
    }
  VbVerification *verification = turn->verification;
  g_autoptr (GTask) slow = g_task_new (self, NULL, verified, g_steal_pointer (&turn));
  g_task_set_task_data (slow, verification, NULL);
  vb_worker_run (self->bulk_worker, slow, verify_in_thread);
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
  Turn *turn = g_new0 (Turn, 1);
  turn->verification
      = vb_verification_new (vb_backup_get_info (backup), transfer, vb_backup_is_damaged (backup));
  turn->task = g_steal_pointer (&task);
  vb_vps_locks_acquire (self->verifying, vps, VB_VPS_LOCK_NEEDS_POOL, take_turn, turn);
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
