/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script of an undo: the disks that the last restore has replaced lie beside the present ones;
 * stop the VPS, put them back by rename and bring it back. What they replace goes last. */
#include "vb-restore-swap.h"

#include "core/base/vb-error.h"

/* What the record's details say besides VB_RESTORE_BACK. */
#define PUT_BACK "put-back" /* all kept disks are in place: recovery goes forward */

static VbStaging *
find_kept (VbOperationWorker *self, GPtrArray *disks, GError **error)
{
  if (self->undo != NULL)
    return vb_pool_find_kept (self->pool, self->undo, disks, error);
  vb_error_set_public (error, VB_ERROR_NOT_FOUND);
  return NULL;
}

static VbStaging *
prepare (VbOperationWorker *self, GError **error)
{
  g_autoptr (VbVpsInfo) info = vb_hypervisor_get_info (self->hypervisor, self->record->vps, error);
  if (info == NULL)
    return NULL;
  vb_operation_worker_set_was_power (self, info->power);
  if (!vb_operation_worker_move (self, VB_OPERATION_PREPARING, error))
    return NULL;
  g_autoptr (GPtrArray) disks
      = vb_hypervisor_list_disks (self->hypervisor, self->record->vps, error);
  return disks ? find_kept (self, disks, error) : NULL;
}

static gboolean
call_put_definition_back (VbOperationWorker *self, gpointer data, GError **error)
{
  return vb_hypervisor_put_definition_back (self->hypervisor, self->record->vps, error);
}

/* The records are those of the disks that go, and libvirt takes no snapshot back beside them; what
 * the disks put back hold is known again as soon as it is asked for. Without it the next backup
 * reads everything, which is no reason to fail. */
static void
forget_records (VbOperationWorker *self)
{
  g_autoptr (GError) failure = NULL;

  if (!vb_hypervisor_adopt_checkpoints (self->hypervisor, self->record->vps, &failure))
    vb_operation_worker_log_failed (self, "Failed to take up the checkpoints of the disks put back",
                                    failure);
}

static gboolean
bring_back (VbOperationWorker *self, GError **error)
{
  vb_restore_set_details (self, PUT_BACK);
  return vb_operation_worker_save (self, error) && vb_restore_bring_back (self, error);
}

static gboolean
put_back (VbOperationWorker *self, VbStaging *kept, GError **error)
{
  if (!vb_restore_power_off (self, error) || !vb_staging_undo (kept, error))
    return FALSE;
  forget_records (self);
  return vb_operation_worker_retry_while_unavailable (self, call_put_definition_back, NULL, error)
         && bring_back (self, error);
}

static void
succeed (VbOperationWorker *self, VbStaging *kept)
{
  g_autoptr (GError) error = NULL;

  if (!vb_restore_insist_on_details (self, VB_RESTORE_BACK))
    return;
  if (kept != NULL && !vb_staging_discard (kept, &error))
    vb_operation_worker_log_failed (self, "Failed to remove the disks of the undone restore",
                                    error);
  g_clear_error (&error);
  if (self->undo != NULL && !vb_journal_remove_undo (self->journal, self->undo->operation, &error))
    vb_operation_worker_log_failed (self, "Failed to note that nothing is kept any more", error);
  vb_operation_worker_set_swapping (self, FALSE);
  vb_operation_worker_complete (self);
}

/* The restored disks return to their places, and what was kept is kept on. The definition is fitted
 * once more from what it was, so that it notes all that a later undo needs. */
static void
restore_again (VbOperationWorker *self, VbStaging *kept)
{
  g_autoptr (GError) error = NULL;

  if (!vb_operation_worker_lock (self, "swap", &error))
    vb_operation_worker_log_failed (self, "Failed to lock the power for the restored disks", error);
  g_clear_error (&error);
  if (!vb_restore_power_off (self, &error) || !vb_staging_swap (kept, NULL, &error)
      || !vb_hypervisor_put_definition_back (self->hypervisor, self->record->vps, &error)
      || !vb_hypervisor_fit_definition (self->hypervisor, self->record->vps, &error))
    vb_operation_worker_log_failed (self, "Failed to put the restored disks in place again", error);
  else if (!vb_hypervisor_adopt_checkpoints (self->hypervisor, self->record->vps, &error))
    vb_operation_worker_log_failed (self, "Failed to take up the checkpoints of the restored disks",
                                    error);
}

static void
abandon (VbOperationWorker *self, VbStaging *kept, const GError *error)
{
  g_autoptr (GError) failure = NULL;

  if (kept != NULL && self->record->swapping)
    restore_again (self, kept);
  if (self->record->was_power != NULL && !vb_restore_bring_back (self, &failure))
    vb_operation_worker_log_failed (self, "Failed to start the VPS after a failed undo", failure);
  vb_operation_worker_set_swapping (self, FALSE);
  vb_operation_worker_fail (self, error);
}

void
vb_undo_worker_run (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbStaging) kept = NULL;

  if (vb_transfer_check (self->transfer, &error) && vb_operation_worker_claim (self, &error)
      && vb_operation_worker_lock (self, "restore", &error))
    kept = prepare (self, &error);
  if (kept != NULL && vb_operation_worker_move (self, VB_OPERATION_COPYING, &error)
      && vb_restore_begin_swap (self, kept, &error) && put_back (self, kept, &error))
    succeed (self, kept);
  else
    abandon (self, kept, error);
}

/* Whether the VPS is, or can be brought, back in its previous state on the disks put back. */
static gboolean
go_forward (VbOperationWorker *self, VbStaging *kept, GError **error)
{
  if (!vb_restore_has_details (self, PUT_BACK))
    return put_back (self, kept, error);
  return vb_restore_is_on (self) || vb_restore_bring_back (self, error);
}

static void
recover_swap (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbStaging) kept = NULL;

  if (vb_restore_has_details (self, VB_RESTORE_BACK))
    {
      kept = self->undo ? vb_pool_find_kept (self->pool, self->undo, NULL, NULL) : NULL;
      succeed (self, kept);
      return;
    }
  kept = find_kept (self, NULL, &error);
  if (kept != NULL && go_forward (self, kept, &error))
    succeed (self, kept);
  else
    abandon (self, kept, error);
}

/* After a crash: an undo that had begun to put disks back goes on with that, any other ends. */
void
vb_undo_worker_recover (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  gboolean swapping = self->record->swapping;

  vb_transfer_close (self->transfer); /* it is too late for a cancel */
  if (!vb_operation_worker_lock (self, swapping ? "swap" : "restore", &error))
    vb_operation_worker_log_failed (self, "Failed to lock the power for the recovery of an undo",
                                    error);
  g_clear_error (&error);
  if (swapping && !vb_operation_worker_claim (self, &error))
    vb_operation_worker_log_failed (self, "Failed to claim the VPS for the recovery of an undo",
                                    error);
  if (g_error_matches (error, VB_ERROR, VB_ERROR_OPERATION_RUNNING))
    {
      vb_operation_worker_leave (self);
      return;
    }
  if (swapping)
    {
      recover_swap (self);
      return;
    }
  g_autoptr (GError) interrupted = g_error_new_literal (
      VB_ERROR, VB_ERROR_INTERRUPTED, vb_error_public_message (VB_ERROR_INTERRUPTED));
  abandon (self, NULL, interrupted);
}
