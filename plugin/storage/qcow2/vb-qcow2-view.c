/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-qcow2-view.h"

#include <string.h>

#define CLUSTER VB_QCOW2_VIEW_CLUSTER_BYTES
#define CLUSTER_BITS 16
#define L2_ENTRIES (CLUSTER / 8)
#define REFCOUNTS (CLUSTER / 2) /* of 16 bits each, in one cluster */
#define COPIED (G_GUINT64_CONSTANT (1) << 63)
#define HEADER_BYTES 112
#define MAGIC 0x514649fb

/* Data clusters of the disk that follow each other. */
typedef struct
{
  guint64 first;
  guint64 count;
  guint64 before; /* data clusters before the first */
} Run;

/* Where each part of the image begins, in clusters. */
typedef struct
{
  guint64 refcount_table;
  guint64 refcount_blocks;
  guint64 l1;
  guint64 l2;
  guint64 data;
  guint64 end;
} Places;

struct _VbQcow2View
{
  guint64 size_bytes;
  GArray *runs;      /* Run */
  GArray *l2_tables; /* guint64: which of the disk's L2 tables there are, ascending */
  guint64 l1_entries;
  Places at;
};

VbQcow2View *
vb_qcow2_view_new (guint64 size_bytes)
{
  VbQcow2View *self = g_new0 (VbQcow2View, 1);

  self->size_bytes = (size_bytes + 511) & ~G_GUINT64_CONSTANT (511);
  self->runs = g_array_new (FALSE, FALSE, sizeof (Run));
  self->l2_tables = g_array_new (FALSE, FALSE, sizeof (guint64));
  return self;
}

void
vb_qcow2_view_free (VbQcow2View *self)
{
  g_array_unref (self->runs);
  g_array_unref (self->l2_tables);
  g_free (self);
}

/* --- before it is frozen --- */

void
vb_qcow2_view_add (VbQcow2View *self, guint64 offset, guint64 length)
{
  guint64 first = offset / CLUSTER;
  guint64 end = (offset + length + CLUSTER - 1) / CLUSTER;
  Run *last = self->runs->len ? &g_array_index (self->runs, Run, self->runs->len - 1) : NULL;

  if (last != NULL && first <= last->first + last->count)
    {
      last->count = MAX (last->first + last->count, end) - last->first;
      return;
    }
  Run run = { .first = first, .count = end - first };
  g_array_append_val (self->runs, run);
}

static void
add_l2_tables (VbQcow2View *self, const Run *run)
{
  for (guint64 i = run->first / L2_ENTRIES; i <= (run->first + run->count - 1) / L2_ENTRIES; i++)
    {
      guint n = self->l2_tables->len;
      if (n == 0 || g_array_index (self->l2_tables, guint64, n - 1) != i)
        g_array_append_val (self->l2_tables, i);
    }
}

static guint64
count_data (VbQcow2View *self)
{
  guint64 total = 0;

  for (guint i = 0; i < self->runs->len; i++)
    {
      Run *run = &g_array_index (self->runs, Run, i);
      run->before = total;
      total += run->count;
      if (run->count > 0)
        add_l2_tables (self, run);
    }
  return total;
}

static guint64
divide_up (guint64 value, guint64 by)
{
  return (value + by - 1) / by;
}

/* Refcounts cover themselves, so their number is found by trying until it is enough. */
static void
place (VbQcow2View *self, guint64 data)
{
  guint64 l1 = MAX (1, divide_up (self->l1_entries * 8, CLUSTER));
  guint64 rest = 1 + l1 + self->l2_tables->len + data;
  guint64 blocks = 1;
  guint64 table = 1;

  while (blocks * REFCOUNTS < rest + blocks + table)
    {
      blocks = divide_up (rest + blocks + table, REFCOUNTS);
      table = divide_up (blocks * 8, CLUSTER);
    }
  self->at.refcount_table = 1;
  self->at.refcount_blocks = self->at.refcount_table + table;
  self->at.l1 = self->at.refcount_blocks + blocks;
  self->at.l2 = self->at.l1 + l1;
  self->at.data = self->at.l2 + self->l2_tables->len;
  self->at.end = self->at.data + data;
}

guint64
vb_qcow2_view_freeze (VbQcow2View *self)
{
  self->l1_entries = divide_up (divide_up (self->size_bytes, CLUSTER), L2_ENTRIES);
  place (self, count_data (self));
  return self->at.end * CLUSTER;
}

/* --- what is in the tables --- */

static void
put32 (guint8 *at, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (at, &value, sizeof value);
}

static void
put64 (guint8 *at, guint64 value)
{
  value = GUINT64_TO_BE (value);
  memcpy (at, &value, sizeof value);
}

