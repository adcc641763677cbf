/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-schedule.h"

G_BEGIN_DECLS

/* The schedules of a VPS are an immutable array of #VbSchedule; %NULL is an empty one. Any
 * thread. */

/** VB_SCHEDULES_MAX: most schedules that a VPS may have */
#define VB_SCHEDULES_MAX 16

/** vb_schedules_find: Returns: (transfer none) (nullable) */
VbSchedule *vb_schedules_find (GPtrArray *schedules, const char *id);
/** vb_schedules_with: @schedule: (nullable): takes the place of the one with @id, or comes last;
 * %NULL: there is none with @id. Returns: (transfer full) (nullable) */
GPtrArray *vb_schedules_with (GPtrArray *schedules, const char *id, VbSchedule *schedule);
gboolean vb_schedules_equal (GPtrArray *a, GPtrArray *b);
/** vb_schedules_count_kept: Returns: slots that they need */
guint vb_schedules_count_kept (GPtrArray *schedules);

G_END_DECLS
