/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "websocket/vb-frame-guard.h"

#include "protocol/vb-close-codes.h"

#define FIN 0x80
#define TEXT 0x01
#define CONTINUATION 0x00
#define CLOSE 0x08
#define PING 0x09
#define PONG 0x0a

/* Header and mask; the payload is up to the caller. */
static void
append_header (GByteArray *out, guint8 first, guint64 size)
{
  guint8 header[14] = { first };
  guint n = 2, wide = size < 126 ? 0 : size < 65536 ? 2 : 8;

  header[1] = (guint8) (0x80 | (wide == 0 ? size : wide == 2 ? 126 : 127));
  for (guint i = 0; i < wide; i++)
    header[n++] = (guint8) (size >> (8 * (wide - 1 - i)));
  g_byte_array_append (out, header, n + 4);
}

static void
append_frame (GByteArray *out, guint8 first, guint64 size)
{
  g_autofree guint8 *payload = g_malloc0 (size + 1);

  append_header (out, first, size);
  g_byte_array_append (out, payload, (guint) size);
}

/* In one go, and byte by byte. */
static void
assert_code (GByteArray *bytes, guint16 wanted)
{
  VbFrameGuard guard;
  guint16 code = 0;

  vb_frame_guard_init (&guard, 1000, 3);
  g_assert_cmpuint (vb_frame_guard_feed (&guard, 1, bytes->data, bytes->len), ==, wanted);

  vb_frame_guard_init (&guard, 1000, 3);
  for (guint i = 0; i < bytes->len && code == 0; i++)
    code = vb_frame_guard_feed (&guard, 1, bytes->data + i, 1);
  g_assert_cmpuint (code, ==, wanted);
  g_byte_array_set_size (bytes, 0);
}

static void
test_single (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (guint i = 0; i < 5; i++)
    append_frame (bytes, FIN | TEXT, 1000);
  append_frame (bytes, FIN | TEXT, 0);
  append_frame (bytes, FIN | PING, 125);
  append_frame (bytes, FIN | CLOSE, 2);
  assert_code (bytes, 0);

  append_header (bytes, FIN | TEXT, 1001);
  assert_code (bytes, VB_CLOSE_TOO_BIG);
  append_header (bytes, FIN | TEXT, 70000);
  assert_code (bytes, VB_CLOSE_TOO_BIG);
  append_header (bytes, FIN | TEXT, G_MAXUINT64);
  assert_code (bytes, VB_CLOSE_TOO_BIG);
  append_header (bytes, FIN | PING, 126);
  assert_code (bytes, VB_CLOSE_TOO_BIG);
}

static void
test_fragments (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  for (guint message = 0; message < 3; message++)
    {
      append_frame (bytes, TEXT, 600);
      append_frame (bytes, FIN | PONG, 100);
      append_frame (bytes, CONTINUATION, 0);
      append_frame (bytes, CONTINUATION, 300);
      append_frame (bytes, FIN | CONTINUATION, 100);
    }
  assert_code (bytes, 0);

  append_frame (bytes, TEXT, 600);
  append_frame (bytes, CONTINUATION, 400);
  append_header (bytes, CONTINUATION, 1);
  assert_code (bytes, VB_CLOSE_TOO_BIG);

  append_frame (bytes, TEXT, 1);
  append_header (bytes, FIN | CONTINUATION, G_MAXUINT64);
  assert_code (bytes, VB_CLOSE_TOO_BIG);
}

static void
test_pings (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  VbFrameGuard guard;

  for (guint i = 0; i < 3; i++)
    append_frame (bytes, FIN | PING, 5);
  vb_frame_guard_init (&guard, 1000, 3);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpuint (vb_frame_guard_feed (&guard, 1, bytes->data, bytes->len), ==, 0);
      vb_frame_guard_reset_pings (&guard);
    }
  append_frame (bytes, FIN | PING, 5);
  g_assert_cmpuint (vb_frame_guard_feed (&guard, 1, bytes->data, bytes->len), ==,
                    VB_CLOSE_FLOODING);
}

/* Whatever they are: so many at once, and then at their pace. */
static void
test_frames (void)
{
  static const guint8 kinds[] = { FIN | TEXT, FIN | PONG, FIN | CLOSE, CONTINUATION };

  for (gsize kind = 0; kind < G_N_ELEMENTS (kinds); kind++)
    {
      g_autoptr (GByteArray) frame = g_byte_array_new ();
      gint64 now_us = 1;
      VbFrameGuard guard;

      append_frame (frame, kinds[kind], 0);
      vb_frame_guard_init (&guard, 1000, 3);
      for (guint i = 0; i < VB_FRAMES_BURST; i++)
        g_assert_cmpuint (vb_frame_guard_feed (&guard, now_us, frame->data, frame->len), ==, 0);
      for (guint i = 0; i < 3 * VB_FRAMES_BURST; i++)
        {
          now_us += G_USEC_PER_SEC / VB_FRAMES_PER_S + 1;
          g_assert_cmpuint (vb_frame_guard_feed (&guard, now_us, frame->data, frame->len), ==, 0);
        }
      g_assert_cmpuint (vb_frame_guard_feed (&guard, now_us, frame->data, frame->len), ==,
                        VB_CLOSE_FLOODING);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame-guard/single", test_single);
  g_test_add_func ("/frame-guard/fragments", test_fragments);
  g_test_add_func ("/frame-guard/pings", test_pings);
  g_test_add_func ("/frame-guard/frames", test_frames);
  return g_test_run ();
}
