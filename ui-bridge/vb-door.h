/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-address-book.h"
#include "vb-certificate.h"
#include "vb-peer.h"

G_BEGIN_DECLS

/**
 * VbDoor:
 *
 * All listening sockets together: how many may come in, and TLS. Main context only.
 */
#define VB_TYPE_DOOR (vb_door_get_type ())
G_DECLARE_FINAL_TYPE (VbDoor, vb_door, VB, DOOR, GObject)

/**
 * VbDoorFunc:
 * @stream: (transfer none): what to speak HTTP on
 * @peer: (transfer none): who is there; its deadline for a whole request is running
 */
typedef void (*VbDoorFunc) (VbDoor *door, GIOStream *stream, VbPeer *peer, gpointer user_data);

/**
 * vb_door_new:
 * @max_connections: at a time, fewer if the process may not open so many files; further ones get a
 * short 503. A few more may come in through the unix socket
 * @max_per_address: of these, from one address that is not this machine
 */
VbDoor *vb_door_new (guint max_connections,
                     guint max_per_address,
                     VbDoorFunc func,
                     gpointer user_data);

/**
 * vb_door_listen:
 * @socket: a listening socket
 * @certificate: (nullable): for TLS; %NULL for none
 * @admin_group: (nullable): whose members are administrators on a unix socket
 *
 * Accepts on @socket from now on.
 */
void vb_door_listen (VbDoor *self,
                     GSocket *socket,
                     VbCertificate *certificate,
                     const gid_t *admin_group);

/** vb_door_get_tcp_port: Returns: the port of the first TCP listener, 0 when there is none */
guint16 vb_door_get_tcp_port (VbDoor *self);
/** vb_door_get_n_connections: Returns: open ones, websockets included */
guint vb_door_get_n_connections (VbDoor *self);

/** vb_door_get_addresses: Returns: (transfer none): who has been coming in */
VbAddressBook *vb_door_get_addresses (VbDoor *self);

/** vb_door_stop: closes the listeners; connections that are in stay */
void vb_door_stop (VbDoor *self);

G_END_DECLS