static void
fill_header (VbQcow2View *self, guint8 *cluster)
{
  put32 (cluster, MAGIC);
  put32 (cluster + 4, 3);
  put32 (cluster + 20, CLUSTER_BITS);
  put64 (cluster + 24, self->size_bytes);
  put32 (cluster + 36, (guint32) self->l1_entries);
  put64 (cluster + 40, self->at.l1 * CLUSTER);
  put64 (cluster + 48, self->at.refcount_table * CLUSTER);
  put32 (cluster + 56, (guint32) (self->at.refcount_blocks - self->at.refcount_table));
  put32 (cluster + 96, 4); /* refcounts of 16 bits */
  put32 (cluster + 100, HEADER_BYTES);
}

static void
fill_refcount_table (VbQcow2View *self, guint64 index, guint8 *cluster)
{
  guint64 blocks = self->at.l1 - self->at.refcount_blocks;

  for (guint64 i = 0; i < L2_ENTRIES && index * L2_ENTRIES + i < blocks; i++)
    put64 (cluster + i * 8, (self->at.refcount_blocks + index * L2_ENTRIES + i) * CLUSTER);
}

/* Every cluster of the image is used once. */
static void
fill_refcount_block (VbQcow2View *self, guint64 index, guint8 *cluster)
{
  for (guint64 i = 0; i < REFCOUNTS && index * REFCOUNTS + i < self->at.end; i++)
    cluster[i * 2 + 1] = 1;
}

static void
fill_l1 (VbQcow2View *self, guint64 index, guint8 *cluster)
{
  for (guint n = 0; n < self->l2_tables->len; n++)
    {
      guint64 entry = g_array_index (self->l2_tables, guint64, n);
      if (entry / L2_ENTRIES == index)
        put64 (cluster + entry % L2_ENTRIES * 8, (self->at.l2 + n) * CLUSTER | COPIED);
    }
}

/* Returns: the first run that ends behind @cluster */
static guint
find_run (VbQcow2View *self, guint64 cluster)
{
  guint low = 0;
  guint high = self->runs->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      const Run *run = &g_array_index (self->runs, Run, middle);
      if (run->first + run->count <= cluster)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static void
fill_l2 (VbQcow2View *self, guint64 index, guint8 *cluster)
{
  guint64 first = g_array_index (self->l2_tables, guint64, index) * L2_ENTRIES;

  for (guint n = find_run (self, first); n < self->runs->len; n++)
    {
      const Run *run = &g_array_index (self->runs, Run, n);
      if (run->first >= first + L2_ENTRIES)
        break;
      guint64 end = MIN (run->first + run->count, first + L2_ENTRIES);
      for (guint64 i = MAX (run->first, first); i < end; i++)
        put64 (cluster + (i - first) * 8,
               (self->at.data + run->before + i - run->first) * CLUSTER | COPIED);
    }
}

static void
fill (VbQcow2View *self, guint64 index, guint8 *cluster)
{
  memset (cluster, 0, CLUSTER);
  if (index < self->at.refcount_table)
    fill_header (self, cluster);
  else if (index < self->at.refcount_blocks)
    fill_refcount_table (self, index - self->at.refcount_table, cluster);
  else if (index < self->at.l1)
    fill_refcount_block (self, index - self->at.refcount_blocks, cluster);
  else if (index < self->at.l2)
    fill_l1 (self, index - self->at.l1, cluster);
  else
    fill_l2 (self, index - self->at.l2, cluster);
}

/* --- reading --- */

/* Returns: the run with the data cluster that has @before others before it */
static const Run *
find_data (VbQcow2View *self, guint64 before)
{
  guint low = 0;
  guint high = self->runs->len;

  while (high - low > 1)
    {
      guint middle = (low + high) / 2;
      if (g_array_index (self->runs, Run, middle).before <= before)
        low = middle;
      else
        high = middle;
    }
  return &g_array_index (self->runs, Run, low);
}

static gsize
read_data (VbQcow2View *self, guint64 offset, gsize length, guint64 *data_offset)
{
  guint64 before = offset / CLUSTER - self->at.data;
  const Run *run = find_data (self, before);
  guint64 left = (run->count - (before - run->before)) * CLUSTER - offset % CLUSTER;

  *data_offset = (run->first + before - run->before) * CLUSTER + offset % CLUSTER;
  return MIN (length, left);
}

gsize
vb_qcow2_view_read (VbQcow2View *self,
                    guint64 offset,
                    guint8 *buffer,
                    gsize length,
                    guint64 *data_offset)
{
  guint64 index = offset / CLUSTER;

  if (index >= self->at.data)
    return read_data (self, offset, length, data_offset);

  g_autofree guint8 *cluster = g_malloc (CLUSTER);
  gsize part = MIN (length, CLUSTER - offset % CLUSTER);
  fill (self, index, cluster);
  memcpy (buffer, cluster + offset % CLUSTER, part);
  *data_offset = G_MAXUINT64;
  return part;
}
