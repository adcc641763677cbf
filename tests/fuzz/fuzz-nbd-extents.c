/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map of a disk from an NBD server's answers: nothing outside what was asked, ascending, no gap
 * taken for known. The input is a row of answers, each an offset, a number of extents, and
 * those. */
#include <string.h>

#include "fuzz.h"
#include "storage/nbd/vb-nbd-map.h"

#define BEGIN 4096
#define LIMIT (G_GUINT64_CONSTANT (1) << 40)

static void
check (const VbNbdMap *map)
{
  const VbRange *range;
  guint64 last = 0;

  g_assert_cmpuint (map->end, <=, LIMIT);
  for (gsize i = 0; (range = vb_ranges_get (map->ranges, i)) != NULL; i++)
    {
      g_assert_cmpuint (range->start, <, range->end);
      g_assert_true (i == 0 || range->start > last);
      g_assert_cmpuint (range->start, >=, BEGIN);
      g_assert_cmpuint (range->end, <=, map->end);
      last = range->end;
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (VbRanges) ranges = vb_ranges_new ();
  VbNbdMap map = { .mask = 2, .ranges = ranges, .end = BEGIN, .limit = LIMIT };

  while (size >= sizeof (guint64) + 1)
    {
      guint32 entries[512];
      guint64 offset;
      gsize n;

      memcpy (&offset, data, sizeof offset);
      n = data[sizeof offset];
      data += sizeof offset + 1;
      size -= sizeof offset + 1;
      n = MIN (n, size / sizeof *entries);
      memcpy (entries, data, n * sizeof *entries);
      data += n * sizeof *entries;
      size -= n * sizeof *entries;
      vb_nbd_map_add (&map, offset, entries, n);
      check (&map);
    }

  return 0;
}
