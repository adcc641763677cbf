/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbFrameGuard:
 *
 * Reads along what a websocket client sends, frame headers only, and finds what libsoup does not
 * bound: the size of a message made of many fragments, and pings to which the answers pile up. All
 * fields are private. Any thread, one at a time.
 */
typedef struct
{
  guint64 message_max; /* bytes of a message, all its fragments together */
  guint64 message;     /* bytes of the message that is being read */
  guint64 body_left;   /* of this frame, still to come */
  guint8 header[14];
  guint header_length;
  guint pings; /* since the last vb_frame_guard_reset_pings() */
  guint pings_max;
} VbFrameGuard;

void vb_frame_guard_init (VbFrameGuard *self, guint64 message_max, guint pings_max);

/**
 * vb_frame_guard_feed:
 * @data: next bytes from the client, masked as they are
 *
 * Returns: 0, or the close code for what was found (1009 too big, 4429 flooding)
 */
guint16 vb_frame_guard_feed (VbFrameGuard *self, const guint8 *data, gsize length);

/** vb_frame_guard_reset_pings: everything has been written to the client: its pings cost nothing */
void vb_frame_guard_reset_pings (VbFrameGuard *self);

G_END_DECLS
