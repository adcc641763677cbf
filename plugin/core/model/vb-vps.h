/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-backup.h"
#include "core/base/vb-error.h"
#include "core/interfaces/vb-hypervisor.h"
#include "vb-operation.h"
#include "vb-slots.h"
#include "vb-undo.h"

G_BEGIN_DECLS

/**
 * VbVps:
 *
 * One VPS: power, status, slots, backups and its current operation. Main context only; read-only
 * for everybody but core.
 */
#define VB_TYPE_VPS (vb_vps_get_type ())
G_DECLARE_FINAL_TYPE (VbVps, vb_vps, VB, VPS, GObject)

/** VbCanCreate: why Create is disabled; the order of the protocol */
typedef enum
{
  VB_CAN_CREATE,
  VB_CANNOT_OPERATION_RUNNING,
  VB_CANNOT_SLOTS_FULL,
  VB_CANNOT_HYPERVISOR_UNAVAILABLE,
  VB_CANNOT_POOL_UNAVAILABLE,
  VB_CANNOT_JOURNAL_UNAVAILABLE,
  VB_CANNOT_UNSUPPORTED_DISK,
} VbCanCreate;

typedef struct
{
  gboolean start;
  gboolean stop;
  gboolean restart;
} VbPowerActions;

VbVps *vb_vps_new (const char *uuid, VbSlots *slots);

const char *vb_vps_get_uuid (VbVps *self);
const char *vb_vps_get_name (VbVps *self);
VbPower vb_vps_get_power (VbVps *self);
/** vb_vps_has_marks_in_way: see #VbVpsInfo */
gboolean vb_vps_has_marks_in_way (VbVps *self);
/** vb_vps_get_status: Returns: (transfer none): the power's word, "creating_backup" or
 * "restoring_backup" */
const char *vb_vps_get_status (VbVps *self);
VbPowerActions vb_vps_get_power_actions (VbVps *self);
VbSlots *vb_vps_get_slots (VbVps *self);
/** vb_vps_can_create: Returns: %VB_CAN_CREATE or the first reason why not */
VbCanCreate vb_vps_can_create (VbVps *self);
/** vb_vps_can_create_scheduled: Returns: as vb_vps_can_create() for a scheduled backup, which may
 * also replace an earlier one */
VbCanCreate vb_vps_can_create_scheduled (VbVps *self);
/** vb_can_create_error: Returns: the error that a create is refused with */
VbError vb_can_create_error (VbCanCreate value);
/** vb_can_create_reason: Returns: (transfer none) (nullable): the protocol's reason, %NULL for
 * %VB_CAN_CREATE */
const char *vb_can_create_reason (VbCanCreate value);
/** vb_vps_get_unsupported: Returns: (transfer none) (nullable): sentence that names the disk in the
 * way */
const char *vb_vps_get_unsupported (VbVps *self);
/** vb_vps_get_schedules: Returns: (transfer none) (nullable) (element-type VbSchedule): when backups
 * are made without anybody asking */
GPtrArray *vb_vps_get_schedules (VbVps *self);
/** vb_vps_get_next_run: @schedule: (nullable): id of one; %NULL: of all the first. Returns:
 * (transfer none) (nullable): when it makes a backup next, in UTC; in the past while that one has
 * to wait */
GDateTime *vb_vps_get_next_run (VbVps *self, const char *schedule);
/** vb_vps_get_operation: Returns: (transfer none) (nullable): the operation that runs or waits */
VbOperation *vb_vps_get_operation (VbVps *self);
/** vb_vps_get_backups: Returns: (transfer none) (element-type VbBackup): newest first */
GPtrArray *vb_vps_get_backups (VbVps *self);
/** vb_vps_find_backup: Returns: (transfer none) (nullable): the backup of that id */
VbBackup *vb_vps_find_backup (VbVps *self, const char *backup);
/** vb_vps_get_undo: Returns: (transfer none) (nullable): the disks that the last restore has
 * replaced and that are kept */
const VbUndo *vb_vps_get_undo (VbVps *self);
/** vb_vps_get_seq: Returns: number of the last event of this VPS */
guint64 vb_vps_get_seq (VbVps *self);

/* For core only. */
gboolean vb_vps_set_info (VbVps *self, const VbVpsInfo *info);
/** vb_vps_set_elsewhere: whether another host works on it; Returns: whether that is news */
gboolean vb_vps_set_elsewhere (VbVps *self, gboolean elsewhere);
/** vb_vps_check_create: as vb_vps_can_create(), but what another host does is not asked */
VbCanCreate vb_vps_check_create (VbVps *self);
gboolean
vb_vps_set_availability (VbVps *self, gboolean hypervisor, gboolean pool, gboolean journal);
/** vb_vps_set_schedules: @schedules: (nullable) (element-type VbSchedule): never changed any more */
void vb_vps_set_schedules (VbVps *self, GPtrArray *schedules);
/** vb_vps_set_next_run: @schedule: its id; @next_run: (nullable); Returns: whether that changed
 * anything */
gboolean vb_vps_set_next_run (VbVps *self, const char *schedule, GDateTime *next_run);
/** vb_vps_set_undo: @undo: (nullable): copied */
void vb_vps_set_undo (VbVps *self, const VbUndo *undo);
void vb_vps_set_operation (VbVps *self, VbOperation *operation);
void vb_vps_add_backup (VbVps *self, VbBackup *backup);
/** vb_vps_next_sequence: Returns: the place of a new backup in the order of making */
guint64 vb_vps_next_sequence (VbVps *self);

/** vb_vps_sort_backups: after the time of one has changed */
void vb_vps_sort_backups (VbVps *self);
void vb_vps_remove_backup (VbVps *self, const char *backup);
guint64 vb_vps_next_seq (VbVps *self);
void vb_vps_set_seq (VbVps *self, guint64 seq);

G_END_DECLS
