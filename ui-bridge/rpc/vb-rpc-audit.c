/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* audit.*: who has asked what. */
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

#define LIST_DEFAULT 100
#define LIST_MAX 1000

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries
      = vb_manager_list_audit_finish (VB_MANAGER (source), result, &error);
  JsonArray *array;
  JsonObject *object;

  if (entries == NULL)
    {
      vb_call_refuse (call, error);
      return;
    }

  array = json_array_new ();
  for (guint i = 0; i < entries->len; i++)
    json_array_add_object_element (array, vb_json_audit_entry (g_ptr_array_index (entries, i)));
  object = json_object_new ();
  json_object_set_array_member (object, "entries", array);
  vb_call_answer (call, object);
}

static void
run_list (VbCall *call)
{
  vb_manager_list_audit_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                               vb_call_get_integer (call, "before", 0),
                               (guint) vb_call_get_integer (call, "limit", LIST_DEFAULT), on_listed,
                               call);
}

const VbMethod vb_rpc_audit_methods[] = {
  { "audit.list",
    VB_PERMISSION_ADMIN,
    { { "vps", VB_PARAM_VPS_NAME_OR_ALL, TRUE },
      { "before", VB_PARAM_INTEGER, TRUE, 1, G_MAXINT64 },
      { "limit", VB_PARAM_INTEGER, TRUE, 1, LIST_MAX } },
    run_list,
    VB_AUDIT_REFUSED,
    .bulk = VB_BULK_LIST },
  { NULL },
};
