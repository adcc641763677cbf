/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schedule.*: backups that nobody has to ask for. */
#include "core/base/vb-error.h"
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

static void
answer_schedule (VbCall *call, VbVps *vps)
{
  JsonObject *object = json_object_new ();

  vb_json_add_schedule (object, vps);
  vb_call_answer (call, object);
}

static void
run_get (VbCall *call)
{
  answer_schedule (call, vb_call_get_vps (call));
}

/* What is asked for */

static gboolean
check_members (JsonObject *object, GError **error)
{
  const char *const known[] = { "at", "jitter_minutes", "keep", "zone", NULL };
  g_autoptr (GList) names = json_object_get_members (object);

  for (GList *link = names; link != NULL; link = link->next)
    if (!g_strv_contains (known, link->data))
      {
        g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                             "schedule: give at, keep, jitter_minutes and zone, and nothing else.");
        return FALSE;
      }
  return TRUE;
}

static JsonNode *
get_member (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == type ? node : NULL;
}

/* What is there and of another type is -1 or "", which no schedule takes. */
static gint64
get_number (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = get_member (object, name, G_TYPE_INT64);

  if (node != NULL)
    return json_node_get_int (node);
  return json_object_has_member (object, name) ? -1 : fallback;
}

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = get_member (object, name, G_TYPE_STRING);

  if (node != NULL)
    return json_node_get_string (node);
  return json_object_has_member (object, name) ? "" : NULL;
}

static VbSchedule *
read_schedule (JsonObject *object, GError **error)
{
  if (!check_members (object, error))
    return NULL;
  return vb_schedule_new (get_text (object, "at"), get_number (object, "jitter_minutes", 0),
                          get_number (object, "keep", -1), get_text (object, "zone"), error);
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

static void
run_set (VbCall *call)
{
  JsonObject *object = vb_call_get_object (call, "schedule");
  g_autoptr (GError) error = NULL;
  g_autoptr (VbSchedule) schedule = object != NULL ? read_schedule (object, &error) : NULL;

  if (error != NULL)
    vb_call_refuse (call, error);
  else
    vb_manager_set_schedule_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                                   schedule, on_set, call);
}

const VbMethod vb_rpc_schedule_methods[] = {
  { "schedule.get",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS } },
    run_get,
    VB_AUDIT_REFUSED },
  /* A schedule makes backups, and removes those that it has made. */
  { "schedule.set",
    VB_PERMISSION_BACKUP_CREATE,
    { { "vps", VB_PARAM_VPS }, { "schedule", VB_PARAM_OBJECT_OR_NULL } },
    run_set,
    VB_AUDIT_ALWAYS,
    VB_PERMISSION_BACKUP_DELETE },
  { NULL },
};
