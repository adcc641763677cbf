/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-peer.h"

G_BEGIN_DECLS

/** VB_FAIR_STREAM_TURN_BYTES: what is read of one client before the others have their turn */
#define VB_FAIR_STREAM_TURN_BYTES (16 * 1024)

/**
 * VbFairStream:
 *
 * Stands between libsoup and a connection. libsoup reads on as long as there is more; a client that
 * sends without a pause would keep the main loop to itself. This stream says "would block" after
 * %VB_FAIR_STREAM_TURN_BYTES and is ready again in the next iteration of the main loop. Output
 * passes by. Main context only; only non-blocking reads are bounded.
 */
#define VB_TYPE_FAIR_STREAM (vb_fair_stream_get_type ())
G_DECLARE_FINAL_TYPE (VbFairStream, vb_fair_stream, VB, FAIR_STREAM, GIOStream)

/** vb_fair_stream_new: @base: a socket's connection, or TLS on one; @peer: its client: reads come
 * to their end when it is cut, though data still arrive; Returns: (transfer full): a stream that
 * reads from and writes to @base */
VbFairStream *vb_fair_stream_new (GIOStream *base, VbPeer *peer);

G_END_DECLS
