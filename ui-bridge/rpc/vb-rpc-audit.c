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
list (VbCall *call, gboolean done_only, GAsyncReadyCallback callback)
{
  vb_manager_list_audit_async (vb_call_get_manager (call), vb_call_get_vps_name (call), done_only,
                               vb_call_get_integer (call, "before", 0),
                               (guint) vb_call_get_integer (call, "limit", LIST_DEFAULT), callback,
                               call);
}

static void
run_list (VbCall *call)
{
  list (call, FALSE, on_listed);
}

/* What a customer may know of it: what was done to the own VPSs. Neither addresses, nor tokens, nor
 * those who were turned away. */
static JsonObject *
make_activity (const VbAuditEntry *entry)
{
  const gboolean is_local = g_str_has_prefix (entry->subject, "uid:");
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", entry->id);
  vb_json_add_time (object, "at", entry->at);
  json_object_set_string_member (object, "by", is_local ? "operator" : entry->subject);
  json_object_set_string_member (object, "method", entry->method);
  json_object_set_string_member (object, "vps", entry->vps);
  if (entry->target != NULL)
    json_object_set_string_member (object, "target", entry->target);
  else
    json_object_set_null_member (object, "target");
  return object;
}

static void
on_activity_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  const guint limit = (guint) vb_call_get_integer (call, "limit", LIST_DEFAULT);
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
    {
      const VbAuditEntry *entry = g_ptr_array_index (entries, i);

      if (vb_identity_sees (vb_call_get_identity (call), entry->vps))
        json_array_add_object_element (array, make_activity (entry));
    }
  object = json_object_new ();
  json_object_set_array_member (object, "entries", array);
  /* Those of others' VPSs were left out: where to go on is not the last one that is told. */
  if (entries->len == limit)
    json_object_set_int_member (
        object, "next", ((VbAuditEntry *) g_ptr_array_index (entries, entries->len - 1))->id);
  else
    json_object_set_null_member (object, "next");
  vb_call_answer (call, object);
}

static void
run_activity (VbCall *call)
{
  list (call, TRUE, on_activity_listed);
}

const VbMethod vb_rpc_audit_methods[] = {
  { "activity.list",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS_OR_ALL, TRUE },
      { "before", VB_PARAM_INTEGER, TRUE, 1, G_MAXINT64 },
      { "limit", VB_PARAM_INTEGER, TRUE, 1, LIST_MAX } },
    run_activity,
    VB_AUDIT_REFUSED,
    .bulk = VB_BULK_LIST },
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
