/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schedule.*: backups that nobody has to ask for. Older clients know one schedule of a VPS, without
 * an id. */
#include "core/base/vb-error.h"
#include "protocol/vb-protocol-schedules.h"
#include "vb-rpc.h"

/* Returns: (transfer none) (nullable): of the first one when the request names none */
static const char *
get_id (VbCall *call)
{
  const char *id = vb_call_get_string (call, "id");
  const VbSchedule *first = vb_json_schedules_get_first (vb_call_get_vps (call));

  if (id != NULL)
    return id;
  return first != NULL ? vb_schedule_get_id (first) : VB_SCHEDULE_FIRST;
}

static void
answer_schedule (VbCall *call, VbVps *vps)
{
  JsonObject *object = json_object_new ();
  const char *id = vb_call_get_string (call, "id");

  vb_json_add_schedule (object, vps,
                        id != NULL ? vb_schedules_find (vb_vps_get_schedules (vps), id)
                                   : vb_json_schedules_get_first (vps));
  vb_call_answer (call, object);
}

static void
run_get (VbCall *call)
{
  answer_schedule (call, vb_call_get_vps (call));
}

static void
run_list (VbCall *call)
{
  VbVps *vps = vb_call_get_vps (call);
  JsonObject *object = json_object_new ();

  vb_json_add_schedules (object, vps);
  json_object_set_int_member (object, "slots_needed",
                              vb_schedules_count_kept (vb_vps_get_schedules (vps)));
  json_object_set_int_member (object, "slots_total", vb_slots_get_total (vb_vps_get_slots (vps)));
  vb_call_answer (call, object);
}

static void
on_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  VbVps *vps = vb_manager_set_schedule_finish (VB_MANAGER (source), result, &error);

  if (vps != NULL)
    answer_schedule (user_data, vps);
  else
    vb_call_refuse (user_data, error);
}

/* The first one may have another id than an older client's. */
static VbSchedule *
read_schedule (VbCall *call, JsonObject *object, GError **error)
{
  const char *id = vb_call_get_string (call, "id");
  g_autoptr (VbSchedule) old = id == NULL ? vb_json_read_schedule (object, NULL, error) : NULL;

  if (id == NULL && old == NULL)
    return NULL;
  return vb_json_read_schedule (object, get_id (call), error);
}

static void
run_set (VbCall *call)
{
  JsonObject *object = vb_call_get_object (call, "schedule");
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSchedule) schedule = object != NULL ? read_schedule (call, object, &error) : NULL;

  if (error != NULL)
    vb_call_refuse (call, error);
  else
    vb_manager_set_schedule_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                                   get_id (call), schedule, vb_call_get_string (call, "id") != NULL,
                                   on_set, call);
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (vb_manager_set_schedule_finish (VB_MANAGER (source), result, &error) != NULL)
    vb_call_answer (user_data, json_object_new ());
  else
    vb_call_refuse (user_data, error);
}

static void
run_remove (VbCall *call)
{
  vb_manager_set_schedule_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                                 get_id (call), NULL, TRUE, on_removed, call);
}

static void
run_preview (VbCall *call)
{
  VbVps *vps = vb_call_get_vps (call);
  JsonObject *object = vb_call_get_object (call, "schedule");
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSchedule) asked
      = object != NULL ? vb_json_read_schedule (object, get_id (call), &error) : NULL;
  const VbSchedule *schedule
      = object != NULL ? asked : vb_schedules_find (vb_vps_get_schedules (vps), get_id (call));

  if (schedule == NULL && error == NULL)
    vb_error_set_public (&error, VB_ERROR_NOT_FOUND);
  if (error != NULL)
    vb_call_refuse (call, error);
  else
    {
      g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
      vb_call_answer (call, vb_json_preview (vps, schedule, now));
    }
}

const VbMethod vb_rpc_schedule_methods[] = {
  { "schedule.get",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS } },
    run_get,
    VB_AUDIT_REFUSED },
  { "schedule.list",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS } },
    run_list,
    VB_AUDIT_REFUSED },
  { "schedule.preview",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS },
      { "id", VB_PARAM_STRING, TRUE, 1, VB_SCHEDULE_MAX_ID_BYTES },
      { "schedule", VB_PARAM_OBJECT, TRUE } },
    run_preview,
    VB_AUDIT_REFUSED },
  /* A schedule makes backups, and removes those that it has made. */
  { "schedule.set",
    VB_PERMISSION_BACKUP_CREATE,
    { { "vps", VB_PARAM_VPS },
      { "schedule", VB_PARAM_OBJECT_OR_NULL },
      { "id", VB_PARAM_STRING, TRUE, 1, VB_SCHEDULE_MAX_ID_BYTES } },
    run_set,
    VB_AUDIT_ALWAYS,
    VB_PERMISSION_BACKUP_DELETE },
  { "schedule.remove",
    VB_PERMISSION_BACKUP_CREATE,
    { { "vps", VB_PARAM_VPS }, { "id", VB_PARAM_STRING, FALSE, 1, VB_SCHEDULE_MAX_ID_BYTES } },
    run_remove,
    VB_AUDIT_ALWAYS,
    VB_PERMISSION_BACKUP_DELETE },
  { NULL },
};
