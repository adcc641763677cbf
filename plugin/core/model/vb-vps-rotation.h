/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-vps.h"

G_BEGIN_DECLS

/* Scheduled backups that replace earlier ones. For core only, main context. */

/** vb_vps_lease: Returns: (transfer full) (nullable): the slot for a new backup; %NULL for a
 * scheduled one that has to replace another, whose slot it gets when that is removed. So never is
 * more used than there is */
VbSlotLease *vb_vps_lease (VbVps *self, gboolean is_scheduled);

/** vb_vps_find_without_slot: Returns: (transfer none) (nullable): the backup that is to replace
 * another */
VbBackup *vb_vps_find_without_slot (VbVps *self);

/**
 * vb_vps_find_rotatable:
 * @except: (nullable): id of a backup that stays in any case
 * @schedule: (nullable): id of the schedule whose own go first
 *
 * Returns: (transfer none) (nullable): the oldest backup that a schedule made and that may be
 * removed again
 */
VbBackup *vb_vps_find_rotatable (VbVps *self, const char *except, const char *schedule);

/**
 * vb_vps_find_surplus:
 * @schedule: a schedule of the VPS
 * @except: (nullable): a backup that stays in any case
 * @next: local minute of a backup that the schedule is still to make, or %VB_CALENDAR_NEVER
 *
 * Returns: (transfer container) (element-type VbBackup): the backups of the schedule that its rules
 * do not keep, newest first; never the latest good one of the VPS, and none that is protected
 */
GPtrArray *
vb_vps_find_surplus (VbVps *self, const VbSchedule *schedule, VbBackup *except, gint64 next);

G_END_DECLS
