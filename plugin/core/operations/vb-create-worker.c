/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script of a create: hold a point in time, copy it, let go of it, make the copy durable. */
#include "vb-create-worker.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

/* QEMU's end is seen in its connections before libvirt knows of it: usually at once, but half a
 * minute later when a guest that powers off has closed a channel first, because libvirt 9.0 waits
 * so long for a job that the backup does not allow. */
#define POWER_PATIENCE_US (90 * G_USEC_PER_SEC)
#define POWER_PAUSE_US (G_USEC_PER_SEC / 5)

/* A process that is about to end closes its connections first. If it lives on, somebody has ended
 * the backup job alone. */
#define PROCESS_PATIENCE_US (3 * G_USEC_PER_SEC)

#define RETRY_PAUSE_US (G_USEC_PER_SEC / 2)

static void
note (VbOperationWorker *self, const VbCreateNotes *notes)
{
  vb_operation_worker_set_details (self, vb_create_notes_to_text (notes));
}

/* --- the point in time --- */

VbCaptureRequest
vb_create_worker_make_request (VbOperationWorker *self)
{
  return (VbCaptureRequest){
    .vps = self->record->vps,
    .backup = self->record->backup,
    .operation = self->record->id,
    .freeze_timeout_s = self->settings.freeze_timeout_s,
    .scratch_reserve_bytes = self->settings.scratch_reserve_bytes,
    .backups = self->bases,
    .read_all = self->read_all,
  };
}

static gboolean
call_abort_orphan (VbOperationWorker *self, gpointer data, GError **error)
{
  return vb_hypervisor_abort_orphan_capture (self->hypervisor, self->record->vps, self->record->id,
                                             self->record->backup, error);
}

gboolean
vb_create_worker_abort_orphan (VbOperationWorker *self, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (vb_operation_worker_retry_while_unavailable (self, call_abort_orphan, NULL, &local)
      || g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The hypervisor may go away in the midst of it, and nobody knows then how far it got. */
static VbCapture *
begin (VbOperationWorker *self, GError **error)
{
  VbCaptureRequest request = vb_create_worker_make_request (self);
  GCancellable *cancellable = vb_transfer_get_cancellable (self->transfer);

  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      VbCapture *capture
          = vb_hypervisor_begin_capture (self->hypervisor, &request, cancellable, &failure);
      if (capture != NULL && capture->full_reason != NULL)
        vb_log_info (request.vps, request.operation, request.backup, "Reading everything: %s",
                     capture->full_reason);
      if (capture != NULL)
        return capture;
      if (!g_error_matches (failure, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE)
          || !vb_operation_worker_pause (self, RETRY_PAUSE_US)
          || !vb_create_worker_abort_orphan (self, NULL))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
    }
}

typedef struct
{
  VbCapture *capture;
  gboolean keep;
} EndCapture;

static gboolean
call_end_capture (VbOperationWorker *self, gpointer data, GError **error)
{
  EndCapture *end = data;
  return vb_hypervisor_end_capture (self->hypervisor, end->capture, end->keep, error);
}

static gboolean
end_capture (VbOperationWorker *self, VbCapture *capture, gboolean keep, GError **error)
{
  EndCapture end = { capture, keep };
  return vb_operation_worker_retry_while_unavailable (self, call_end_capture, &end, error);
}

static void
let_go (VbOperationWorker *self, VbCapture *capture)
{
  g_autoptr (GError) error = NULL;
  if (!end_capture (self, capture, FALSE, &error))
    vb_operation_worker_log_failed (self, "Failed to release the capture", error);
}

void
vb_create_worker_leave (VbOperationWorker *self, VbCapture *capture)
{
  g_autoptr (GError) error = NULL;

  if (capture->running && vb_operation_worker_is_suspended (self))
    {
      if (vb_hypervisor_detach_capture (self->hypervisor, capture, &error))
        return;
      vb_operation_worker_log_failed (
          self, "The capture cannot wait for the next start of the service", error);
      /* One that was lost before may be because the VPS is off, and that is looked into then. */
      self->point_lost = !g_error_matches (error, VB_ERROR, VB_ERROR_INTERRUPTED);
    }
  let_go (self, capture);
}

gboolean
vb_create_worker_is_off (VbOperationWorker *self, gboolean *off)
{
  VbPower power = VB_POWER_RUNNING;
  gboolean known = vb_operation_worker_get_power (self, &power, NULL);
  *off = known && (power == VB_POWER_STOPPED || power == VB_POWER_CRASHED);
  return known;
}

/* --- the copy --- */

static gboolean
tick (gpointer data, GError **error)
{
  gpointer *pair = data;
  VbOperationWorker *self = pair[0];

  vb_operation_worker_note_progress (self);
  return vb_hypervisor_check_capture (self->hypervisor, pair[1], error);
}

static gboolean
begin_copy (VbOperationWorker *self, VbCapture *capture, GError **error)
{
  g_auto (VbCreateNotes) notes = vb_create_notes_parse (self->record->details);

  if (!capture->resumed)
    {
      vb_create_notes_clear (&notes);
      notes.held = TRUE;
      notes.running = capture->running;
      notes.consistency = capture->consistency;
      notes.created_at = g_date_time_new_now_utc ();
      note (self, &notes);
    }
  capture->consistency = self->info->consistency = notes.consistency;
  if (notes.created_at != NULL)
    {
      g_clear_pointer (&self->info->created_at, g_date_time_unref);
      self->info->created_at = g_date_time_ref (notes.created_at);
    }
  return capture->resumed || vb_operation_worker_move (self, VB_OPERATION_COPYING, error);
}

/* When the backup job was ended because its scratch space ran short, the copy may notice the end
 * before the reason. */
static void
prefer_reason (VbOperationWorker *self, VbCapture *capture, GError **error)
{
  g_autoptr (GError) reason = NULL;
  if (vb_error_code_of (*error) == VB_ERROR_CANCELLED
      || vb_hypervisor_check_capture (self->hypervisor, capture, &reason)
      || vb_error_code_of (reason) != VB_ERROR_INSUFFICIENT_SPACE)
    return;
  g_clear_error (error);
  g_propagate_error (error, g_steal_pointer (&reason));
}

static gboolean
copy (VbOperationWorker *self, VbCapture *capture, GError **error)
{
  gpointer pair[] = { self, capture };

  if (!begin_copy (self, capture, error))
    return FALSE;
  vb_transfer_set_tick (self->transfer, tick, pair);
  gboolean copied = vb_pool_capture (self->pool, capture, self->info, self->transfer, error);
  vb_transfer_set_tick (self->transfer, NULL, NULL);
  if (!copied)
    prefer_reason (self, capture, error);
  return copied;
}

/* Whether the point in time is gone because the VPS was powered off under the capture. */
static gboolean
was_powered_off (VbOperationWorker *self, VbCapture *capture, const GError *failure)
{
  gint64 begun_us = g_get_monotonic_time ();

  for (;;)
    {
      gint64 waited_us = g_get_monotonic_time () - begun_us;
      gboolean off;
      if (!capture->running
          || g_cancellable_is_cancelled (vb_transfer_get_cancellable (self->transfer)))
        return FALSE;
      if (!vb_create_worker_is_off (self, &off) || off)
        return off;
      if (!g_error_matches (failure, VB_ERROR, VB_ERROR_INTERRUPTED)
          || waited_us > POWER_PATIENCE_US
          || (waited_us > PROCESS_PATIENCE_US
              && vb_hypervisor_has_process (self->hypervisor, capture))
          || !vb_operation_worker_pause (self, POWER_PAUSE_US))
        return FALSE;
    }
}

gboolean
vb_create_worker_restart (VbOperationWorker *self, GError **error)
{
  g_auto (VbCreateNotes) notes = vb_create_notes_parse (self->record->details);

  if (notes.again)
    {
      vb_error_set_public (error, VB_ERROR_INTERRUPTED);
      return FALSE;
    }
  notes.again = TRUE;
  notes.held = FALSE;
  note (self, &notes);
  vb_transfer_restart (self->transfer);
  return self->record->state == VB_OPERATION_PREPARING
             ? vb_operation_worker_save (self, error)
             : vb_operation_worker_move (self, VB_OPERATION_PREPARING, error);
}

VbCapture *
vb_create_worker_copy (VbOperationWorker *self, VbCapture *resumed, GError **error)
{
  for (VbCapture *next = resumed;; next = NULL)
    {
      g_autoptr (GError) failure = NULL;
      g_autoptr (VbCapture) capture = next ? next : begin (self, &failure);
      if (capture != NULL && copy (self, capture, &failure))
        return g_steal_pointer (&capture);

      gboolean powered_off = FALSE;
      if (capture != NULL)
        {
          powered_off = was_powered_off (self, capture, failure);
          vb_create_worker_leave (self, capture);
        }
      if (!powered_off || !vb_create_worker_restart (self, NULL))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return NULL;
        }
      vb_log_info (self->record->vps, self->record->id, self->record->backup,
                   "The VPS was powered off during the capture; starting over from its disks (%s)",
                   failure->message);
    }
}

