/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script of a create: hold a point in time, copy it, let go of it, make the copy durable. */
#include "vb-job.h"

#include "vb-error.h"
#include "vb-log.h"

static gboolean
tick (gpointer data, GError **error)
{
  gpointer *pair = data;
  return vb_hypervisor_check_capture (pair[0], pair[1], error);
}

static VbCapture *
begin (VbJob *self, GError **error)
{
  VbCaptureRequest request = {
    .vps = self->record->vps,
    .backup = self->record->backup,
    .operation = self->record->id,
    .freeze_timeout_s = self->settings.freeze_timeout_s,
    .scratch_reserve_bytes = self->settings.scratch_reserve_bytes,
    .bases = (const char *const *) self->bases,
  };
  GCancellable *cancellable = vb_transfer_get_cancellable (self->transfer);
  VbCapture *capture = vb_hypervisor_begin_capture (self->hypervisor, &request, cancellable, error);
  if (capture != NULL && capture->full_reason != NULL)
    vb_log_info (request.vps,
                 request.operation,
                 request.backup,
                 "Reading everything: %s",
                 capture->full_reason);
  return capture;
}

static gboolean
copy (VbJob *self, VbCapture *capture, GError **error)
{
  g_clear_pointer (&self->info->created_at, g_date_time_unref);
  self->info->created_at = g_date_time_new_now_utc ();
  self->info->consistency = capture->consistency;

  if (!vb_job_move (self, VB_OPERATION_COPYING, error))
    return FALSE;
  gpointer pair[] = { self->hypervisor, capture };
  vb_transfer_set_tick (self->transfer, tick, pair);
  gboolean copied = vb_pool_capture (self->pool, capture, self->info, self->transfer, error);
  vb_transfer_set_tick (self->transfer, NULL, NULL);
  return copied;
}

typedef struct
{
  VbCapture *capture;
  gboolean keep;
} EndCapture;

static gboolean
call_end_capture (VbJob *self, gpointer data, GError **error)
{
  EndCapture *end = data;
  return vb_hypervisor_end_capture (self->hypervisor, end->capture, end->keep, error);
}

static gboolean
end_capture (VbJob *self, VbCapture *capture, gboolean keep, GError **error)
{
  EndCapture end = { capture, keep };
  return vb_job_insist (self, call_end_capture, &end, error);
}

static void
let_go (VbJob *self, VbCapture *capture)
{
  g_autoptr (GError) error = NULL;
  if (!end_capture (self, capture, FALSE, &error))
    vb_log_warning (self->record->vps,
                    self->record->id,
                    self->record->backup,
                    "Letting go of the point in time: %s",
                    error->message);
}

/* Whether the point in time is gone because the VPS was powered off under the capture. */
static gboolean
was_powered_off (VbJob *self, const VbCapture *capture)
{
  if (!capture->running || g_cancellable_is_cancelled (vb_transfer_get_cancellable (self->transfer)))
    return FALSE;
  g_autoptr (VbVpsInfo) info = vb_hypervisor_get_info (self->hypervisor, self->record->vps, NULL);
  return info != NULL && (info->power == VB_POWER_STOPPED || info->power == VB_POWER_CRASHED);
}

/* Returns the captured point in time, whose copy in the pool is whole but not yet durable. */
static VbCapture *
capture_and_copy (VbJob *self, GError **error)
{
  for (gboolean again = FALSE;; again = TRUE)
    {
      g_autoptr (GError) failure = NULL;
      g_autoptr (VbCapture) capture = begin (self, &failure);
      if (capture == NULL)
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      if (copy (self, capture, &failure))
        return g_steal_pointer (&capture);

      let_go (self, capture);
      if (again || !was_powered_off (self, capture) || !vb_job_move (self, VB_OPERATION_PREPARING, NULL))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      vb_log_info (self->record->vps,
                   self->record->id,
                   self->record->backup,
                   "The VPS was powered off during the capture; starting over from its disks (%s)",
                   failure->message);
      vb_transfer_restart (self->transfer);
    }
}

static gboolean
make_durable (VbJob *self, VbCapture *capture, GError **error)
{
  if (!vb_transfer_close (self->transfer))
    {
      vb_error_set_public (error, VB_ERROR_CANCELLED);
      let_go (self, capture);
      return FALSE;
    }
  if (!vb_job_move (self, VB_OPERATION_FINISHING, error))
    {
      let_go (self, capture);
      return FALSE;
    }
  /* The guest's scratch space goes first: making the copy durable may take as long as the pool likes. */
  if (!end_capture (self, capture, TRUE, error))
    {
      let_go (self, capture);
      return FALSE;
    }
  if (vb_pool_commit (self->pool, self->info, error))
    return TRUE;
  vb_hypervisor_delete_checkpoint (self->hypervisor, self->record->vps, self->record->backup, NULL);
  return FALSE;
}

void
vb_create_job_run (VbJob *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbCapture) capture = NULL;

  if (vb_transfer_check (self->transfer, &error) && vb_job_lock (self, "create", &error)
      && vb_job_move (self, VB_OPERATION_PREPARING, &error))
    capture = capture_and_copy (self, &error);
  if (capture != NULL && make_durable (self, capture, &error))
    {
      vb_job_complete (self);
      return;
    }

  g_autoptr (GError) discard_error = NULL;
  if (!vb_pool_discard (self->pool, self->record->vps, self->record->backup, &discard_error))
    vb_log_warning (self->record->vps,
                    self->record->id,
                    self->record->backup,
                    "Removing the partial backup: %s",
                    discard_error->message);
  vb_job_fail (self, error);
}

static VbBackupInfo *
find_committed (VbJob *self)
{
  g_autoptr (GPtrArray) all = vb_pool_list (self->pool, NULL);
  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      const VbBackupInfo *info = g_ptr_array_index (all, i);
      if (g_strcmp0 (info->id, self->record->backup) == 0)
        return vb_backup_info_copy (info);
    }
  return NULL;
}

static gboolean
call_abort_orphan (VbJob *self, gpointer data, GError **error)
{
  return vb_hypervisor_abort_orphan_capture (self->hypervisor,
                                             self->record->vps,
                                             self->record->id,
                                             self->record->backup,
                                             error);
}

/* After a crash: a backup that was committed is announced, anything less is removed. */
void
vb_create_job_recover (VbJob *self)
{
  g_autoptr (GError) lock_error = NULL;
  if (!vb_job_lock (self, "create", &lock_error))
    vb_log_warning (self->record->vps,
                    self->record->id,
                    self->record->backup,
                    "Locking the power for the recovery of a create: %s",
                    lock_error->message);

  g_autoptr (VbBackupInfo) committed = find_committed (self);
  if (committed != NULL)
    {
      vb_backup_info_free (self->info);
      self->info = g_steal_pointer (&committed);
      vb_job_complete (self);
      return;
    }

  g_autoptr (GError) error = NULL;
  if (!vb_job_insist (self, call_abort_orphan, NULL, &error)
      && !g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND))
    vb_log_warning (self->record->vps,
                    self->record->id,
                    self->record->backup,
                    "Cleaning up after an interrupted backup: %s",
                    error->message);
  vb_pool_discard (self->pool, self->record->vps, self->record->backup, NULL);

  g_autoptr (GError) interrupted = g_error_new_literal (VB_ERROR,
                                                        VB_ERROR_INTERRUPTED,
                                                        vb_error_public_message (VB_ERROR_INTERRUPTED));
  vb_job_fail (self, interrupted);
}
