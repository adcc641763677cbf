/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a create that the service was stopped or killed under. */
#include "vb-create-worker.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

#define FIRST_PAUSE_US (G_USEC_PER_SEC / 2)
#define LONGEST_PAUSE_US (10 * G_USEC_PER_SEC)

/* After a boot the pool may be there later than the service, or another host may have taken over.
 * Nothing is decided without it: what it holds may be whole. Meanwhile a point in time that is held
 * must not use up the scratch space. */
static gboolean
wait_for_pool (VbOperationWorker *self, VbCapture *capture, GError **error)
{
  gint64 pause_us = FIRST_PAUSE_US;

  for (;;)
    {
      g_autoptr (GError) failure = NULL;
      VbPoolStatus status;
      if ((vb_pool_check (self->pool, &status, &failure)
           && vb_operation_worker_try_claim (self, &failure))
          || !(g_error_matches (failure, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE)
               || g_error_matches (failure, VB_ERROR, VB_ERROR_OPERATION_RUNNING)))
        return TRUE;
      if (!vb_transfer_check (self->transfer, error)
          || (capture != NULL && !vb_hypervisor_check_capture (self->hypervisor, capture, error)))
        return FALSE;
      if (!vb_operation_worker_pause (self, pause_us))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      pause_us = MIN (pause_us * 2, LONGEST_PAUSE_US);
    }
}

static VbBackupInfo *
find_committed (VbOperationWorker *self)
{
  g_autoptr (GPtrArray) all = vb_pool_list_vps (self->pool, self->vps, NULL);
  for (guint i = 0; all != NULL && i < all->len; i++)
    {
      const VbBackupInfo *info = g_ptr_array_index (all, i);
      if (g_strcmp0 (info->id, self->record->backup) == 0)
        return vb_backup_info_copy (info);
    }
  return NULL;
}

/* Whether the backup is complete in the pool. */
static gboolean
take_committed (VbOperationWorker *self)
{
  VbBackupInfo *committed = find_committed (self);
  if (committed == NULL)
    return FALSE;
  vb_backup_info_free (self->info);
  self->info = committed;
  return TRUE;
}

static void
abort_orphan (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  if (!vb_create_worker_abort_orphan (self, &error))
    vb_operation_worker_log_failed (self, "Failed to clean up after an interrupted backup", error);
}

static void
fail_interrupted (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  vb_error_set_public (&error, VB_ERROR_INTERRUPTED);
  vb_create_worker_end (self, NULL, error);
}

/* --- it was being made durable: all data is in the pool --- */

static gboolean
call_end_capture (VbOperationWorker *self, gpointer data, GError **error)
{
  return vb_hypervisor_end_capture (self->hypervisor, data, TRUE, error);
}

/* Without the checkpoint the next backup reads everything; that is no reason to give up this
 * one. */
static gboolean
end_capture (VbOperationWorker *self, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_auto (VbCreateNotes) notes = vb_create_notes_parse (self->record->details);
  g_autoptr (VbCapture) capture
      = vb_capture_new (self->record->vps, self->record->backup, self->record->id);

  capture->running = notes.running;
  if (vb_operation_worker_retry_while_unavailable (self, call_end_capture, capture, &failure))
    return TRUE;
  vb_operation_worker_log_failed (self, "Failed to release the capture", failure);
  return vb_create_worker_abort_orphan (self, error);
}

static gboolean
commit (VbOperationWorker *self, GError **error)
{
  g_auto (VbCreateNotes) notes = vb_create_notes_parse (self->record->details);

  self->info->consistency = notes.consistency;
  if (notes.created_at != NULL)
    {
      g_clear_pointer (&self->info->created_at, g_date_time_unref);
      self->info->created_at = g_date_time_ref (notes.created_at);
    }
  return vb_pool_commit (self->pool, self->info, error);
}

static void
finish (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;

  vb_transfer_close (self->transfer);
  if (wait_for_pool (self, NULL, &error)
      && (take_committed (self)
          || (end_capture (self, &error) && commit (self, &error) && take_committed (self))))
    {
      vb_operation_worker_complete (self);
      return;
    }
  if (error != NULL)
    vb_operation_worker_log_failed (self, "Failed to complete an interrupted backup", error);
  if (!vb_operation_worker_is_suspended (self))
    abort_orphan (self);
  fail_interrupted (self);
}

/* --- it was being copied, or prepared --- */

static gboolean
call_resume (VbOperationWorker *self, gpointer data, GError **error)
{
  VbCapture **capture = data;
  VbCaptureRequest request = vb_create_worker_make_request (self);
  *capture = vb_hypervisor_resume_capture (self->hypervisor, &request, error);
  return *capture != NULL;
}

/* Returns: (nullable): the point in time, if the hypervisor holds it still */
static VbCapture *
resume (VbOperationWorker *self)
{
  VbCapture *capture = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (VbCreateNotes) notes = vb_create_notes_parse (self->record->details);

  if (self->record->state != VB_OPERATION_COPYING || !notes.running)
    return NULL;
  if (vb_operation_worker_retry_while_unavailable (self, call_resume, &capture, &error))
    {
      vb_log_info (self->record->vps, self->record->id, self->record->backup,
                   "The capture continues");
      return capture;
    }
  if (!g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND))
    vb_operation_worker_log_failed (self, "Failed to resume the capture", error);
  return NULL;
}

static void
go_on (VbOperationWorker *self, VbCapture *held)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbCapture) capture = NULL;

  if (wait_for_pool (self, held, &error))
    capture = vb_create_worker_copy (self, held, &error);
  else
    {
      vb_create_worker_leave (self, held);
      vb_capture_free (held);
    }
  vb_create_worker_end (self, capture, error);
}

/* Nothing had been taken yet, or what was taken is gone: then the disks of a VPS that is off are as
 * good. */
static gboolean
may_begin_anew (VbOperationWorker *self)
{
  gboolean off = FALSE;
  return self->record->state == VB_OPERATION_PREPARING
         || (vb_create_worker_is_off (self, &off) && off);
}

static void
begin_anew (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbCapture) capture = NULL;

  abort_orphan (self);
  if (!may_begin_anew (self))
    {
      fail_interrupted (self);
      return;
    }
  if (!wait_for_pool (self, NULL, &error) || !vb_create_worker_restart (self, &error))
    {
      vb_create_worker_end (self, NULL, error);
      return;
    }
  vb_create_worker_discard (self);
  vb_log_info (self->record->vps, self->record->id, self->record->backup, "The backup restarts");
  capture = vb_create_worker_copy (self, NULL, &error);
  vb_create_worker_end (self, capture, error);
}

void
vb_create_worker_recover (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  if (!vb_operation_worker_lock (self, "create", &error))
    vb_operation_worker_log_failed (self, "Failed to lock the power for the recovery of a create",
                                    error);
  if (self->record->state == VB_OPERATION_FINISHING)
    {
      finish (self);
      return;
    }
  VbCapture *held = resume (self);
  if (held != NULL)
    go_on (self, held);
  else
    begin_anew (self);
}
