/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nbd-map.h"

void
vb_nbd_map_add (VbNbdMap *self, guint64 offset, const guint32 *entries, gsize n)
{
  for (gsize i = 0; i + 1 < n && offset < self->limit; i += 2)
    {
      const guint64 next = offset + MIN (entries[i], self->limit - offset);

      /* A gap is not known to be anything: whoever asks goes on from its beginning. */
      if (offset > self->end)
        return;
      if (((entries[i + 1] & self->mask) != 0) == self->wanted && next > self->end)
        vb_ranges_add (self->ranges, self->end, next);
      self->end = MAX (self->end, next);
      offset = next;
    }
}
