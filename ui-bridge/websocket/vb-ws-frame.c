/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-ws-frame.h"

#include <string.h>

#define WHOLE_TEXT 0x81
#define WHOLE_PING 0x89
#define SHORT_MAX 125
#define LENGTH_16 126
#define LENGTH_64 127

static void
append_length (GString *frame, gsize length)
{
  guint n_bytes = length <= SHORT_MAX ? 0 : length <= G_MAXUINT16 ? 2 : 8;

  g_string_append_c (frame, (char) (n_bytes == 0 ? length : n_bytes == 2 ? LENGTH_16 : LENGTH_64));
  while (n_bytes-- > 0)
    g_string_append_c (frame, (char) ((guint64) length >> (8 * n_bytes)));
}

char *
vb_ws_frame_new_text (const char *text)
{
  gsize length = strlen (text);
  g_autoptr (GString) frame = g_string_sized_new (length + 16);

  g_string_append_c (frame, (char) WHOLE_TEXT);
  append_length (frame, length);
  g_string_append_len (frame, text, (gssize) length);
  return g_ref_string_new_len (frame->str, (gssize) frame->len);
}

char *
vb_ws_frame_new_ping (void)
{
  static const char ping[] = { (char) WHOLE_PING, 0 };

  return g_ref_string_new_len (ping, sizeof ping);
}
