/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "core/model/vb-notification.h"
#include "core/model/vb-vps.h"

G_BEGIN_DECLS

/* What the server says unasked: JSON-RPC notifications, as they go over the wire. All return
 * (transfer full) a #GRefString with the whole frame, because the same goes to many clients.
 * @for_admin as in vb-json.h. */

char *vb_event_vps_changed (VbVps *vps, gboolean for_admin);
char *vb_event_vps_removed (const char *vps, guint64 seq);
char *
vb_event_operation_progress (VbVps *vps, VbOperation *operation, guint64 seq, gboolean for_admin);
char *vb_event_notification_added (const VbNotification *notification);
char *vb_event_session_expiring (gint64 expires_at_s);

/** vb_event_from_object: Returns: (transfer full): a #GRefString with the frame that tells @object,
 * which is consumed */
char *vb_event_from_object (JsonObject *object);

G_END_DECLS
