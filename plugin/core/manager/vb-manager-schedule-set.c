/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The requests that set and remove a schedule. */
#include "vb-manager-request.h"

#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"

static void
set_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  if (vb_hypervisor_set_schedule (self->hypervisor, request->vps, request->name, request->schedule,
                                  &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
set_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  if (vps == NULL)
    return;
  GPtrArray *before = vb_vps_get_schedules (vps);
  g_autoptr (GPtrArray) schedules = vb_schedules_with (before, request->name, request->schedule);
  if (vb_schedules_equal (before, schedules))
    return;
  vb_log_info (request->vps, NULL, NULL, "schedule %s set to %s", request->name,
               request->schedule ? vb_schedule_get_timing (request->schedule) : "none");
  vb_vps_set_schedules (vps, schedules);
  vb_manager_check_schedules (self, vps);
  vb_manager_emit_changed (self, vps);
}

static gboolean
check_fits (VbVps *vps, const VbSchedule *schedule, GError **error)
{
  g_autoptr (GPtrArray) schedules = vb_schedules_with (
      vb_vps_get_schedules (vps), vb_schedule_get_id (schedule), (VbSchedule *) schedule);
  guint needed = vb_schedules_count_kept (schedules);
  guint total = vb_slots_get_total (vb_vps_get_slots (vps));

  if (schedules->len > VB_SCHEDULES_MAX)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                         _ ("schedule: a VPS has at most 16 schedules; remove one first."));
  else if (needed > total)
    g_set_error (
        error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
        _ ("keep: what is to be kept needs %u backup slots, and this VPS has %u; keep less or "
           "add slots first."),
        needed, total);
  return schedules->len <= VB_SCHEDULES_MAX && needed <= total;
}

static gboolean
check_set (VbVps *vps, const VbRequest *request, GError **error)
{
  if (request->schedule != NULL)
    return !request->must_fit || check_fits (vps, request->schedule, error);
  if (!request->must_fit || vb_schedules_find (vb_vps_get_schedules (vps), request->name) != NULL)
    return TRUE;
  vb_error_set_public (error, VB_ERROR_NOT_FOUND);
  return FALSE;
}

static void
set_inside (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, request->vps, &error);

  if (vps != NULL && check_set (vps, request, &error)
      && vb_request_require_hypervisor (self, &error))
    vb_request_work (self, task);
  else
    vb_request_leave (self, task, error);
}

void
vb_manager_set_schedule_async (VbManager *self,
                               const char *vps,
                               const char *id,
                               VbSchedule *schedule,
                               gboolean must_fit,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task
      = vb_request_new (self, vb_manager_set_schedule_async, vps, NULL, callback, user_data);
  vb_request_of (task)->name = g_strdup (id);
  vb_request_of (task)->schedule = schedule ? vb_schedule_ref (schedule) : NULL;
  vb_request_of (task)->must_fit = must_fit;
  vb_request_of (task)->func = set_in_thread;
  vb_request_of (task)->worker = self->hypervisor_worker;
  vb_request_of (task)->done = set_done;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_NOTHING, set_inside);
}

VbVps *
vb_manager_set_schedule_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return vb_manager_require_vps (self, vb_request_of (G_TASK (result))->vps, error);
}
