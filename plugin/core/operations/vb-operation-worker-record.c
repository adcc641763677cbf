/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of an operation, each behind the lock or in the context that it belongs to. */
#include "vb-operation-worker-private.h"

/* --- before it is started, and after its end --- */

void
vb_operation_worker_set_bases (VbOperationWorker *self, GPtrArray *bases, gboolean read_all)
{
  g_clear_pointer (&self->bases, g_ptr_array_unref);
  self->bases = bases;
  self->read_all = read_all;
}

void
vb_operation_worker_set_claimed (VbOperationWorker *self, gboolean claimed)
{
  self->claimed = claimed;
}

void
vb_operation_worker_set_recovering (VbOperationWorker *self, gboolean recovering, gboolean stalled)
{
  self->recovering = recovering;
  self->stalled = stalled;
}

gboolean
vb_operation_worker_is_recovering (VbOperationWorker *self)
{
  return self->recovering;
}

void
vb_operation_worker_set_undo (VbOperationWorker *self, VbUndo *undo)
{
  g_clear_pointer (&self->undo, vb_undo_free);
  self->undo = undo;
}

const VbUndo *
vb_operation_worker_get_undo (VbOperationWorker *self)
{
  return self->undo;
}

void
vb_operation_worker_set_first (VbOperationWorker *self,
                               VbOperationRecord *first,
                               VbOperationWorkerApply apply)
{
  g_clear_pointer (&self->first, vb_operation_record_free);
  self->first = first;
  self->apply_part = apply;
}

const VbOperationRecord *
vb_operation_worker_get_first (VbOperationWorker *self)
{
  return self->first;
}

const VbBackupInfo *
vb_operation_worker_get_info (VbOperationWorker *self)
{
  return self->info;
}

gboolean
vb_operation_worker_is_detached (VbOperationWorker *self)
{
  return self->detached;
}

gboolean
vb_operation_worker_note_stalled (VbOperationWorker *self, gboolean stalled)
{
  gboolean news = stalled != self->stalled;

  self->stalled = stalled;
  return news;
}

gboolean
vb_operation_worker_note_report (VbOperationWorker *self,
                                 gboolean changed,
                                 gint64 now_us,
                                 gint64 silence_us)
{
  if (!changed && now_us - self->reported_us < silence_us)
    return FALSE;
  self->reported_us = now_us;
  return TRUE;
}

void
vb_operation_worker_drop_owner (VbOperationWorker *self)
{
  self->user_data = NULL;
}

/* --- any thread --- */

const char *
vb_operation_worker_get_vps (VbOperationWorker *self)
{
  return self->vps;
}

VbTransfer *
vb_operation_worker_get_transfer (VbOperationWorker *self)
{
  return self->transfer;
}

VbOperationRecord *
vb_operation_worker_dup_record (VbOperationWorker *self)
{
  g_mutex_lock (&self->mutex);
  VbOperationRecord *record = vb_operation_record_copy (self->record);
  g_mutex_unlock (&self->mutex);
  return record;
}

/* --- the record --- */

VbOperationRecord *
vb_operation_worker_lock_record (VbOperationWorker *self)
{
  g_mutex_lock (&self->mutex);
  return (VbOperationRecord *) self->record;
}

void
vb_operation_worker_unlock_record (VbOperationWorker *self)
{
  g_mutex_unlock (&self->mutex);
}

static void
replace_text (VbOperationWorker *self, char **field, char *text)
{
  g_free (*field);
  *field = text;
  vb_operation_worker_unlock_record (self);
}

void
vb_operation_worker_set_details (VbOperationWorker *self, char *details)
{
  VbOperationRecord *record = vb_operation_worker_lock_record (self);
  replace_text (self, &record->details, details);
}

void
vb_operation_worker_set_was_power (VbOperationWorker *self, VbPower power)
{
  VbOperationRecord *record = vb_operation_worker_lock_record (self);
  replace_text (self, &record->was_power, g_strdup (vb_power_to_string (power)));
}

void
vb_operation_worker_forget_first_backup (VbOperationWorker *self)
{
  VbOperationRecord *record = vb_operation_worker_lock_record (self);
  replace_text (self, &record->first_backup, NULL);
}

void
vb_operation_worker_set_swapping (VbOperationWorker *self, gboolean swapping)
{
  VbOperationRecord *record = vb_operation_worker_lock_record (self);
  record->swapping = swapping;
  vb_operation_worker_unlock_record (self);
}
