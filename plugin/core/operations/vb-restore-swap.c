/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-restore-swap.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

static gboolean
call_power_off (VbOperationWorker *self, gpointer data, GError **error)
{
  return vb_hypervisor_power_off (self->hypervisor, self->record->vps, NULL, error);
}

static gboolean
call_power_restore (VbOperationWorker *self, gpointer data, GError **error)
{
  VbPower power = vb_power_from_string (self->record->was_power);
  return vb_hypervisor_power_restore (self->hypervisor, self->record->vps, power, error);
}

static gboolean
call_fit_definition (VbOperationWorker *self, gpointer data, GError **error)
{
  return vb_hypervisor_fit_definition (self->hypervisor, self->record->vps, error);
}

/* They are those of the disks that are gone again, and libvirt takes no snapshot back beside
 * them. */
static gboolean
call_forget_checkpoints (VbOperationWorker *self, gpointer data, GError **error)
{
  const char *const none[] = { NULL };

  return vb_hypervisor_keep_checkpoints (self->hypervisor, self->record->vps, none, error);
}

static gboolean
call_put_definition_back (VbOperationWorker *self, gpointer data, GError **error)
{
  return vb_hypervisor_put_definition_back (self->hypervisor, self->record->vps, error);
}

gboolean
vb_restore_power_off (VbOperationWorker *self, GError **error)
{
  return vb_operation_worker_retry_while_unavailable (self, call_power_off, NULL, error);
}

gboolean
vb_restore_bring_back (VbOperationWorker *self, GError **error)
{
  vb_operation_worker_unlock (self);
  return vb_operation_worker_retry_while_unavailable (self, call_power_restore, NULL, error);
}

void
vb_restore_set_details (VbOperationWorker *self, const char *details)
{
  vb_operation_worker_set_details (self, g_strdup (details));
}

gboolean
vb_restore_has_details (VbOperationWorker *self, const char *details)
{
  return g_strcmp0 (self->record->details, details) == 0;
}

/* Whether devices are half overwritten: then nobody may start the VPS. */
static gboolean
is_torn (VbStaging *staging)
{
  return !vb_staging_can_undo (staging) && !vb_staging_is_swapped (staging);
}

void
vb_restore_undo_swap (VbOperationWorker *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;
  if (!vb_operation_worker_lock (self, "swap", &error))
    vb_operation_worker_log_failed (self, "Failed to lock the power for putting the old disks back",
                                    error);
  g_clear_error (&error);
  if (!vb_operation_worker_retry_while_unavailable (self, call_power_off, NULL, &error))
    vb_operation_worker_log_failed (self, "Failed to stop the VPS to put the old disks back",
                                    error);
  g_clear_error (&error);
  if (!vb_staging_undo (staging, &error))
    {
      vb_operation_worker_log_failed (self, "Failed to put the old disks back", error);
      return;
    }
  if (!vb_operation_worker_retry_while_unavailable (self, call_forget_checkpoints, NULL, &error))
    vb_operation_worker_log_failed (
        self, "Failed to remove the record of the checkpoint of the new disks", error);
  g_clear_error (&error);
  if (!vb_operation_worker_retry_while_unavailable (self, call_put_definition_back, NULL, &error))
    vb_operation_worker_log_failed (self, "Failed to put the old definition back", error);
}

/* Whatever the trouble is (the pool is away, the device reports errors): half a disk must not be
 * started from. */
static gboolean
put_in_place (VbOperationWorker *self, VbStaging *staging, GError **error)
{
  gint64 pause_us = VB_RESTORE_RETRY_US;
  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      if (vb_staging_swap (staging, self->transfer, &failure))
        {
          vb_operation_worker_save_stalled (self, FALSE);
          return TRUE;
        }
      gboolean torn = is_torn (staging);
      if (torn)
        {
          vb_operation_worker_log_failed (
              self, "A disk is half overwritten, the VPS stays off; trying again", failure);
          vb_operation_worker_save_stalled (self, TRUE);
        }
      if (!torn || !vb_operation_worker_pause (self, pause_us))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      pause_us = MIN (pause_us * 2, VB_RESTORE_MAX_RETRY_US);
      vb_transfer_restart (self->transfer);
    }
}

