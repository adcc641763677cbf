/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-operation.h"

#include "core/base/vb-error.h"

struct _VbOperation
{
  GObject parent_instance;

  VbOperationRecord *record;
  VbTransfer *transfer;
  VbProgress *progress;
};

#define TO(state) (1u << VB_OPERATION_##state)
#define ENDS_BADLY (TO (FAILED) | TO (CANCELLED))

/* The one table of legal transitions. copying → preparing is a capture that restarts because the
 * VPS was powered off under it; queued → … → queued is a restart of the service before the work
 * began. */
static const guint legal[] = {
  [VB_OPERATION_QUEUED] = TO (PREPARING) | ENDS_BADLY,
  [VB_OPERATION_PREPARING] = TO (COPYING) | ENDS_BADLY,
  [VB_OPERATION_COPYING] = TO (PREPARING) | TO (FINISHING) | ENDS_BADLY,
  [VB_OPERATION_FINISHING] = TO (COMPLETED) | TO (FAILED),
  [VB_OPERATION_COMPLETED] = 0,
  [VB_OPERATION_FAILED] = 0,
  [VB_OPERATION_CANCELLED] = 0,
};

G_DEFINE_FINAL_TYPE (VbOperation, vb_operation, G_TYPE_OBJECT)

static void
vb_operation_finalize (GObject *object)
{
  VbOperation *self = VB_OPERATION (object);

  vb_operation_record_free (self->record);
  g_clear_object (&self->transfer);
  g_clear_object (&self->progress);
  G_OBJECT_CLASS (vb_operation_parent_class)->finalize (object);
}

static void
vb_operation_class_init (VbOperationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_operation_finalize;
}

static void
vb_operation_init (VbOperation *self)
{
}

VbOperation *
vb_operation_new (VbOperationRecord *record, VbTransfer *transfer, guint stall_timeout_s)
{
  VbOperation *self = g_object_new (VB_TYPE_OPERATION, NULL);
  self->record = record;
  self->transfer = g_object_ref (transfer);
  self->progress
      = vb_progress_new ((gint64) stall_timeout_s * G_USEC_PER_SEC, g_get_monotonic_time ());
  vb_progress_restore (self->progress, record->progress, record->bytes_done, record->bytes_total,
                       record->still_us);
  return self;
}

const char *
vb_operation_get_id (VbOperation *self)
{
  return self->record->id;
}

const char *
vb_operation_get_vps (VbOperation *self)
{
  return self->record->vps;
}

const char *
vb_operation_get_backup (VbOperation *self)
{
  return self->record->backup;
}

VbOperationKind
vb_operation_get_kind (VbOperation *self)
{
  return self->record->kind;
}

VbOperationState
vb_operation_get_state (VbOperation *self)
{
  return self->record->state;
}

VbTransfer *
vb_operation_get_transfer (VbOperation *self)
{
  return self->transfer;
}

VbProgress *
vb_operation_get_progress (VbOperation *self)
{
  return self->progress;
}

const VbOperationRecord *
vb_operation_get_record (VbOperation *self)
{
  return self->record;
}

gboolean
vb_operation_is_stalled (VbOperation *self)
{
  return self->record->stalled;
}

gboolean
vb_operation_check_move (VbOperationState from, VbOperationState to, GError **error)
{
  if (legal[from] & (1u << to))
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "An operation that is %s cannot become %s",
               vb_operation_state_to_string (from), vb_operation_state_to_string (to));
  return FALSE;
}

static void
progress_into_record (VbOperation *self)
{
  self->record->progress = vb_progress_get_percent (self->progress);
  self->record->bytes_done = vb_progress_get_done (self->progress);
  self->record->bytes_total = vb_progress_get_total (self->progress);
}

void
vb_operation_apply (VbOperation *self, const VbOperationRecord *record)
{
  if (record->state != self->record->state)
    vb_progress_touch (self->progress, g_get_monotonic_time ());
  vb_operation_record_free (self->record);
  self->record = vb_operation_record_copy (record);
  if (self->record->state == VB_OPERATION_COMPLETED)
    vb_progress_complete (self->progress);
  progress_into_record (self);
}

gboolean
vb_operation_sample (VbOperation *self, gint64 now_us)
{
  guint64 done = 0;
  guint64 total = 0;
  vb_transfer_get (self->transfer, &done, &total);
  gboolean changed = vb_progress_update (self->progress, done, total, now_us);
  progress_into_record (self);
  return changed;
}
