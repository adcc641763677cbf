/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vps.*, slots.* and power.* */
#include <string.h>

#include "core/base/vb-error.h"
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

static gboolean
is_for_admin (VbCall *call)
{
  return vb_identity_is_admin (vb_call_get_identity (call));
}

static JsonObject *
make_list (VbCall *call)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (vb_call_get_manager (call));
  JsonArray *array = json_array_new ();
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < all->len; i++)
    {
      VbVps *vps = g_ptr_array_index (all, i);

      if (vb_identity_sees (vb_call_get_identity (call), vb_vps_get_uuid (vps)))
        json_array_add_object_element (array, vb_json_vps (vps, is_for_admin (call)));
    }

  json_object_set_array_member (object, "vps", array);
  return object;
}

static void
run_list (VbCall *call)
{
  vb_call_answer (call, make_list (call));
}

static void
run_get (VbCall *call)
{
  vb_call_answer (call, vb_json_vps (vb_call_get_vps (call), is_for_admin (call)));
}

static void
run_subscribe (VbCall *call)
{
  /* Nothing can happen between the subscription and the picture: both are of this instant. */
  vb_session_registry_subscribe (vb_call_get_context (call)->sessions, vb_call_get_session (call),
                                 vb_call_get_vps_name (call));
  if (vb_call_get_vps (call) != NULL)
    run_get (call);
  else
    run_list (call);
}

static void
run_unsubscribe (VbCall *call)
{
  vb_session_registry_unsubscribe (vb_call_get_context (call)->sessions, vb_call_get_session (call),
                                   vb_call_get_vps_name (call));
  vb_call_answer (call, json_object_new ());
}

static void
on_slots_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  VbSlots *slots = vb_manager_set_slots_finish (VB_MANAGER (source), result, &error);

  if (slots != NULL)
    vb_call_answer (user_data, vb_json_slots (slots));
  else
    vb_call_refuse (user_data, error);
}

static void
run_set_slots (VbCall *call)
{
  vb_manager_set_slots_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                              (guint) vb_call_get_integer (call, "total", 0), on_slots_set, call);
}

static void
on_power_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (vb_manager_power_finish (VB_MANAGER (source), result, &error))
    vb_call_answer (user_data, json_object_new ());
  else
    vb_call_refuse (user_data, error);
}

static void
run_power (VbCall *call, VbPowerAction action)
{
  vb_manager_power_async (vb_call_get_manager (call), vb_call_get_vps_name (call), action,
                          vb_call_get_boolean (call, "force"), on_power_done, call);
}

static void
run_start (VbCall *call)
{
  run_power (call, VB_POWER_ACTION_START);
}

static void
run_stop (VbCall *call)
{
  run_power (call, VB_POWER_ACTION_STOP);
}

static void
run_restart (VbCall *call)
{
  run_power (call, VB_POWER_ACTION_RESTART);
}

#define FORCE                                                                                      \
  {                                                                                                \
    "force", VB_PARAM_BOOLEAN, TRUE                                                                \
  }

const VbMethod vb_rpc_vps_methods[] = {
  { "vps.list", VB_PERMISSION_BACKUP_READ, { { NULL } }, run_list, VB_AUDIT_REFUSED },
  { "vps.get", VB_PERMISSION_BACKUP_READ, { { "vps", VB_PARAM_VPS } }, run_get, VB_AUDIT_REFUSED },
  { "vps.subscribe",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS_OR_ALL } },
    run_subscribe,
    VB_AUDIT_REFUSED },
  { "vps.unsubscribe",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS_NAME_OR_ALL } },
    run_unsubscribe,
    VB_AUDIT_REFUSED },
  { "slots.set",
    VB_PERMISSION_SLOTS_WRITE,
    { { "vps", VB_PARAM_VPS }, { "total", VB_PARAM_INTEGER, FALSE, 0, G_MAXINT32 } },
    run_set_slots },
  { "power.start", VB_PERMISSION_POWER, { { "vps", VB_PARAM_VPS }, FORCE }, run_start },
  { "power.stop", VB_PERMISSION_POWER, { { "vps", VB_PARAM_VPS }, FORCE }, run_stop },
  { "power.restart", VB_PERMISSION_POWER, { { "vps", VB_PARAM_VPS }, FORCE }, run_restart },
  { NULL },
};
