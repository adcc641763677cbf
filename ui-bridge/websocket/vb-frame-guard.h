/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_FRAMES_BURST: frames of a connection, of every kind, that may come at once */
#define VB_FRAMES_BURST 256
/** VB_FRAMES_PER_S: how many a second may follow */
#define VB_FRAMES_PER_S 128

/**
 * VbFrameGuard:
 *
 * Reads along what a websocket client sends, frame headers only, and finds what libsoup does not
 * bound: the size of a message made of many fragments, pings to which the answers pile up, and
 * frames of any kind that come faster than %VB_FRAMES_PER_S. All fields are private. Any thread,
 * one at a time.
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
  double frames_left;
  gint64 counted_us; /* when frames_left was right */
} VbFrameGuard;

void vb_frame_guard_init (VbFrameGuard *self, guint64 message_max, guint pings_max);

/**
 * vb_frame_guard_feed:
 * @now_us: monotonic
 * @data: next bytes from the client, masked as they are
 *
 * Returns: 0, or the close code for what was found (1009 too big, 4429 flooding)
 */
guint16 vb_frame_guard_feed (VbFrameGuard *self, gint64 now_us, const guint8 *data, gsize length);

/** vb_frame_guard_reset_pings: everything has been written to the client: its pings cost nothing */
void vb_frame_guard_reset_pings (VbFrameGuard *self);

G_END_DECLS
