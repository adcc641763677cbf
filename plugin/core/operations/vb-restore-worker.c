/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script of a restore: stage the new disks beside the old ones, and only when they are whole
 * and verified stop the VPS, swap by rename and bring it back. The old disks go last. */
#include "vb-restore-first.h"
#include "vb-restore-swap.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

/* A restore that restarts may have got as far as this already. */
static gboolean
move_to_preparing (VbOperationWorker *self, GError **error)
{
  return self->record->state == VB_OPERATION_PREPARING
             ? vb_operation_worker_save (self, error)
             : vb_operation_worker_move (self, VB_OPERATION_PREPARING, error);
}

/* Whether the VPS has, and will start with, the disks that the restore is about to replace. */
static gboolean
check_definition (VbOperationWorker *self, GError **error)
{
  g_autoptr (GPtrArray) warnings
      = vb_hypervisor_check_restore (self->hypervisor, self->record->vps, error);
  return warnings != NULL;
}

static gboolean
is_same_disk (const VbDisk *disk, GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *other = g_ptr_array_index (disks, i);
      if (g_strcmp0 (disk->target, other->target) == 0)
        return g_strcmp0 (disk->path, other->path) == 0
               && g_strcmp0 (disk->format, other->format) == 0;
    }
  return FALSE;
}

/* Preparing may take hours, in which somebody may change the definition. */
static gboolean
confirm_disks (VbOperationWorker *self, GPtrArray *disks, GError **error)
{
  g_autoptr (GPtrArray) now = NULL;
  if (!check_definition (self, error))
    return FALSE;
  now = vb_hypervisor_list_disks (self->hypervisor, self->record->vps, error);
  for (guint i = 0; now != NULL && i < disks->len; i++)
    if (!is_same_disk (g_ptr_array_index (disks, i), now))
      {
        vb_error_set_public (error, VB_ERROR_DEFINITION_DIFFERS);
        return FALSE;
      }
  return now != NULL;
}

static gboolean
prepare (VbOperationWorker *self, GPtrArray **disks, GError **error)
{
  g_autoptr (VbVpsInfo) info = vb_hypervisor_get_info (self->hypervisor, self->record->vps, error);
  if (info == NULL)
    return FALSE;
  vb_operation_worker_set_was_power (self, info->power);
  /* What begins again does so once for each stop. */
  vb_operation_worker_set_details (self, NULL);
  *disks = check_definition (self, error)
               ? vb_hypervisor_list_disks (self->hypervisor, self->record->vps, error)
               : NULL;
  if (*disks == NULL || !move_to_preparing (self, error))
    return FALSE;
  if (self->record->replace_disks)
    vb_disks_allow_overwrite (*disks);
  return !self->record->stop_first || vb_restore_power_off (self, error);
}

/* Whether so little has changed since the backup that writing it back beats copying everything. */
static gboolean
is_delta_worthwhile (VbOperationWorker *self, GPtrArray *disks)
{
  guint64 changed_bytes = 0;
  guint64 limit_bytes = self->settings.delta_limit_bytes;
  /* What is said to have changed since the backup is about the backup's own disks. */
  return limit_bytes > 0 && !self->record->replace_disks && self->record->source_vps == NULL
         && vb_pool_can_stage_delta (self->pool, disks)
         && vb_hypervisor_get_changed_bytes (self->hypervisor, self->record->vps,
                                             self->record->backup, &changed_bytes, NULL)
         && changed_bytes <= limit_bytes;
}

static VbStaging *
stage_changes (VbOperationWorker *self, GPtrArray *disks, GError **error)
{
  if (!vb_restore_power_off (self, error))
    return NULL;
  const VbOperationRecord *record = self->record;
  g_autoptr (VbCapture) delta = vb_hypervisor_begin_delta (self->hypervisor, record->vps,
                                                           record->id, record->backup, error);
  if (delta == NULL)
    return NULL;
  VbStaging *staging = vb_pool_stage_delta (
      self->pool, delta, disks, self->settings.delta_limit_bytes, self->transfer, error);
  g_autoptr (GError) end_error = NULL;
  if (!vb_hypervisor_end_delta (self->hypervisor, delta, &end_error))
    vb_operation_worker_log_failed (self, "Failed to remove the record of changed blocks",
                                    end_error);
  return staging;
}

