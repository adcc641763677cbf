/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manager-private.h"

G_BEGIN_DECLS

/** VB_SCHEDULE_NOT_REFUSED: nothing is in the way of the run that is due */
#define VB_SCHEDULE_NOT_REFUSED (-1)

/**
 * VbScheduleState:
 * @id: of the schedule
 * @timing: that its runs are counted for, "" for none any more
 * @day: vb_schedule_run_to_text() of the newest run that needs no backup any more
 * @asking: a create is being admitted
 * @refused: the #VbError for which the run that is due could not begin yet
 * @made: (nullable): its backup that may still have to replace older ones
 * @deleting: one of those is being deleted
 *
 * What the manager knows of a schedule of a VPS. Main context only.
 */
typedef struct
{
  char *id;
  char *timing;
  char *day;
  gboolean asking;
  int refused;
  char *made;
  gboolean deleting;
} VbScheduleState;

/* vb-manager-schedules.c */
/** vb_schedule_state_find: Returns: (transfer none) (nullable) */
VbScheduleState *vb_schedule_state_find (VbManager *manager, const char *vps, const char *id);
void vb_schedule_state_set_day (VbScheduleState *self, const char *day);
/** vb_schedule_state_save: @notification: (transfer full) (nullable): announced once it is stored */
void vb_schedule_state_save (VbManager *manager,
                             const char *vps,
                             const VbScheduleState *self,
                             VbNotification *notification);

/* vb-manager-runs.c */
/** vb_schedule_state_check: makes the backup of a run that is due. Returns: whether something has
 * changed that is to be announced */
gboolean vb_schedule_state_check (VbScheduleState *self,
                                  VbManager *manager,
                                  VbVps *vps,
                                  const VbSchedule *schedule,
                                  GDateTime *now);
/** vb_schedule_state_audit: @target: operation or backup */
void vb_schedule_state_audit (VbManager *manager,
                              const char *method,
                              const char *vps,
                              const char *target);

/* vb-manager-retention.c */
/** vb_schedule_state_rotate: removes what the newest backup replaces. Returns: whether something has
 * changed that is to be announced */
gboolean vb_schedule_state_rotate (VbScheduleState *self, VbManager *manager, VbVps *vps);

G_END_DECLS
