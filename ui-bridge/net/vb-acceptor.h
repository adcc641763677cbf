/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-address-limiter.h"
#include "vb-certificate.h"
#include "vb-peer.h"

G_BEGIN_DECLS

/**
 * VbAcceptor:
 *
 * All listening sockets together: how many may come in, and TLS. Main context only.
 */
#define VB_TYPE_ACCEPTOR (vb_acceptor_get_type ())
G_DECLARE_FINAL_TYPE (VbAcceptor, vb_acceptor, VB, ACCEPTOR, GObject)

/**
 * VbAcceptorFunc:
 * @stream: (transfer none): what to speak HTTP on
 * @peer: (transfer none): who is there; its deadline for a whole request is running
 */
typedef void (*VbAcceptorFunc) (VbAcceptor *acceptor,
                                GIOStream *stream,
                                VbPeer *peer,
                                gpointer user_data);

/**
 * vb_acceptor_new:
 * @max_connections: websockets at a time, fewer if the process may not open so many files, see
 * #VbConnectionTable
 * @max_per_address: of these, from one address that is not this machine
 */
VbAcceptor *vb_acceptor_new (guint max_connections,
                             guint max_per_address,
                             VbAcceptorFunc func,
                             gpointer user_data);

/**
 * vb_acceptor_listen:
 * @socket: a listening socket
 * @certificate: (nullable): for TLS; %NULL for none
 * @admin_group: (nullable): whose members are administrators on a unix socket
 *
 * Accepts on @socket from now on.
 */
void vb_acceptor_listen (VbAcceptor *self,
                         GSocket *socket,
                         VbCertificate *certificate,
                         const gid_t *admin_group);

/** vb_acceptor_get_tcp_port: Returns: the port of the first TCP listener, 0 when there is none */
guint16 vb_acceptor_get_tcp_port (VbAcceptor *self);
/** vb_acceptor_get_n_connections: Returns: open ones, websockets included */
guint vb_acceptor_get_n_connections (VbAcceptor *self);

/** vb_acceptor_admit_forwarded: a proxy has named whom it speaks for; Returns: %FALSE when that
 * address has its share of the connections already */
gboolean vb_acceptor_admit_forwarded (VbAcceptor *self, VbPeer *peer);
/** vb_acceptor_is_full: see vb_connection_table_is_full() */
gboolean vb_acceptor_is_full (VbAcceptor *self, VbPeer *peer);
/** vb_acceptor_hold: @subject: (nullable): see vb_connection_table_hold() */
gboolean vb_acceptor_hold (VbAcceptor *self, VbPeer *peer, const char *subject);

/** vb_acceptor_get_addresses: Returns: (transfer none): who has been coming in */
VbAddressLimiter *vb_acceptor_get_addresses (VbAcceptor *self);

/** vb_acceptor_stop: closes the listeners; connections that are in stay */
void vb_acceptor_stop (VbAcceptor *self);

G_END_DECLS
