/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-ranges.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/vb-error.h"

VbRanges *
vb_ranges_new (void)
{
  VbRanges *self = g_new0 (VbRanges, 1);
  self->array = g_array_new (FALSE, FALSE, sizeof (VbRange));
  return self;
}

void
vb_ranges_free (VbRanges *self)
{
  g_array_unref (self->array);
  g_free (self);
}

void
vb_ranges_add (VbRanges *self, guint64 start, guint64 end)
{
  if (self->array->len > 0)
    {
      VbRange *last = &g_array_index (self->array, VbRange, self->array->len - 1);
      if (start <= last->end)
        {
          last->end = MAX (last->end, end);
          return;
        }
    }

  VbRange range = { start, end };
  if (start < end)
    g_array_append_val (self->array, range);
}

const VbRange *
vb_ranges_get (const VbRanges *self, gsize index)
{
  return index < self->array->len ? &g_array_index (self->array, VbRange, index) : NULL;
}

guint64
vb_ranges_get_total (const VbRanges *self)
{
  guint64 total = 0;
  for (gsize i = 0; i < self->array->len; i++)
    total += vb_ranges_get (self, i)->end - vb_ranges_get (self, i)->start;
  return total;
}

VbRanges *
vb_ranges_intersect (const VbRanges *a, const VbRanges *b)
{
  VbRanges *both = vb_ranges_new ();
  const VbRange *x, *y;

  for (gsize i = 0, j = 0;
       (x = vb_ranges_get (a, i)) != NULL && (y = vb_ranges_get (b, j)) != NULL;)
    {
      if (MAX (x->start, y->start) < MIN (x->end, y->end))
        vb_ranges_add (both, MAX (x->start, y->start), MIN (x->end, y->end));
      if (x->end <= y->end)
        i++;
      else
        j++;
    }
  return both;
}

VbRanges *
vb_ranges_subtract (const VbRanges *a, const VbRanges *b)
{
  VbRanges *rest = vb_ranges_new ();
  const VbRange *x, *y;
  gsize j = 0;

  for (gsize i = 0; (x = vb_ranges_get (a, i)) != NULL; i++)
    {
      guint64 from = x->start;
      while ((y = vb_ranges_get (b, j)) != NULL && y->start < x->end)
        {
          if (y->start > from)
            vb_ranges_add (rest, from, y->start);
          from = MAX (from, y->end);
          if (y->end > x->end)
            break; /* it may cut the next range as well */
          j++;
        }
      if (from < x->end)
        vb_ranges_add (rest, from, x->end);
    }
  return rest;
}

VbRanges *
vb_ranges_close_gaps (const VbRanges *self, guint64 bytes)
{
  VbRanges *closed = vb_ranges_new ();
  const VbRange *x;
  guint64 end = 0;

  for (gsize i = 0; (x = vb_ranges_get (self, i)) != NULL; i++)
    {
      gboolean near = i > 0 && x->start - end < bytes;
      vb_ranges_add (closed, near ? end : x->start, x->end);
      end = x->end;
    }
  return closed;
}

VbRanges *
vb_ranges_of_file (int fd, guint64 size, GError **error)
{
  g_autoptr (VbRanges) data = vb_ranges_new ();

  for (guint64 at = 0; at < size;)
    {
      off_t start = lseek (fd, (off_t) at, SEEK_DATA);
      if (start < 0 && errno == ENXIO)
        break; /* nothing but a hole up to the end */
      if (start < 0 && errno == EINVAL && at == 0)
        {
          vb_ranges_add (data, 0, size);
          break;
        }
      off_t end = start < 0 ? -1 : lseek (fd, start, SEEK_HOLE);
      if (end < 0)
        {
          vb_error_set_errno (error, errno, "Failed to find the holes of an image");
          return NULL;
        }
      vb_ranges_add (data, MIN ((guint64) start, size), MIN ((guint64) end, size));
      at = (guint64) end;
    }
  return g_steal_pointer (&data);
}
