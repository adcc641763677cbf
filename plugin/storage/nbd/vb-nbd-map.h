/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/base/vb-ranges.h"

G_BEGIN_DECLS

/**
 * VbNbdMap:
 * @mask: which bits of an extent's flags count
 * @wanted: whether extents with or without them are added
 * @ranges: (unowned): what is added to
 * @end: up to here all is known
 * @limit: what lies beyond was not asked for
 *
 * Part of a disk's map, put together from the answers of an NBD server.
 */
typedef struct
{
  guint32 mask;
  gboolean wanted;
  VbRanges *ranges;
  guint64 end;
  guint64 limit;
} VbNbdMap;

/**
 * vb_nbd_map_add:
 * @offset: where the first extent begins
 * @entries: (array length=n): length and flags of each extent
 *
 * The server may tell more or less than it was asked: what is new and was asked for is kept.
 */
void vb_nbd_map_add (VbNbdMap *self, guint64 offset, const guint32 *entries, gsize n);

G_END_DECLS
