/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-events.h"

#include "json/vb-json-text.h"
#include "protocol/vb-protocol-objects.h"
#include "websocket/vb-ws-frame.h"

char *
vb_event_from_object (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = vb_json_text_print (node);

  json_object_unref (object);
  return vb_ws_frame_new_text (text);
}

static char *
make_event (const char *method, JsonObject *params)
{
  JsonObject *event = json_object_new ();

  json_object_set_string_member (event, "jsonrpc", "2.0");
  json_object_set_string_member (event, "method", method);
  json_object_set_object_member (event, "params", params);
  return vb_event_from_object (event);
}

char *
vb_event_vps_changed (VbVps *vps, gboolean for_admin)
{
  return make_event ("vps.changed", vb_json_vps (vps, for_admin));
}

char *
vb_event_vps_removed (const char *vps, guint64 seq)
{
  JsonObject *params = json_object_new ();

  json_object_set_string_member (params, "vps", vps);
  json_object_set_int_member (params, "seq", (gint64) seq);
  return make_event ("vps.removed", params);
}

char *
vb_event_operation_progress (VbVps *vps, VbOperation *operation, guint64 seq, gboolean for_admin)
{
  JsonObject *params = json_object_new ();

  json_object_set_string_member (params, "vps", vb_vps_get_uuid (vps));
  json_object_set_object_member (params, "operation", vb_json_operation (operation, for_admin));
  json_object_set_int_member (params, "seq", (gint64) seq);
  return make_event ("operation.progress", params);
}

char *
vb_event_notification_added (const VbNotification *notification)
{
  return make_event ("notification.added", vb_json_notification (notification));
}

char *
vb_event_session_expiring (gint64 expires_at_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (expires_at_s);
  JsonObject *params = json_object_new ();

  vb_json_add_time (params, "expires_at", time);
  return make_event ("session.expiring", params);
}