/* Returns NULL without error when everything has to be staged, with the VPS on again if it was. */
static VbStaging *
try_delta (VbOperationWorker *self, GPtrArray *disks, GError **error)
{
  g_autoptr (GError) failure = NULL;
  if (!is_delta_worthwhile (self, disks))
    return NULL;
  VbStaging *staging = stage_changes (self, disks, &failure);
  if (staging != NULL)
    return staging;

  if (vb_error_code_of (failure) == VB_ERROR_CANCELLED || vb_operation_worker_is_suspended (self)
      || vb_error_code_of (failure) == VB_ERROR_CHECKSUM_MISMATCH)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  vb_operation_worker_log_failed (
      self, "Failed to write back only the changed blocks, preparing whole disks instead", failure);
  vb_transfer_restart (self->transfer);
  if (!self->record->stop_first && vb_restore_bring_back (self, error))
    vb_operation_worker_lock (self, "restore", error);
  return NULL;
}

static VbStaging *
stage (VbOperationWorker *self, GPtrArray *disks, GError **error)
{
  g_autoptr (GError) failure = NULL;
  VbStaging *staging = try_delta (self, disks, &failure);
  if (staging != NULL)
    return staging;
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  const VbOperationRecord *record = self->record;
  return (record->source_vps ? vb_pool_clone : vb_pool_stage) (
      self->pool, vb_operation_record_get_source (record), record->backup, record->id, disks,
      self->transfer, error);
}

static gboolean
is_because_of_a_stop (VbOperationWorker *self, const GError *error)
{
  return vb_operation_worker_is_suspended (self)
         && (vb_error_code_of (error) == VB_ERROR_CANCELLED
             || vb_error_code_of (error) == VB_ERROR_INTERRUPTED);
}

/* The service stops, and nothing of the VPS has been changed: what is staged goes, and the VPS is
 * as it was meanwhile. */
static gboolean
leave (VbOperationWorker *self, VbStaging *staging, const GError *error)
{
  g_autoptr (GError) failure = NULL;

  if (self->record->swapping || !is_because_of_a_stop (self, error))
    return FALSE;
  if ((staging != NULL && !vb_staging_discard (staging, &failure))
      || (self->record->was_power != NULL && !vb_restore_bring_back (self, &failure)))
    {
      vb_operation_worker_log_failed (
          self, "Failed to suspend the restore until the next start of the service", failure);
      return FALSE;
    }
  vb_restore_note_left (self);
  vb_operation_worker_detach (self);
  return TRUE;
}

void
vb_restore_worker_run (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) disks = NULL;
  g_autoptr (VbStaging) staging = NULL;

  if (!vb_restore_back_up_first (self))
    return;
  if (vb_transfer_check (self->transfer, &error) && vb_operation_worker_claim (self, &error)
      && vb_operation_worker_lock (self, "restore", &error) && prepare (self, &disks, &error)
      && vb_operation_worker_move (self, VB_OPERATION_COPYING, &error))
    staging = stage (self, disks, &error);
  if (staging != NULL && confirm_disks (self, disks, &error)
      && vb_restore_begin_swap (self, staging, &error) && vb_restore_swap (self, staging, &error))
    vb_restore_succeed (self, staging);
  else if (!leave (self, staging, error))
    vb_restore_abandon (self, staging, error);
}

static gboolean
call_list_disks (VbOperationWorker *self, gpointer data, GError **error)
{
  GPtrArray **disks = data;
  *disks = vb_hypervisor_list_disks (self->hypervisor, self->record->vps, error);
  return *disks != NULL;
}

/* Whether the VPS is, or can be brought, back in its previous state on its restored disks. */
static gboolean
go_forward (VbOperationWorker *self, VbStaging *staging, GError **error)
{
  if (vb_restore_has_details (self, VB_RESTORE_BACK)
      || vb_restore_has_details (self, VB_RESTORE_CLEARING))
    return TRUE;
  if (!vb_staging_can_undo (staging) && !vb_restore_has_details (self, VB_RESTORE_SWAPPED))
    return vb_restore_swap (self, staging, error);
  if (!vb_staging_is_swapped (staging))
    return FALSE;
  return vb_restore_is_on (self)
         || (vb_restore_has_details (self, VB_RESTORE_SWAPPED)
             && vb_restore_bring_back (self, error));
}

static VbStaging *
find_staging (VbOperationWorker *self, GError **error)
{
  g_autoptr (GPtrArray) disks = NULL;
  return vb_operation_worker_retry_while_unavailable (self, call_list_disks, &disks, error)
             ? vb_pool_recover_staging (self->pool, self->record->id, disks, error)
             : NULL;
}

