/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  VB_OPERATION_CREATE,
  VB_OPERATION_RESTORE,
  VB_OPERATION_UNDO, /* puts back what the last restore has replaced */
} VbOperationKind;

typedef enum
{
  VB_OPERATION_QUEUED,
  VB_OPERATION_PREPARING,
  VB_OPERATION_COPYING,
  VB_OPERATION_FINISHING,
  VB_OPERATION_COMPLETED,
  VB_OPERATION_FAILED,
  VB_OPERATION_CANCELLED,
} VbOperationState;

/* Words of the protocol, both ways; from_string returns FALSE for a word that is not one. */
const char *vb_operation_kind_to_string (VbOperationKind kind);
gboolean vb_operation_kind_from_string (const char *text, VbOperationKind *kind);
const char *vb_operation_state_to_string (VbOperationState state);
gboolean vb_operation_state_from_string (const char *text, VbOperationState *state);

/** vb_operation_state_is_end: whether no other state follows */
gboolean vb_operation_state_is_end (VbOperationState state);

/**
 * VbOperationRecord:
 * @id: UUID
 * @vps: UUID
 * @vps_name: the VPS's name at admission
 * @kind: create, restore or undo
 * @backup: id of the backup
 * @backup_name: its name
 * @state: state
 * @request_key: (nullable): the client's key against doing it twice
 * @subject: who asked
 * @bytes_done: bytes moved
 * @bytes_total: bytes to move, 0 while unknown
 * @progress: percent, 0–100
 * @stalled: whether nothing has moved for the stall timeout
 * @still_us: µs without progress while the service ran, as last noted
 * @stall_told: whether somebody was notified that it stalled
 * @scheduled: create only: a schedule asked for it
 * @schedule: (nullable): create only: id of that schedule; %NULL in one of an older version
 * @stop_first: restore only: stop the VPS before the copy
 * @replace_disks: restore only: disks that the backup does not hold may be overwritten
 * @swapping: restore and undo only: the disks may be half swapped; recovery has to make them whole
 * @first_backup: (nullable): restore only: id of the backup of the present state that is made
 * first; cleared when it is complete
 * @part_of: (nullable): create only: id of the restore that it comes first in
 * @source_vps: (nullable): restore only: UUID of the VPS that the backup belongs to, when that is
 * another one
 * @was_power: restore and undo only: power state to return to, as vb_power_to_string()
 * @details: (nullable): what recovery needs besides, opaque for the journal
 * @started_at: admission, UTC
 * @ended_at: (nullable): UTC
 * @error_reason: (nullable): reason of the protocol, when failed or cancelled
 * @error_message: (nullable): one plain sentence
 *
 * One operation as the journal keeps it. Plain data that may be passed between threads.
 */
typedef struct
{
  char *id;
  char *vps;
  char *vps_name;
  VbOperationKind kind;
  char *backup;
  char *backup_name;
  VbOperationState state;
  char *request_key;
  char *subject;
  guint64 bytes_done;
  guint64 bytes_total;
  double progress;
  gboolean stalled;
  gint64 still_us;
  gboolean stall_told;
  gboolean scheduled;
  char *schedule;
  gboolean stop_first;
  gboolean replace_disks;
  gboolean swapping;
  char *first_backup;
  char *part_of;
  char *source_vps;
  char *was_power;
  char *details;
  GDateTime *started_at;
  GDateTime *ended_at;
  char *error_reason;
  char *error_message;
} VbOperationRecord;

VbOperationRecord *vb_operation_record_new (void);
VbOperationRecord *vb_operation_record_copy (const VbOperationRecord *self);
void vb_operation_record_free (VbOperationRecord *self);

/** vb_operation_record_get_half: Returns: (transfer none) (nullable): id of the backup that it
 * makes */
const char *vb_operation_record_get_half (const VbOperationRecord *self);

/** vb_operation_record_get_source: Returns: (transfer none): UUID of the VPS that the backup
 * belongs to */
const char *vb_operation_record_get_source (const VbOperationRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbOperationRecord, vb_operation_record_free)

G_END_DECLS
