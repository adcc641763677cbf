/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "auth/vb-identity.h"
#include "net/vb-peer.h"
#include "vb-send-queue.h"
#include "websocket/vb-ws-stream.h"

G_BEGIN_DECLS

/** VB_MESSAGE_BYTES_MAX: largest message of a client */
#define VB_MESSAGE_BYTES_MAX (64 * 1024)

/**
 * VbSession:
 *
 * One open connection: who is there, and what waits to be sent. It reads texts and hands them out,
 * it does not know what they mean. Main context only.
 *
 * Signals:
 *  - "message" (text GBytes): a text message has come
 *  - "identity-changed": set_identity() has been called
 *  - "closed": once, when the connection is over or is being closed; nothing is sent or received
 * from then on
 */
#define VB_TYPE_SESSION (vb_session_get_type ())
G_DECLARE_FINAL_TYPE (VbSession, vb_session, VB, SESSION, GObject)

/**
 * vb_session_new:
 * @connection: the websocket, made on @stream
 * @stream: what @connection reads from and writes to
 * @peer: the kernel's view of the client
 * @identity: who it is; the connection is closed when that expires
 *
 * Returns: (transfer full): a new session, which reads from now on
 */
VbSession *vb_session_new (SoupWebsocketConnection *connection,
                           VbWsStream *stream,
                           VbPeer *peer,
                           VbIdentity *identity);

/** vb_session_get_identity: Returns: (transfer none): valid until the next set_identity() */
VbIdentity *vb_session_get_identity (VbSession *self);
/** vb_session_set_identity: renewal: from now on the client is @identity */
void vb_session_set_identity (VbSession *self, VbIdentity *identity);
VbPeer *vb_session_get_peer (VbSession *self);

/** vb_session_get_cancellable: Returns: (transfer none): cancelled when the session is closed */
GCancellable *vb_session_get_cancellable (VbSession *self);

/** vb_session_is_open: Returns: whether anything can still be sent */
gboolean vb_session_is_open (VbSession *self);

/** vb_session_send: @vps: (nullable): UUID for states and progress; @frame: (transfer none): a
 * #GRefString of vb-ws-frame.h */
void vb_session_send (VbSession *self, VbSendKind kind, const char *vps, char *frame);

/** vb_session_check_clock: does what it is time for: warns of the end of the token, closes the
 * session at it, closes it when nothing of what waits was read for a minute, keeps it alive. To be
 * called at least once a second; a timer for each session would be looked at by the main loop each
 * time it goes round. Returns: wall clock in us at which it has to be called at the latest,
 * %G_MAXINT64 for never */
gint64 vb_session_check_clock (VbSession *self, gint64 monotonic_us, gint64 now_us);

/** vb_session_end_soon: it is warned, and closed a minute from now unless it is renewed; Returns:
 * whether that is news */
gboolean vb_session_end_soon (VbSession *self);

/** vb_session_close: @code: of vb-close-codes.h; @reason: a few words for whoever debugs the
 * client */
void vb_session_close (VbSession *self, guint16 code, const char *reason);

/** vb_session_is_over_rate: Returns: whether the message that has come last was one too many */
gboolean vb_session_is_over_rate (VbSession *self);

/* Requests that have been accepted and not yet answered; whoever handles them counts. */
guint vb_session_get_pending (VbSession *self);
void vb_session_add_pending (VbSession *self, int change);

G_END_DECLS
