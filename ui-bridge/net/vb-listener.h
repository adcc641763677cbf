/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbListener:
 *
 * Accepts connections on one listening socket. libsoup could do that, too, but would tell us of a
 * connection only once it has sent something, and would stop for good when the process runs out of
 * descriptors. Main context only.
 */
#define VB_TYPE_LISTENER (vb_listener_get_type ())
G_DECLARE_FINAL_TYPE (VbListener, vb_listener, VB, LISTENER, GObject)

/**
 * VbListenerFunc:
 * @socket: (transfer none): the accepted socket, not blocking
 */
typedef void (*VbListenerFunc) (VbListener *listener, GSocket *socket, gpointer user_data);

/** vb_listener_new: accepts on @socket from now on and calls @func for each connection */
VbListener *vb_listener_new (GSocket *socket, VbListenerFunc func, gpointer user_data);

/** vb_listener_get_port: Returns: the TCP port that it listens on, 0 for a unix socket */
guint16 vb_listener_get_port (VbListener *self);

/** vb_listener_stop: closes the listening socket and removes the file of a unix socket, if it is
 * still ours */
void vb_listener_stop (VbListener *self);

G_END_DECLS