/* Stopping the VPS may have taken long. The pool is not asked any more: it must not keep the VPS
 * off. */
static gboolean
check_claim (VbOperationWorker *self, GError **error)
{
  if (!vb_claims_is_lost (vb_pool_get_claims (self->pool), self->vps))
    return TRUE;
  vb_error_set_public (error, VB_ERROR_INTERRUPTED);
  return FALSE;
}

/* Without the checkpoint the next backup reads everything; that is no reason to fail the restore.
 * With another VPS's backup none of this one knows what the disks hold now. */
static void
renew_checkpoints (VbOperationWorker *self, VbStaging *staging)
{
  const VbOperationRecord *record = self->record;
  g_autoptr (GHashTable) restored = vb_staging_dup_restored (staging);
  g_autoptr (GError) error = NULL;
  gboolean done = record->source_vps
                      ? call_forget_checkpoints (self, NULL, &error)
                      : vb_hypervisor_reset_checkpoints (self->hypervisor, record->vps,
                                                         record->backup, restored, &error);

  if (!done)
    vb_operation_worker_log_failed (self, "Failed to renew the checkpoint after the restore",
                                    error);
}

gboolean
vb_restore_swap (VbOperationWorker *self, VbStaging *staging, GError **error)
{
  if (!vb_restore_power_off (self, error) || !check_claim (self, error)
      || !put_in_place (self, staging, error))
    return FALSE;
  /* A VPS that reads something else below its new disks must not start. */
  if (!vb_operation_worker_retry_while_unavailable (self, call_fit_definition, NULL, error))
    {
      if (vb_staging_can_undo (staging))
        vb_restore_undo_swap (self, staging);
      return FALSE;
    }

  renew_checkpoints (self, staging);

  /* From here on the VPS may run, and write, on its new disks: a crash must not take those from
   * it. */
  vb_restore_set_details (self, VB_RESTORE_SWAPPED);
  if (vb_operation_worker_save (self, error) && vb_restore_bring_back (self, error))
    return TRUE;
  if (vb_staging_can_undo (staging))
    vb_restore_undo_swap (self, staging);
  return FALSE;
}

gboolean
vb_restore_insist_on_details (VbOperationWorker *self, const char *details)
{
  g_autoptr (GError) error = NULL;

  vb_restore_set_details (self, details);
  while (!vb_operation_worker_save (self, &error))
    {
      vb_operation_worker_log_failed (self, "Failed to record that the VPS is back, trying again",
                                      error);
      g_clear_error (&error);
      if (!vb_operation_worker_pause (self, G_USEC_PER_SEC))
        {
          vb_operation_worker_leave (self);
          return FALSE;
        }
    }
  return TRUE;
}

static VbUndo *
make_undo (VbOperationWorker *self)
{
  const VbOperationRecord *record = self->record;
  VbUndo *undo = vb_undo_new (record->id, record->vps, record->backup, record->backup_name);
  undo->restored_at = g_date_time_new_now_utc ();
  undo->until = g_date_time_add_seconds (undo->restored_at, (double) self->settings.undo_window_s);
  return undo;
}

/* Whether the old disks stay, so that the restore can be undone. */
static gboolean
keep_old_disks (VbOperationWorker *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbUndo) undo = make_undo (self);
  gboolean kept = FALSE;

  if (self->settings.undo_window_s == 0 || vb_restore_has_details (self, VB_RESTORE_CLEARING))
    return FALSE;
  if (vb_pool_keep_replaced (self->pool, staging, undo, &kept, &error)
      && (!kept || vb_journal_save_undo (self->journal, undo, &error)))
    {
      self->undo = kept ? g_steal_pointer (&undo) : NULL;
      return kept;
    }
  vb_operation_worker_log_failed (self, "Failed to keep the old disks for an undo", error);
  return FALSE;
}