/* --- the end --- */

static gboolean
make_durable (VbOperationWorker *self, VbCapture *capture, GError **error)
{
  if (!vb_transfer_close (self->transfer))
    {
      vb_error_set_public (error, vb_operation_worker_is_suspended (self) ? VB_ERROR_INTERRUPTED
                                                                          : VB_ERROR_CANCELLED);
      vb_create_worker_leave (self, capture);
      return FALSE;
    }
  if (!vb_operation_worker_move (self, VB_OPERATION_FINISHING, error))
    {
      let_go (self, capture);
      return FALSE;
    }
  /* The guest's scratch space goes first: making the copy durable may take as long as the pool
   * likes. */
  if (!end_capture (self, capture, TRUE, error))
    {
      if (!vb_operation_worker_is_suspended (self))
        let_go (self, capture);
      return FALSE;
    }
  if (vb_pool_commit (self->pool, self->info, error))
    return TRUE;
  if (!vb_operation_worker_is_suspended (self))
    vb_hypervisor_delete_checkpoint (self->hypervisor, self->record->vps, self->record->backup,
                                     NULL);
  return FALSE;
}

void
vb_create_worker_discard (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  if (!vb_pool_discard (self->pool, self->record->vps, self->record->backup, &error))
    vb_operation_worker_log_failed (self, "Failed to remove the partial backup", error);
}

void
vb_create_worker_end (VbOperationWorker *self, VbCapture *capture, const GError *error)
{
  g_autoptr (GError) failure = error ? g_error_copy (error) : NULL;

  if (capture != NULL && make_durable (self, capture, &failure))
    {
      vb_operation_worker_complete (self);
      return;
    }
  if (vb_operation_worker_is_suspended (self) && !self->point_lost)
    {
      vb_operation_worker_detach (self);
      return;
    }
  vb_create_worker_discard (self);
  vb_operation_worker_fail (self, failure);
}

void
vb_create_worker_run (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbCapture) capture = NULL;

  if (vb_transfer_check (self->transfer, &error) && vb_operation_worker_claim (self, &error)
      && vb_operation_worker_lock (self, "create", &error)
      && vb_operation_worker_move (self, VB_OPERATION_PREPARING, &error))
    capture = vb_create_worker_copy (self, NULL, &error);
  vb_create_worker_end (self, capture, error);
}
