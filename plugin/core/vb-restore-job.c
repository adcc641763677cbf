/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script of a restore: stage the new disks beside the old ones, and only when they are whole and
 * verified stop the VPS, swap by rename and bring it back. The old disks go last. */
#include "vb-job.h"

#include "vb-error.h"
#include "vb-log.h"

/* Recorded once all disks are swapped: recovery goes forward from there. */
#define DETAILS_SWAPPED "swapped"
/* Recorded once the VPS is back: what is left to do is to remove the old disks. */
#define DETAILS_BACK "back"

static void
log_failed (VbJob *self, const char *doing, const GError *error)
{
  vb_log_warning (self->record->vps,
                  self->record->id,
                  self->record->backup,
                  "%s: %s",
                  doing,
                  error ? error->message : "unknown error");
}

static gboolean
call_power_off (VbJob *self, gpointer data, GError **error)
{
  return vb_hypervisor_power_off (self->hypervisor, self->record->vps, NULL, error);
}

static gboolean
call_power_restore (VbJob *self, gpointer data, GError **error)
{
  VbPower power = vb_power_from_string (self->record->was_power);
  return vb_hypervisor_power_restore (self->hypervisor, self->record->vps, power, error);
}

/* Brings the VPS back to the power state that it had; the hook must let it start, so the lock goes first. */
static gboolean
bring_back (VbJob *self, GError **error)
{
  vb_job_unlock (self);
  return vb_job_insist (self, call_power_restore, NULL, error);
}

static gboolean
prepare (VbJob *self, GPtrArray **disks, GError **error)
{
  g_autoptr (VbVpsInfo) info = vb_hypervisor_get_info (self->hypervisor, self->record->vps, error);
  if (info == NULL)
    return FALSE;
  g_free (self->record->was_power);
  self->record->was_power = g_strdup (vb_power_to_string (info->power));
  *disks = vb_hypervisor_list_disks (self->hypervisor, self->record->vps, error);
  if (*disks == NULL || !vb_job_move (self, VB_OPERATION_PREPARING, error))
    return FALSE;
  return !self->record->stop_first || vb_job_insist (self, call_power_off, NULL, error);
}

static void
undo_swap (VbJob *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;
  if (!vb_job_lock (self, "swap", &error))
    log_failed (self, "Locking the power for putting the old disks back", error);
  g_clear_error (&error);
  if (!vb_job_insist (self, call_power_off, NULL, &error))
    log_failed (self, "Stopping the VPS to put the old disks back", error);
  g_clear_error (&error);
  if (!vb_staging_undo (staging, &error))
    log_failed (self, "Putting the old disks back", error);
}

static void
set_details (VbJob *self, const char *details)
{
  g_free (self->record->details);
  self->record->details = g_strdup (details);
}

static gboolean
swap (VbJob *self, VbStaging *staging, GError **error)
{
  if (!vb_job_insist (self, call_power_off, NULL, error) || !vb_staging_swap (staging, error))
    return FALSE;

  /* Without the checkpoint the next backup reads everything; that is no reason to fail the restore. */
  g_autoptr (GError) checkpoint_error = NULL;
  if (!vb_hypervisor_reset_checkpoints (self->hypervisor,
                                        self->record->vps,
                                        self->record->backup,
                                        &checkpoint_error))
    log_failed (self, "Renewing the checkpoint after the restore", checkpoint_error);

  /* From here on the VPS may run, and write, on its new disks: a crash must not take those from it. */
  set_details (self, DETAILS_SWAPPED);
  if (vb_job_save (self, error) && bring_back (self, error))
    return TRUE;
  undo_swap (self, staging);
  return FALSE;
}

/* The old disks go only after the journal knows that they are not needed: without them nothing on the disks tells a restore that
 * was done from one that was undone. */
static void
succeed (VbJob *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;

  set_details (self, DETAILS_BACK);
  while (!vb_job_save (self, &error))
    {
      log_failed (self, "Recording that the VPS is back, trying again", error);
      g_clear_error (&error);
      if (!vb_job_pause (self, G_USEC_PER_SEC))
        return;
    }
  if (!vb_staging_finish (staging, &error))
    log_failed (self, "Removing the old disks", error);
  self->record->swapping = FALSE;
  vb_job_complete (self);
}

static void
abandon (VbJob *self, VbStaging *staging, const GError *error)
{
  g_autoptr (GError) failure = NULL;
  if (staging != NULL && !vb_staging_discard (staging, &failure))
    log_failed (self, "Removing the staged disks", failure);
  g_clear_error (&failure);
  /* Also when nothing was stopped: then the VPS is in that state already. */
  if (self->record->was_power != NULL && !bring_back (self, &failure))
    log_failed (self, "Starting the VPS again after a failed restore", failure);
  self->record->swapping = FALSE;
  vb_job_fail (self, error);
}

static gboolean
begin_swap (VbJob *self, GError **error)
{
  if (!vb_transfer_close (self->transfer))
    {
      vb_error_set_public (error, VB_ERROR_CANCELLED);
      return FALSE;
    }
  self->record->swapping = TRUE;
  return vb_job_lock (self, "swap", error) && vb_job_move (self, VB_OPERATION_FINISHING, error);
}

/* Whether so little has changed since the backup that writing it back beats copying everything. */
static gboolean
is_delta_worthwhile (VbJob *self, GPtrArray *disks)
{
  guint64 changed_bytes = 0;
  guint64 limit_bytes = self->settings.delta_limit_bytes;
  return limit_bytes > 0 && vb_pool_can_stage_delta (self->pool, disks)
         && vb_hypervisor_get_changed_bytes (self->hypervisor,
                                             self->record->vps,
                                             self->record->backup,
                                             &changed_bytes,
                                             NULL)
         && changed_bytes <= limit_bytes;
}

