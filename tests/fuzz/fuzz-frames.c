/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Websocket frames as the guard reads them: however the bytes are cut, it sees the same. */
#include "fuzz.h"
#include "websocket/vb-frame-guard.h"

#define MESSAGE_MAX 1000
#define PINGS_MAX 16

static guint16
feed (const guint8 *data, gsize size, gsize step)
{
  VbFrameGuard guard;
  guint16 code = 0;

  vb_frame_guard_init (&guard, MESSAGE_MAX, PINGS_MAX);
  for (gsize at = 0; at < size && code == 0; at += step)
    code = vb_frame_guard_feed (&guard, 1, data + at, MIN (step, size - at));
  g_assert_cmpuint (guard.header_length, <=, sizeof guard.header);
  g_assert_true (code != 0 || guard.message <= MESSAGE_MAX);
  return code;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const guint16 code = feed (data, size, MAX (size, 1));

  g_assert_cmpuint (feed (data, size, 1), ==, code);
  g_assert_cmpuint (feed (data, size, 7), ==, code);
  return 0;
}