static void
finish (VbOperationWorker *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;

  if (!vb_staging_finish (staging, &error))
    vb_operation_worker_log_failed (self, "Failed to remove the old disks", error);
  g_clear_error (&error);
  if (!vb_hypervisor_settle_definition (self->hypervisor, self->record->vps, &error))
    vb_operation_worker_log_failed (self, "Failed to remove the old definition", error);
}

/* The old disks go only after the journal knows that they are not needed: without them nothing on
 * the disks tells a restore that was done from one that was undone. */
void
vb_restore_succeed (VbOperationWorker *self, VbStaging *staging)
{
  if (!vb_restore_has_details (self, VB_RESTORE_CLEARING)
      && !vb_restore_insist_on_details (self, VB_RESTORE_BACK))
    return;
  if (!keep_old_disks (self, staging))
    {
      /* Some of the old disks are no undo: a recovery goes on with removing them. */
      if (self->settings.undo_window_s > 0
          && !vb_restore_insist_on_details (self, VB_RESTORE_CLEARING))
        return;
      finish (self, staging);
    }
  vb_operation_worker_set_swapping (self, FALSE);
  vb_operation_worker_complete (self);
}

gboolean
vb_restore_is_on (VbOperationWorker *self)
{
  VbPower power = VB_POWER_STOPPED;
  return vb_operation_worker_get_power (self, &power, NULL)
         && (power == VB_POWER_RUNNING || power == VB_POWER_PAUSED);
}

static void
drop_staging (VbOperationWorker *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;
  if (vb_staging_can_undo (staging))
    {
      vb_restore_set_details (self, NULL); /* no device was touched, and soon nothing will tell */
      if (!vb_operation_worker_save (self, &error))
        vb_operation_worker_log_failed (self, "Failed to record that the staged disks are removed",
                                        error);
      g_clear_error (&error);
      if (!vb_staging_discard (staging, &error))
        vb_operation_worker_log_failed (self, "Failed to remove the staged disks", error);
    }
  /* What was overwritten is whole and stays, and so do the images that belong to it. */
  else if (!vb_staging_finish (staging, &error))
    vb_operation_worker_log_failed (self, "Failed to remove the old disks", error);
}

void
vb_restore_abandon (VbOperationWorker *self, VbStaging *staging, const GError *error)
{
  g_autoptr (GError) failure = NULL;
  if (staging != NULL && is_torn (staging))
    {
      vb_operation_worker_leave (self);
      return;
    }
  if (staging != NULL)
    drop_staging (self, staging);
  /* Also when nothing was stopped: then the VPS is in that state already. */
  if (self->record->was_power != NULL && !vb_restore_bring_back (self, &failure))
    vb_operation_worker_log_failed (self, "Failed to start the VPS again after a failed restore",
                                    failure);
  vb_operation_worker_set_swapping (self, FALSE);
  vb_operation_worker_fail (self, error);
}

gboolean
vb_restore_begin_swap (VbOperationWorker *self, VbStaging *staging, GError **error)
{
  /* While it can still be cancelled, and the VPS is on. */
  if (!vb_claims_confirm (vb_pool_get_claims (self->pool), self->vps, self->transfer, error))
    return FALSE;
  if (!vb_transfer_close (self->transfer))
    {
      vb_error_set_public (error, VB_ERROR_CANCELLED);
      return FALSE;
    }
  vb_operation_worker_set_swapping (self, TRUE);
  if (vb_staging_is_in_place (staging))
    vb_restore_set_details (self, VB_RESTORE_OVERWRITING);
  return vb_operation_worker_lock (self, "swap", error)
         && vb_operation_worker_move (self, VB_OPERATION_FINISHING, error);
}
