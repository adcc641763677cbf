/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* notification.* */
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

#define LIST_DEFAULT 100
#define LIST_MAX 1000

static JsonObject *
make_list (GPtrArray *notifications, gboolean for_admin)
{
  JsonArray *array = json_array_new ();
  JsonObject *object = json_object_new ();

  for (guint i = 0; notifications != NULL && i < notifications->len; i++)
    {
      const VbNotification *one = g_ptr_array_index (notifications, i);

      if (for_admin || !vb_notification_type_is_for_admins (one->type))
        json_array_add_object_element (array, vb_json_notification (one));
    }

  json_object_set_array_member (object, "notifications", array);
  return object;
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) notifications
      = vb_manager_list_notifications_finish (VB_MANAGER (source), result, &error);

  if (notifications != NULL)
    vb_call_answer (user_data, make_list (notifications,
                                          vb_identity_is_admin (vb_call_get_identity (user_data))));
  else
    vb_call_refuse (user_data, error);
}

static void
run_list (VbCall *call)
{
  VbIdentity *identity = vb_call_get_identity (call);
  g_autofree const char **scope = vb_identity_list_vps (identity);
  const char *one[] = { vb_call_get_vps_name (call), NULL };
  const char *const *vps = one[0] != NULL ? one : (const char *const *) scope;

  if (vps != NULL && vps[0] == NULL)
    {
      vb_call_answer (call, make_list (NULL, FALSE));
      return;
    }

  vb_manager_list_notifications_async (
      vb_call_get_manager (call), vps, vb_identity_get_subject (identity),
      vb_call_get_boolean (call, "newest") ? VB_JOURNAL_NEWEST
                                           : vb_call_get_integer (call, "after", 0),
      (guint) vb_call_get_integer (call, "limit", LIST_DEFAULT), on_listed, call);
}

static void
on_marked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (vb_manager_mark_read_finish (VB_MANAGER (source), result, &error))
    vb_call_answer (user_data, json_object_new ());
  else
    vb_call_refuse (user_data, error);
}

static void
run_read (VbCall *call)
{
  vb_manager_mark_read_async (vb_call_get_manager (call),
                              vb_identity_get_subject (vb_call_get_identity (call)),
                              vb_call_get_integer (call, "up_to", 0), on_marked, call);
}

const VbMethod vb_rpc_notification_methods[] = {
  { "notification.list",
    VB_PERMISSION_BACKUP_READ,
    { { "vps", VB_PARAM_VPS, TRUE },
      { "after", VB_PARAM_INTEGER, TRUE, 0, G_MAXINT64 },
      { "limit", VB_PARAM_INTEGER, TRUE, 1, LIST_MAX },
      { "newest", VB_PARAM_BOOLEAN, TRUE } },
    run_list,
    VB_AUDIT_REFUSED,
    .bulk = VB_BULK_LIST },
  { "notification.read",
    VB_PERMISSION_BACKUP_READ,
    { { "up_to", VB_PARAM_INTEGER, FALSE, 0, G_MAXINT64 } },
    run_read,
    VB_AUDIT_REFUSED },
  { NULL },
};
