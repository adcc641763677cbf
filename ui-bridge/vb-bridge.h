/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-bridge-settings.h"
#include "core/manager/vb-manager.h"

G_BEGIN_DECLS

/**
 * VbBridge:
 *
 * The service's face to the world: a unix socket for this machine's administrators and a TCP port
 * for panels, both with HTTP and JSON-RPC over websockets. Main context only.
 */
#define VB_TYPE_BRIDGE (vb_bridge_get_type ())
G_DECLARE_FINAL_TYPE (VbBridge, vb_bridge, VB, BRIDGE, GObject)

/** vb_bridge_new: @settings: copied */
VbBridge *vb_bridge_new (VbManager *manager, const VbBridgeSettings *settings);

/**
 * vb_bridge_start:
 * @error: (out) (optional): #VB_ERROR; what of the settings does not work, in one sentence
 *
 * Opens the sockets. Without token keys there is no TCP port, and the log says so; TCP without TLS
 * is refused on anything but a loopback address.
 *
 * Returns: whether clients can connect; after a failure nothing is left open
 */
gboolean vb_bridge_start (VbBridge *self, GError **error);

/** vb_bridge_stop: closes the sockets, and every session with 4503; may be called twice */
void vb_bridge_stop (VbBridge *self);

/** vb_bridge_get_tcp_port: Returns: the TCP port that is open (useful with port 0), 0 when there is
 * none */
guint16 vb_bridge_get_tcp_port (VbBridge *self);

G_END_DECLS
