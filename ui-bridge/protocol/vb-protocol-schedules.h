/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "core/model/vb-vps.h"

G_BEGIN_DECLS

/* Schedules as the protocol has them. Main context. */

/** vb_json_add_schedule: adds schedule and next_run_at to @object; @schedule: (nullable): of @vps */
void vb_json_add_schedule (JsonObject *object, VbVps *vps, const VbSchedule *schedule);

/** vb_json_add_schedules: adds all of @vps as “schedules” to @object */
void vb_json_add_schedules (JsonObject *object, VbVps *vps);

/** vb_json_schedules_get_first: Returns: (transfer none) (nullable): the only one that older clients
 * know of */
const VbSchedule *vb_json_schedules_get_first (VbVps *vps);

/** vb_json_read_schedule: @id: (nullable): %NULL: only members that older clients know are taken.
 * Returns: (transfer full) (nullable): the schedule; %VB_ERROR_INVALID_ARGUMENT with a sentence */
VbSchedule *vb_json_read_schedule (JsonObject *object, const char *id, GError **error);

/** vb_json_preview: Returns: (transfer full): what @schedule would do on @vps, from @now on */
JsonObject *vb_json_preview (VbVps *vps, const VbSchedule *schedule, GDateTime *now);

G_END_DECLS