/* Only the pool knows how far devices have been overwritten. */
static gboolean
must_find (VbOperationWorker *self, const GError *error)
{
  return g_error_matches (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE)
         || (vb_restore_has_details (self, VB_RESTORE_OVERWRITING)
             && !g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND));
}

/* Returns: FALSE when the service stops before anybody can know; *@staging is NULL when there is
 * nothing to be found */
static gboolean
insist_on_staging (VbOperationWorker *self, VbStaging **staging)
{
  for (gint64 pause_us = VB_RESTORE_RETRY_US;;
       pause_us = MIN (pause_us * 2, VB_RESTORE_MAX_RETRY_US))
    {
      g_autoptr (GError) error = NULL;
      *staging = find_staging (self, &error);
      if (*staging != NULL)
        return TRUE;
      vb_operation_worker_log_failed (
          self, "Failed to find the leftovers of an interrupted restore", error);
      if (!must_find (self, error))
        return TRUE;
      /* Where nothing is swapped nothing keeps the VPS from going on meanwhile. */
      if (!self->record->swapping && self->lock != NULL && self->record->was_power != NULL)
        vb_restore_bring_back (self, NULL);
      if (!vb_operation_worker_pause (self, pause_us))
        return FALSE;
    }
}

/* The administrator has removed what the pool had noted, for want of another way: the VPS must not
 * start from half a disk. */
static void
give_up_devices (VbOperationWorker *self)
{
  vb_operation_worker_set_was_power (self, VB_POWER_STOPPED);
}

static void
begin_anew (VbOperationWorker *self)
{
  g_autoptr (VbStaging) staging = NULL;
  g_autoptr (GError) error = NULL;

  if (!insist_on_staging (self, &staging))
    {
      vb_operation_worker_leave (self);
      return;
    }
  if (staging != NULL && !vb_staging_discard (staging, &error))
    vb_operation_worker_log_failed (
        self, "Failed to remove the disks that the restore had staged before", error);
  vb_transfer_restart (self->transfer);
  vb_log_info (self->record->vps, self->record->id, self->record->backup, "The restore restarts");
  vb_restore_worker_run (self);
}

/* After a crash: disks that are all swapped stay, half a swap is undone, half a device is
 * completed, and what was only staged goes. */
void
vb_restore_worker_recover (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (VbStaging) staging = NULL;
  if (self->record->first_backup != NULL)
    {
      vb_restore_worker_run (self); /* nothing of the VPS was changed yet */
      return;
    }
  if (vb_restore_was_left (self))
    {
      begin_anew (self);
      return;
    }
  vb_transfer_close (self->transfer); /* it is too late for a cancel */
  if (!vb_operation_worker_lock (self, self->record->swapping ? "swap" : "restore", &error))
    vb_operation_worker_log_failed (self, "Failed to lock the power for the recovery of a restore",
                                    error);

  /* Disks that another host works on meanwhile are not swapped. */
  g_autoptr (GError) claim_error = NULL;
  if (self->record->swapping && !vb_operation_worker_claim (self, &claim_error))
    vb_operation_worker_log_failed (self, "Failed to claim the VPS for the recovery of a restore",
                                    claim_error);
  if (g_error_matches (claim_error, VB_ERROR, VB_ERROR_OPERATION_RUNNING)
      || !insist_on_staging (self, &staging))
    {
      vb_operation_worker_leave (self);
      return;
    }
  if (staging != NULL && self->record->swapping && go_forward (self, staging, &failure))
    {
      vb_restore_succeed (self, staging);
      return;
    }
  if (staging != NULL && vb_restore_has_details (self, VB_RESTORE_OVERWRITING)
      && !vb_staging_is_in_place (staging))
    give_up_devices (self);
  if (failure != NULL)
    vb_operation_worker_log_failed (self, "Failed to bring the VPS back on its restored disks",
                                    failure);
  /* A VPS that runs has its power cut by nobody yet, so nothing is swapped under it. */
  if (staging != NULL && self->record->swapping && vb_staging_can_undo (staging)
      && !vb_restore_is_on (self))
    vb_restore_undo_swap (self, staging);

  g_autoptr (GError) interrupted = g_error_new_literal (
      VB_ERROR, VB_ERROR_INTERRUPTED, vb_error_public_message (VB_ERROR_INTERRUPTED));
  gboolean changed = staging != NULL && !vb_staging_can_undo (staging);
  vb_restore_abandon (self, staging, changed && failure != NULL ? failure : interrupted);
}
