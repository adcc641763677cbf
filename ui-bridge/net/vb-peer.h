/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbPeer:
 *
 * One accepted connection, from its first byte on: who is at the other end as far as the kernel
 * knows, and the deadline by which it has to be done with its request. Main context only.
 */
#define VB_TYPE_PEER (vb_peer_get_type ())
G_DECLARE_FINAL_TYPE (VbPeer, vb_peer, VB, PEER, GObject)

/**
 * vb_peer_new:
 * @socket: the accepted socket
 * @admin_group: (nullable): group whose members are administrators besides root and our own user
 *
 * Asks the kernel for the credentials of a unix peer; the groups are those that the process had
 * when it connected.
 *
 * Returns: (transfer full): a new peer
 */
VbPeer *vb_peer_new (GSocket *socket, const gid_t *admin_group);

gboolean vb_peer_is_unix (VbPeer *self);
/** vb_peer_is_admin: Returns: whether the kernel's credentials make it an administrator; never on
 * TCP */
gboolean vb_peer_is_admin (VbPeer *self);
/** vb_peer_get_name: Returns: (transfer none): "uid:N" or the address, for logs and as subject */
const char *vb_peer_get_name (VbPeer *self);

/** vb_peer_get_key: Returns: (transfer none): what connections and bad tokens of its kind are
 * counted under: see vb_address_limiter_key(), and the name of a unix peer */
const char *vb_peer_get_key (VbPeer *self);
/** vb_peer_is_local: Returns: whether it is on this machine, where proxies are */
gboolean vb_peer_is_local (VbPeer *self);

/** vb_peer_set_origin: a proxy that is trusted says that it speaks for @address */
void vb_peer_set_origin (VbPeer *self, GInetAddress *address);

/** vb_peer_set_deadline: cuts the connection after @seconds unless called again before; 0 for
 * never */
void vb_peer_set_deadline (VbPeer *self, guint seconds);
/** vb_peer_limit_sending: how much the kernel takes for a client that does not read */
void vb_peer_limit_sending (VbPeer *self, int bytes);
/** vb_peer_end_sending: what has been written goes out, nothing follows */
void vb_peer_end_sending (VbPeer *self);
/** vb_peer_cut: ends the connection at once, whatever is under way on it */
void vb_peer_cut (VbPeer *self);
gboolean vb_peer_is_cut (VbPeer *self);

G_END_DECLS
