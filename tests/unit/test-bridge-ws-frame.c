/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of a server: RFC 6455, 5.2, at each border of its lengths. */
#include "websocket/vb-ws-frame.h"

static void
assert_frame (gsize length, const guint8 *header, gsize header_length)
{
  g_autofree char *text = g_strnfill (length, 'x');
  char *frame = vb_ws_frame_new_text (text);

  g_assert_cmpuint (g_ref_string_length (frame), ==, header_length + length);
  g_assert_cmpmem (frame, header_length, header, header_length);
  g_assert_cmpmem (frame + header_length, length, text, length);
  g_ref_string_release (frame);
}

static void
test_lengths (void)
{
  assert_frame (0, (const guint8[]){ 0x81, 0 }, 2);
  assert_frame (125, (const guint8[]){ 0x81, 125 }, 2);
  assert_frame (126, (const guint8[]){ 0x81, 126, 0, 126 }, 4);
  assert_frame (65535, (const guint8[]){ 0x81, 126, 0xff, 0xff }, 4);
  assert_frame (65536, (const guint8[]){ 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 }, 10);
}

static void
test_ping (void)
{
  char *frame = vb_ws_frame_new_ping ();

  g_assert_cmpmem (frame, g_ref_string_length (frame), ((const guint8[]){ 0x89, 0 }), 2);
  g_ref_string_release (frame);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ws-frame/lengths", test_lengths);
  g_test_add_func ("/ws-frame/ping", test_ping);
  return g_test_run ();
}
