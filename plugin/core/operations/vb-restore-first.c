/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-restore-first.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

/* How long a restore that the service was stopped under waits for it: who has worked in a VPS for
 * longer is not to lose that to a restore that nobody thinks of any more. */
#define AGAIN_WITHIN_S (15 * 60)
#define AGAIN "again " /* in the record's details, and since when: the next start begins again */

/* --- a restore that is left to the next start --- */

void
vb_restore_note_left (VbOperationWorker *self)
{
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  vb_operation_worker_set_details (self, g_strdup_printf (AGAIN "%" G_GINT64_FORMAT, now_s));
}

gboolean
vb_restore_was_left (VbOperationWorker *self)
{
  const char *details = self->record->details;
  if (self->record->swapping || details == NULL || !g_str_has_prefix (details, AGAIN))
    return FALSE;
  gint64 away_s
      = g_get_real_time () / G_USEC_PER_SEC - strtoll (details + strlen (AGAIN), NULL, 10);
  return away_s >= 0 && away_s <= AGAIN_WITHIN_S;
}

void
vb_restore_note_alive (VbOperationWorker *self)
{
  if (self->record->details == NULL)
    return; /* it will not begin: see forget_left() */
  vb_restore_note_left (self);
  vb_operation_worker_note_progress (self);
}

/* It has been away for too long: the backup is completed, and the restore not begun, however often
 * the service is started from now on. */
static void
forget_left (VbOperationWorker *self)
{
  vb_operation_worker_set_details (self, NULL);
}

/* --- the backup --- */

/* The service may have died after the backup was complete, and before the restore had noted
 * that. */
static gboolean
is_in_pool (VbOperationWorker *self)
{
  g_autoptr (GPtrArray) all = vb_pool_list_vps (self->pool, self->vps, NULL);

  for (guint i = 0; all != NULL && i < all->len; i++)
    if (g_strcmp0 (((const VbBackupInfo *) g_ptr_array_index (all, i))->id,
                   self->record->first_backup)
        == 0)
      return TRUE;
  return FALSE;
}

static VbOperationWorker *
make_part (VbOperationWorker *self)
{
  VbOperationWorker *part
      = vb_operation_worker_new (self->hypervisor, self->pool, self->journal, &self->settings,
                                 self->transfer, vb_operation_record_copy (self->first),
                                 vb_backup_info_copy (self->info), self->apply_part, NULL);

  part->recovering = self->first->state != VB_OPERATION_QUEUED;
  part->bases = self->bases ? g_ptr_array_ref (self->bases) : NULL;
  part->read_all = self->read_all;
  return part;
}

static void
set_failure (const VbOperationRecord *first, GError **error)
{
  VbError code = vb_error_code_from_reason (first->error_reason);

  if (first->state == VB_OPERATION_CANCELLED)
    code = VB_ERROR_CANCELLED;
  if (code == VB_ERROR_CHECKSUM_MISMATCH)
    code = VB_ERROR_INTERNAL; /* it is not the backup to be restored that is damaged */
  g_set_error (error, VB_ERROR, code,
               "Failed to back up the present state first, so that nothing was restored: %s",
               first->error_message ? first->error_message : vb_error_public_message (code));
}

static gboolean
begin (VbOperationWorker *self, gboolean late, GError **error)
{
  if (!vb_transfer_check (self->transfer, error))
    return FALSE;
  if (late)
    forget_left (self);
  else
    vb_restore_note_left (self);
  if (self->record->state == VB_OPERATION_PREPARING)
    return vb_operation_worker_save (self, error);
  return vb_operation_worker_claim (self, error)
         && vb_operation_worker_move (self, VB_OPERATION_PREPARING, error);
}

static gboolean
run_part (VbOperationWorker *self, GError **error)
{
  if (self->first->state == VB_OPERATION_QUEUED && is_in_pool (self))
    return TRUE;
  g_autoptr (VbOperationWorker) part = make_part (self);
  vb_operation_worker_run_part (self, part);
  if (part->record->state == VB_OPERATION_COMPLETED)
    return TRUE;
  set_failure (part->record, error);
  return FALSE;
}

/* From here on it is a restore like others. */
static gboolean
end_phase (VbOperationWorker *self, gboolean late, GError **error)
{
  if (late)
    {
      vb_error_set_public (error, VB_ERROR_INTERRUPTED);
      return FALSE;
    }
  vb_transfer_next_phase (self->transfer);
  if (!vb_operation_worker_pause (self, 0))
    {
      vb_error_set_public (error, VB_ERROR_INTERRUPTED);
      return FALSE;
    }
  vb_operation_worker_forget_first_backup (self);
  vb_restore_note_left (self);
  return vb_operation_worker_save (self, error);
}

gboolean
vb_restore_back_up_first (VbOperationWorker *self)
{
  gboolean late = self->recovering && !vb_restore_was_left (self);
  g_autoptr (GError) error = NULL;

  if (self->record->first_backup == NULL)
    return TRUE;
  if (begin (self, late, &error) && run_part (self, &error) && end_phase (self, late, &error))
    return TRUE;
  if (vb_operation_worker_is_suspended (self))
    {
      if (!late)
        vb_restore_note_left (self);
      vb_operation_worker_detach (self);
      return FALSE;
    }
  vb_operation_worker_fail (self, error);
  return FALSE;
}
