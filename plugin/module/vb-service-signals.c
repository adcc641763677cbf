/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens, for a host manager in the same process: the objects of the protocol, as
 * GVariants. */
#include "vb-service-signals.h"

#include "protocol/vb-protocol-objects.h"

enum
{
  SIGNAL_VPS_CHANGED,
  SIGNAL_VPS_REMOVED,
  SIGNAL_OPERATION_PROGRESS,
  SIGNAL_NOTIFICATION_ADDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* @object: (transfer full). Returns: (transfer full): a{sv}, floating or not as json-glib likes
 * it */
static GVariant *
take_variant (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  GVariant *variant;

  json_node_take_object (node, object);
  variant = json_gvariant_deserialize (node, "a{sv}", NULL);
  return variant != NULL ? g_variant_ref_sink (variant) : NULL;
}

static gboolean
is_heard (GObject *service, guint signal)
{
  return g_signal_has_handler_pending (service, signals[signal], 0, FALSE);
}

static void
on_vps_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer user_data)
{
  g_autoptr (GVariant) state = NULL;

  if (!is_heard (user_data, SIGNAL_VPS_CHANGED))
    return;
  state = take_variant (vb_json_vps (vps, TRUE));
  g_signal_emit (user_data, signals[SIGNAL_VPS_CHANGED], 0, vb_vps_get_uuid (vps), state);
}

static void
on_vps_removed (VbManager *manager, const char *vps, guint64 seq, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_VPS_REMOVED], 0, vps);
}

static void
on_operation_progress (VbManager *manager,
                       VbVps *vps,
                       VbOperation *operation,
                       guint64 seq,
                       gpointer user_data)
{
  g_autoptr (GVariant) state = NULL;

  if (!is_heard (user_data, SIGNAL_OPERATION_PROGRESS))
    return;
  state = take_variant (vb_json_operation (operation, TRUE));
  g_signal_emit (user_data, signals[SIGNAL_OPERATION_PROGRESS], 0, vb_vps_get_uuid (vps), state);
}

static void
on_notification_added (VbManager *manager, const VbNotification *notification, gpointer user_data)
{
  g_autoptr (GVariant) state = NULL;

  if (!is_heard (user_data, SIGNAL_NOTIFICATION_ADDED))
    return;
  state = take_variant (vb_json_notification (notification));
  g_signal_emit (user_data, signals[SIGNAL_NOTIFICATION_ADDED], 0, state);
}

void
vb_service_signals_install (GType type)
{
  signals[SIGNAL_VPS_CHANGED] = g_signal_new ("vps-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);
  signals[SIGNAL_VPS_REMOVED] = g_signal_new ("vps-removed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                              NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_OPERATION_PROGRESS]
      = g_signal_new ("operation-progress", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);
  signals[SIGNAL_NOTIFICATION_ADDED]
      = g_signal_new ("notification-added", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_VARIANT);
}

void
vb_service_signals_connect (GObject *service, VbManager *manager)
{
  g_signal_connect (manager, "vps-changed", G_CALLBACK (on_vps_changed), service);
  g_signal_connect (manager, "vps-removed", G_CALLBACK (on_vps_removed), service);
  g_signal_connect (manager, "operation-progress", G_CALLBACK (on_operation_progress), service);
  g_signal_connect (manager, "notification-added", G_CALLBACK (on_notification_added), service);
}
