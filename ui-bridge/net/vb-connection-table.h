/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-peer.h"

G_BEGIN_DECLS

/** VB_CONNECTION_RESERVE: connections beyond the limit that may bring a request, so that `/healthz`
 * is always answered */
#define VB_CONNECTION_RESERVE 32
/** VB_CONNECTION_UNIX_RESERVE: websockets beyond the limit that the unix socket may have: who fills
 * the TCP port must not lock the administrators out */
#define VB_CONNECTION_UNIX_RESERVE 16
/** VB_CONNECTION_SHARE_MIN: what everybody may have while there is room at all: a few open pages */
#define VB_CONNECTION_SHARE_MIN 3

/**
 * VbConnectionTable:
 *
 * Who has how many of the connections that there may be. One that has not become a websocket, nor a
 * download, is *passing*: when there is no room, the oldest of these is cut for the newest.
 * Websockets and downloads are *held*, and nobody holds more than are still free: one who takes all
 * they can leaves half of them to the others, two leave a third, and so on. Main context only.
 */
typedef struct _VbConnectionTable VbConnectionTable;

VbConnectionTable *vb_connection_table_new (guint max_connections);
void vb_connection_table_free (VbConnectionTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbConnectionTable, vb_connection_table_free)

/** vb_connection_table_has_room: cuts the oldest passing connection if it has to; Returns: whether
 * a new one may come in. @is_unix: through the unix socket */
gboolean vb_connection_table_has_room (VbConnectionTable *self, gboolean is_unix);
/** vb_connection_table_add: @peer: is passing from now on; a reference is taken */
void vb_connection_table_add (VbConnectionTable *self, VbPeer *peer);
void vb_connection_table_remove (VbConnectionTable *self, VbPeer *peer);

/** vb_connection_table_is_full: Returns: whether @peer is one of those that only `/healthz` is
 * answered to, because all the connections that there may be are held */
gboolean vb_connection_table_is_full (VbConnectionTable *self, VbPeer *peer);
/** vb_connection_table_hold: @peer becomes a websocket or a download; @subject: (nullable): whose
 * share it counts for; Returns: %FALSE when their share is used up */
gboolean vb_connection_table_hold (VbConnectionTable *self, VbPeer *peer, const char *subject);

/** vb_connection_table_get_share: Returns: how many one subject or one address may have now */
guint vb_connection_table_get_share (VbConnectionTable *self);
/** vb_connection_table_get_size: Returns: how many there are, passing and held */
guint vb_connection_table_get_size (VbConnectionTable *self);

G_END_DECLS
