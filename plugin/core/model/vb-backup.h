/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-backup-info.h"
#include "vb-check.h"
#include "vb-slots.h"

G_BEGIN_DECLS

typedef enum
{
  VB_BACKUP_QUEUED,
  VB_BACKUP_CREATING,
  VB_BACKUP_AVAILABLE,
  VB_BACKUP_RESTORING,
} VbBackupState;

/** vb_backup_state_to_string: Returns: (transfer none): the protocol's word */
const char *vb_backup_state_to_string (VbBackupState state);

/**
 * VbBackup:
 *
 * One snapshot as the customer sees it; holds the lease of its slot. Main context only.
 */
#define VB_TYPE_BACKUP (vb_backup_get_type ())
G_DECLARE_FINAL_TYPE (VbBackup, vb_backup, VB, BACKUP, GObject)

/** vb_backup_new: @info: (transfer full); @lease: (transfer full) (nullable): the slot that it
 * fills; %NULL for one that is to replace another and gets that one's slot */
VbBackup *vb_backup_new (VbBackupInfo *info, VbBackupState state, VbSlotLease *lease);
const char *vb_backup_get_id (VbBackup *self);
/** vb_backup_get_info: Returns: (transfer none): valid until the next main loop iteration */
const VbBackupInfo *vb_backup_get_info (VbBackup *self);
VbBackupState vb_backup_get_state (VbBackup *self);
/** vb_backup_get_verified_at: Returns: (transfer full) (nullable): when it was read as a whole, or
 * was found damaged, UTC; %NULL: not yet */
GDateTime *vb_backup_get_verified_at (VbBackup *self);
/** vb_backup_is_damaged: Returns: whether it was found not to be what was written; it is neither
 * restored nor a base of others */
gboolean vb_backup_is_damaged (VbBackup *self);

/* For core only: the manager decides. */
void vb_backup_set_state (VbBackup *self, VbBackupState state);
/** vb_backup_set_info: @info: (transfer full) */
void vb_backup_set_info (VbBackup *self, VbBackupInfo *info);
void vb_backup_set_name (VbBackup *self, const char *name);
/** vb_backup_take_disks: what the pool says of its disks and its place in the order
 * of making, which the journal does not keep */
void vb_backup_take_disks (VbBackup *self, const VbBackupInfo *from);
void vb_backup_set_protected (VbBackup *self, gboolean is_protected);
/** vb_backup_set_unique_bytes: what deleting it would free, -1 while unknown. Returns: whether it
 * was another figure */
gboolean vb_backup_set_unique_bytes (VbBackup *self, gint64 unique_bytes);
/** vb_backup_set_schedule: @schedule: (nullable): as in #VbBackupInfo */
void vb_backup_set_schedule (VbBackup *self, gboolean is_scheduled, const char *schedule);
/** vb_backup_set_check: @check: copied: what the last look at all of it has found. Returns: whether
 * that is new */
gboolean vb_backup_set_check (VbBackup *self, const VbCheck *check);
gboolean vb_backup_has_slot (VbBackup *self);
/** vb_backup_take_slot: @lease: (transfer full): for a backup that has none */
void vb_backup_take_slot (VbBackup *self, VbSlotLease *lease);
/** vb_backup_release_slot: gives the slot back although somebody may still hold a reference */
void vb_backup_release_slot (VbBackup *self);

G_END_DECLS