static VbStaging *
stage_changes (VbJob *self, GPtrArray *disks, GError **error)
{
  if (!vb_job_insist (self, call_power_off, NULL, error))
    return NULL;
  const VbOperationRecord *record = self->record;
  g_autoptr (VbCapture) delta
      = vb_hypervisor_begin_delta (self->hypervisor, record->vps, record->id, record->backup, error);
  if (delta == NULL)
    return NULL;
  VbStaging *staging = vb_pool_stage_delta (self->pool,
                                            delta,
                                            disks,
                                            self->settings.delta_limit_bytes,
                                            self->transfer,
                                            error);
  g_autoptr (GError) end_error = NULL;
  if (!vb_hypervisor_end_delta (self->hypervisor, delta, &end_error))
    log_failed (self, "Removing the record of what has changed", end_error);
  return staging;
}

/* Returns NULL without error when everything has to be staged, with the VPS on again if it was. */
static VbStaging *
try_delta (VbJob *self, GPtrArray *disks, GError **error)
{
  g_autoptr (GError) failure = NULL;
  if (!is_delta_worthwhile (self, disks))
    return NULL;
  VbStaging *staging = stage_changes (self, disks, &failure);
  if (staging != NULL)
    return staging;

  if (vb_error_code_of (failure) == VB_ERROR_CANCELLED
      || vb_error_code_of (failure) == VB_ERROR_CHECKSUM_MISMATCH)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  log_failed (self, "Writing back only what has changed; preparing whole disks instead", failure);
  vb_transfer_restart (self->transfer);
  if (!self->record->stop_first && bring_back (self, error))
    vb_job_lock (self, "restore", error);
  return NULL;
}

static VbStaging *
stage (VbJob *self, GPtrArray *disks, GError **error)
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
  return vb_pool_stage (self->pool,
                        self->record->vps,
                        self->record->backup,
                        self->record->id,
                        disks,
                        self->transfer,
                        error);
}

void
vb_restore_job_run (VbJob *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) disks = NULL;
  g_autoptr (VbStaging) staging = NULL;

  if (vb_transfer_check (self->transfer, &error) && vb_job_lock (self, "restore", &error)
      && prepare (self, &disks, &error) && vb_job_move (self, VB_OPERATION_COPYING, &error))
    staging = stage (self, disks, &error);
  if (staging == NULL || !begin_swap (self, &error) || !swap (self, staging, &error))
    {
      abandon (self, staging, error);
      return;
    }

  succeed (self, staging);
}

static gboolean
call_list_disks (VbJob *self, gpointer data, GError **error)
{
  GPtrArray **disks = data;
  *disks = vb_hypervisor_list_disks (self->hypervisor, self->record->vps, error);
  return *disks != NULL;
}

static gboolean
call_get_power (VbJob *self, gpointer data, GError **error)
{
  VbPower *power = data;
  g_autoptr (VbVpsInfo) info = vb_hypervisor_get_info (self->hypervisor, self->record->vps, error);
  if (info != NULL)
    *power = info->power;
  return info != NULL;
}

static gboolean
is_on (VbJob *self)
{
  VbPower power = VB_POWER_STOPPED;
  return vb_job_insist (self, call_get_power, &power, NULL)
         && (power == VB_POWER_RUNNING || power == VB_POWER_PAUSED);
}

/* Whether the VPS is, or can be brought, back in its previous state on its restored disks. */
static gboolean
go_forward (VbJob *self, VbStaging *staging)
{
  g_autoptr (GError) error = NULL;
  if (g_strcmp0 (self->record->details, DETAILS_BACK) == 0)
    return TRUE;
  if (!vb_staging_is_swapped (staging))
    return FALSE;
  if (is_on (self))
    return TRUE;
  if (g_strcmp0 (self->record->details, DETAILS_SWAPPED) != 0)
    return FALSE;
  if (bring_back (self, &error))
    return TRUE;
  log_failed (self, "Starting the VPS on its restored disks", error);
  return FALSE;
}

static VbStaging *
find_staging (VbJob *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) disks = NULL;
  VbStaging *staging = NULL;

  if (vb_job_insist (self, call_list_disks, &disks, &error))
    staging = vb_pool_recover_staging (self->pool, self->record->id, disks, &error);
  if (staging == NULL)
    log_failed (self, "Finding what an interrupted restore has left", error);
  return staging;
}

/* After a crash: disks that are all swapped stay, half a swap is undone, and what was only staged goes. */
void
vb_restore_job_recover (VbJob *self)
{
  g_autoptr (GError) error = NULL;
  if (!vb_job_lock (self, self->record->swapping ? "swap" : "restore", &error))
    log_failed (self, "Locking the power for the recovery of a restore", error);

  g_autoptr (VbStaging) staging = find_staging (self);
  if (staging != NULL && self->record->swapping && go_forward (self, staging))
    {
      succeed (self, staging);
      return;
    }
  /* A VPS that runs has its power cut by nobody yet, so nothing is swapped under it. */
  if (staging != NULL && self->record->swapping && !is_on (self))
    undo_swap (self, staging);

  g_autoptr (GError) interrupted = g_error_new_literal (VB_ERROR,
                                                        VB_ERROR_INTERRUPTED,
                                                        vb_error_public_message (VB_ERROR_INTERRUPTED));
  abandon (self, staging, interrupted);
}
