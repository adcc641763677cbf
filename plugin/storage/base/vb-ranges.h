/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VbRange: bytes from @start up to, not including, @end */
typedef struct
{
  guint64 start;
  guint64 end;
} VbRange;

/**
 * VbRanges:
 *
 * Parts of a disk: ascending ranges that neither overlap nor touch. A plain array; one thread at a
 * time.
 */
typedef struct
{
  GArray *array;
} VbRanges;

VbRanges *vb_ranges_new (void);
void vb_ranges_free (VbRanges *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbRanges, vb_ranges_free)

/**
 * vb_ranges_add: adds a range at the end. What was added before is not added again; a range that
 * begins before the last one ends is clipped.
 */
void vb_ranges_add (VbRanges *self, guint64 start, guint64 end);

/** vb_ranges_get: Returns: (transfer none) (nullable): range number @index, or %NULL behind the
 * last one */
const VbRange *vb_ranges_get (const VbRanges *self, gsize index);

/** vb_ranges_get_total: Returns: bytes in all ranges together */
guint64 vb_ranges_get_total (const VbRanges *self);

/** vb_ranges_intersect: Returns: (transfer full): what is in both */
VbRanges *vb_ranges_intersect (const VbRanges *a, const VbRanges *b);

/** vb_ranges_subtract: Returns: (transfer full): what is in @a but not in @b */
VbRanges *vb_ranges_subtract (const VbRanges *a, const VbRanges *b);

/** vb_ranges_close_gaps: Returns: (transfer full): the same with gaps shorter than @bytes filled */
VbRanges *vb_ranges_close_gaps (const VbRanges *self, guint64 bytes);

/**
 * vb_ranges_of_file:
 * @size: bytes of it to look at
 *
 * Returns: (transfer full) (nullable): the parts of a sparse file that hold data; all of it where
 *   the file system knows no holes
 */
VbRanges *vb_ranges_of_file (int fd, guint64 size, GError **error);

G_END_DECLS
