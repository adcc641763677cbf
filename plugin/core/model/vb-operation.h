/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-operation-record.h"
#include "vb-progress.h"
#include "vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbOperation:
 *
 * One run of create or restore: a state machine with progress. Main context only.
 */
#define VB_TYPE_OPERATION (vb_operation_get_type ())
G_DECLARE_FINAL_TYPE (VbOperation, vb_operation, VB, OPERATION, GObject)

/**
 * vb_operation_new:
 * @record: (transfer full): its state as journalled
 * @transfer: what its worker counts bytes into; also its cancellable
 * @stall_timeout_s: seconds without progress until it counts as stalled
 */
VbOperation *
vb_operation_new (VbOperationRecord *record, VbTransfer *transfer, guint stall_timeout_s);

const char *vb_operation_get_id (VbOperation *self);
const char *vb_operation_get_vps (VbOperation *self);
const char *vb_operation_get_backup (VbOperation *self);
VbOperationKind vb_operation_get_kind (VbOperation *self);
VbOperationState vb_operation_get_state (VbOperation *self);
VbTransfer *vb_operation_get_transfer (VbOperation *self);

/** vb_operation_get_progress: Returns: (transfer none): its bytes, percent, rate, time left */
VbProgress *vb_operation_get_progress (VbOperation *self);

/**
 * vb_operation_get_record:
 *
 * Returns: (transfer none): the record as it is now, with progress; valid until the next main loop
 * iteration
 */
const VbOperationRecord *vb_operation_get_record (VbOperation *self);

gboolean vb_operation_is_stalled (VbOperation *self);

/**
 * vb_operation_check_move:
 * @error: (out) (optional): %VB_ERROR_INTERNAL when the table of legal transitions forbids it
 *
 * Any thread.
 */
gboolean vb_operation_check_move (VbOperationState from, VbOperationState to, GError **error);

/* For core only: the one place that changes the state (vb-job.c), after the journal has it. */
void vb_operation_apply (VbOperation *self, const VbOperationRecord *record);

/** vb_operation_sample: takes the transfer's counts into the progress; Returns: whether something
 * changed */
gboolean vb_operation_sample (VbOperation *self, gint64 now_us);

G_END_DECLS
