/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-frame-guard.h"

#include "protocol/vb-close-codes.h"

#define FIN 0x80
#define OPCODE 0x0f
#define OPCODE_CONTINUATION 0x00
#define OPCODE_CONTROL 0x08
#define OPCODE_PING 0x09
#define MASKED 0x80
#define LENGTH 0x7f
#define LENGTH_16 126
#define LENGTH_64 127
#define CONTROL_MAX 125

void
vb_frame_guard_init (VbFrameGuard *self, guint64 message_max, guint pings_max)
{
  *self = (VbFrameGuard){ .message_max = message_max,
                          .pings_max = pings_max,
                          .frames_left = VB_FRAMES_BURST };
}

/* Returns: bytes that the header will have in all, as far as is known yet */
static guint
header_size (const VbFrameGuard *self)
{
  guint size = 2;

  if (self->header_length < 2)
    return size;

  if ((self->header[1] & LENGTH) == LENGTH_16)
    size += 2;
  else if ((self->header[1] & LENGTH) == LENGTH_64)
    size += 8;

  return self->header[1] & MASKED ? size + 4 : size;
}

static guint64
body_size (const VbFrameGuard *self)
{
  guint length = self->header[1] & LENGTH;
  guint n_bytes = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
  guint64 size = 0;

  if (n_bytes == 0)
    return length;

  for (guint i = 0; i < n_bytes; i++)
    size = size << 8 | self->header[2 + i];

  return size;
}

static void
refill (VbFrameGuard *self, gint64 now_us)
{
  gint64 passed_us = self->counted_us != 0 ? MAX (0, now_us - self->counted_us) : 0;

  self->frames_left = MIN (
      self->frames_left + (double) passed_us * VB_FRAMES_PER_S / G_USEC_PER_SEC, VB_FRAMES_BURST);
  self->counted_us = now_us;
}

/* A whole header has been read. */
static guint16
begin_frame (VbFrameGuard *self)
{
  guint8 opcode = self->header[0] & OPCODE;

  self->body_left = body_size (self);
  self->header_length = 0;
  self->frames_left -= 1;
  if (self->frames_left < 0)
    return VB_CLOSE_FLOODING;

  if (opcode & OPCODE_CONTROL)
    {
      if (opcode == OPCODE_PING && ++self->pings > self->pings_max)
        return VB_CLOSE_FLOODING;
      /* libsoup minds the rest, but reads a long one into memory before it does. */
      return self->body_left > CONTROL_MAX ? VB_CLOSE_TOO_BIG : 0;
    }

  if (opcode != OPCODE_CONTINUATION)
    self->message = 0;
  if (self->body_left > self->message_max - self->message)
    return VB_CLOSE_TOO_BIG;

  self->message += self->body_left;
  return 0;
}

guint16
vb_frame_guard_feed (VbFrameGuard *self, gint64 now_us, const guint8 *data, gsize length)
{
  refill (self, now_us);
  while (length > 0)
    {
      guint64 skip = MIN (self->body_left, length);

      self->body_left -= skip;
      data += skip;
      length -= skip;

      while (length > 0 && self->body_left == 0)
        {
          guint16 code = 0;

          self->header[self->header_length++] = *data;
          data++;
          length--;
          if (self->header_length == header_size (self) && (code = begin_frame (self)) != 0)
            return code;
        }
    }

  return 0;
}

void
vb_frame_guard_reset_pings (VbFrameGuard *self)
{
  self->pings = 0;
}
