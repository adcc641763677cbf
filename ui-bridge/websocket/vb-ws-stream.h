/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbWsStream:
 *
 * Stands between libsoup's websocket and its connection and sees what libsoup does not tell:
 * whether something written still waits for the client to read, and whether the client sends
 * messages beyond all bounds in fragments. Main context only; only non-blocking reads and writes.
 */
#define VB_TYPE_WS_STREAM (vb_ws_stream_get_type ())
G_DECLARE_FINAL_TYPE (VbWsStream, vb_ws_stream, VB, WS_STREAM, GIOStream)

/**
 * VbWsStreamFunc:
 * @close_code: the code with which the connection has to be closed
 *
 * Called once, from within a read, when the client has broken a limit. Everything that it sends
 * afterwards is thrown away.
 */
typedef void (*VbWsStreamFunc) (VbWsStream *stream, guint16 close_code, gpointer user_data);

/**
 * vb_ws_stream_new:
 * @base: what libsoup gave for the connection
 * @message_max_bytes: largest message of the client
 *
 * Returns: (transfer full): the stream to make the websocket with
 */
VbWsStream *vb_ws_stream_new (GIOStream *base, guint64 message_max_bytes);

/** vb_ws_stream_set_func: @func: (nullable) (scope forever): what to call when a limit is broken */
void vb_ws_stream_set_func (VbWsStream *self, VbWsStreamFunc func, gpointer user_data);

/** vb_ws_stream_is_closing: Returns: whether libsoup closes it or has done so: nothing can be waited
 * for any more */
gboolean vb_ws_stream_is_closing (VbWsStream *self);

/** vb_ws_stream_can_send: Returns: whether a frame may be sent, with nothing waiting before it */
gboolean vb_ws_stream_can_send (VbWsStream *self);

/** vb_ws_stream_send: @frame: (transfer none): a #GRefString; writes it at once, past libsoup,
 * which would make a copy and a source of the main loop for each; what the client does not take
 * waits. Only when can_send() */
void vb_ws_stream_send (VbWsStream *self, char *frame);
/** vb_ws_stream_flush: goes on with what waits of the frame that was sent last */
void vb_ws_stream_flush (VbWsStream *self);
/** vb_ws_stream_has_rest: Returns: whether something waits of the frame that was sent last */
gboolean vb_ws_stream_has_rest (VbWsStream *self);

/** vb_ws_stream_get_blocked_since_us: Returns: monotonic time since which the client has read
 * nothing of what waits, or 0 */
gint64 vb_ws_stream_get_blocked_since_us (VbWsStream *self);

/** vb_ws_stream_create_write_source: Returns: (transfer full): fires while the connection is
 * writable */
GSource *vb_ws_stream_create_write_source (VbWsStream *self);

G_END_DECLS
