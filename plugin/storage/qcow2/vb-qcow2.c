/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-qcow2.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "vb-qcow2-tables.h"

/* See docs/interop/qcow2.txt of QEMU for the format; all integers are big-endian. */
#define MAGIC 0x514649fb /* "QFI\xfb" */
#define HEADER_V2_BYTES 72
#define HEADER_V3_BYTES 104
#define HEADER_COMPRESSION_BYTES 112 /* with the compression type and its padding */

#define INCOMPATIBLE_DIRTY (1u << 0)
#define INCOMPATIBLE_CORRUPT (1u << 1)
#define INCOMPATIBLE_DATA_FILE (1u << 2)
#define INCOMPATIBLE_COMPRESSION (1u << 3)
#define INCOMPATIBLE_EXTENDED_L2 (1u << 4)
#define COMPATIBLE_LAZY_REFCOUNTS (1u << 0)

#define MIN_CLUSTER_BITS 9
#define MAX_CLUSTER_BITS 21
#define DEFAULT_REFCOUNT_ORDER 4
#define MAX_REFCOUNT_ORDER 6

/* By so much the file is made longer at once. */
#define GROW_BYTES (G_GUINT64_CONSTANT (256) << 20)

/* Of larger clusters those of tables stay mostly holes. */
#define MAX_PREALLOCATED_CLUSTER (64 * 1024)

/* The reference count of what this entry points to is exactly one. */
#define COPIED (G_GUINT64_CONSTANT (1) << 63)

/* With extended L2 entries: all 32 parts of the cluster are allocated. */
#define ALL_SUBCLUSTERS G_GUINT64_CONSTANT (0xffffffff)

typedef struct
{
  guint32 magic;
  guint32 version;
  guint64 backing_file_offset;
  guint32 backing_file_size;
  guint32 cluster_bits;
  guint64 size;
  guint32 crypt_method;
  guint32 l1_size;
  guint64 l1_table_offset;
  guint64 refcount_table_offset;
  guint32 refcount_table_clusters;
  guint32 nb_snapshots;
  guint64 snapshots_offset;
  guint64 incompatible_features;
  guint64 compatible_features;
  guint64 autoclear_features;
  guint32 refcount_order;
  guint32 header_length;
  guint8 compression_type;
  guint8 padding[7];
} Header;

G_STATIC_ASSERT (sizeof (Header) == HEADER_COMPRESSION_BYTES);

struct _VbQcow2Writer
{
  VbSparseFile *file;
  VbQcow2Options options;
  VbQcow2Tables *tables;
  guint64 l2_entries; /* in a table, which fills one cluster */

  GMutex mutex; /* protects the rest */
  guint64 *l1;  /* host byte order, without flags */
  guint64 l1_size;
  guint64 next_cluster; /* number of the first one that is not in use */
  guint64 file_bytes;   /* how long the file is for now */
};

/* --- options --- */

static gboolean
unsupported (GError **error, const char *reason)
{
  g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, "The disk %s", reason);
  return FALSE;
}

gboolean
vb_qcow2_options_read (int fd, VbQcow2Options *options, GError **error)
{
  Header header = { 0 };
  guint64 features = 0;

  if (!vb_files_pread (fd, &header, HEADER_V2_BYTES, 0) || GUINT32_FROM_BE (header.magic) != MAGIC)
    return unsupported (error, "is not a qcow2 image");
  *options = (VbQcow2Options){ .version = GUINT32_FROM_BE (header.version),
                               .virtual_size_bytes = GUINT64_FROM_BE (header.size),
                               .refcount_order = DEFAULT_REFCOUNT_ORDER };
  guint cluster_bits = GUINT32_FROM_BE (header.cluster_bits);
  if (options->version < 2 || options->version > 3 || cluster_bits < MIN_CLUSTER_BITS
      || cluster_bits > MAX_CLUSTER_BITS)
    return unsupported (error, "has a qcow2 version that is not known here");
  options->cluster_bytes = G_GUINT64_CONSTANT (1) << cluster_bits;
  if (header.crypt_method != 0)
    return unsupported (error, "is encrypted");

  if (options->version == 3)
    {
      /* What follows the plain header reads as zeros in images that lack it: clusters are at least
       * 512 bytes. */
      if (!vb_files_pread (fd, &header, sizeof header, 0))
        return unsupported (error, "has no complete qcow2 header");
      features = GUINT64_FROM_BE (header.incompatible_features);
      options->refcount_order = GUINT32_FROM_BE (header.refcount_order);
      options->lazy_refcounts
          = (GUINT64_FROM_BE (header.compatible_features) & COMPATIBLE_LAZY_REFCOUNTS) != 0;
      options->extended_l2 = (features & INCOMPATIBLE_EXTENDED_L2) != 0;
      options->compression_type = features & INCOMPATIBLE_COMPRESSION ? header.compression_type : 0;
    }
  if (features & INCOMPATIBLE_DATA_FILE)
    return unsupported (error, "keeps its data in another file");
  if (features
      & ~(guint64) (INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT | INCOMPATIBLE_COMPRESSION
                    | INCOMPATIBLE_EXTENDED_L2))
    return unsupported (error, "has qcow2 features that are not known here");
  if (options->refcount_order > MAX_REFCOUNT_ORDER)
    return unsupported (error, "has an invalid qcow2 header");
  return TRUE;
}

static guint64
divide_up (guint64 number, guint64 by)
{
  return (number + by - 1) / by;
}

static guint64
entries_of (const VbQcow2Options *options)
{
  return options->cluster_bytes / (options->extended_l2 ? 2 * sizeof (guint64) : sizeof (guint64));
}

guint64
vb_qcow2_get_overhead (const VbQcow2Options *options, guint64 data_bytes)
{
  guint64 l2_covers = options->cluster_bytes * entries_of (options);
  guint64 l2_tables = divide_up (options->virtual_size_bytes, l2_covers);
  guint64 data_clusters = divide_up (data_bytes, options->cluster_bytes);

  /* Every L2 table that the data can need, the L1 table, reference counts of it all, and some
   * clusters of headers. */
  guint64 tables
      = MIN (l2_tables, data_clusters) * options->cluster_bytes + l2_tables * sizeof (guint64);
  guint64 counts
      = ((data_clusters + divide_up (tables, options->cluster_bytes)) << options->refcount_order)
        / 8;
  return tables + counts + 8 * options->cluster_bytes;
}

/* --- writing --- */

VbQcow2Writer *
vb_qcow2_writer_new (VbSparseFile *file, const VbQcow2Options *options)
{
  VbQcow2Writer *self = g_new0 (VbQcow2Writer, 1);
  self->file = file;
  self->options = *options;
  self->tables = vb_qcow2_tables_new (file, options->cluster_bytes);
  self->l2_entries = entries_of (options);
  self->l1_size
      = divide_up (options->virtual_size_bytes, options->cluster_bytes * self->l2_entries);
  self->l1 = g_new0 (guint64, self->l1_size);
  self->next_cluster = 1; /* behind the header */
  g_mutex_init (&self->mutex);
  return self;
}

void
vb_qcow2_writer_free (VbQcow2Writer *self)
{
  vb_qcow2_tables_free (self->tables);
  g_mutex_clear (&self->mutex);
  g_free (self->l1);
  g_free (self);
}

static gboolean
put (VbQcow2Writer *self, const void *data, gsize length, guint64 offset, GError **error)
{
  if (vb_sparse_file_write_all (self->file, data, length, offset))
    return TRUE;
  vb_error_set_errno (error, errno, "Failed to write the new disk");
  return FALSE;
}

/* With the mutex held. Returns: number of the first of @count clusters in a row */
static guint64
take_clusters_locked (VbQcow2Writer *self, guint64 count)
{
  guint64 first = self->next_cluster;
  self->next_cluster += count;

  /* Direct writes within a file can go on at the same time, those that make it longer cannot: make
   * it longer now. With some file systems they must find blocks there as well. */
  int fd = vb_sparse_file_get_fd (self->file);
  guint64 end = self->next_cluster * self->options.cluster_bytes, before = self->file_bytes;
  if (end > before)
    {
      self->file_bytes = end + GROW_BYTES;
      if (self->options.cluster_bytes > MAX_PREALLOCATED_CLUSTER
          || fallocate (fd, 0, (off_t) before, (off_t) (self->file_bytes - before)) != 0)
        (void) !ftruncate (fd, (off_t) self->file_bytes);
    }
  return first;
}

static guint64
take_clusters (VbQcow2Writer *self, guint64 count)
{
  g_mutex_lock (&self->mutex);
  guint64 first = take_clusters_locked (self, count);
  g_mutex_unlock (&self->mutex);
  return first;
}

/* Returns: where the L2 table for the guest's cluster @cluster is */
static guint64
take_l2_table (VbQcow2Writer *self, guint64 cluster)
{
  guint64 index = cluster / self->l2_entries;

  g_mutex_lock (&self->mutex);
  if (self->l1[index] == 0)
    self->l1[index] = take_clusters_locked (self, 1) * self->options.cluster_bytes;
  guint64 table = self->l1[index];
  g_mutex_unlock (&self->mutex);
  return table;
}

/* Says that @count of the guest's clusters from @cluster on are found from @host on. */
static gboolean
map_clusters (VbQcow2Writer *self, guint64 cluster, guint64 host, guint64 count, GError **error)
{
  gsize width = self->options.extended_l2 ? 2 : 1;

  while (count > 0)
    {
      guint64 slot = cluster % self->l2_entries, n = MIN (count, self->l2_entries - slot);
      guint64 table = take_l2_table (self, cluster);
      g_autofree guint64 *entries = g_new (guint64, n * width);
      for (guint64 i = 0; i < n; i++)
        {
          entries[i * width] = GUINT64_TO_BE (((host + i) * self->options.cluster_bytes) | COPIED);
          if (width == 2)
            entries[i * width + 1] = GUINT64_TO_BE (ALL_SUBCLUSTERS);
        }
      gsize bytes = sizeof (guint64) * width;
      if (!vb_qcow2_tables_set (self->tables, table, slot * bytes, entries, n * bytes, error))
        return FALSE;
      cluster += n;
      host += n;
      count -= n;
    }
  return TRUE;
}

gboolean
vb_qcow2_writer_write (VbQcow2Writer *self,
                       const guint8 *data,
                       gsize length,
                       guint64 offset,
                       GError **error)
{
  guint64 cluster_bytes = self->options.cluster_bytes;

  for (gsize at = 0; at < length;)
    {
      gsize end = at;
      while (end < length && !vb_files_is_zero (data + end, MIN (cluster_bytes, length - end)))
        end = MIN (end + cluster_bytes, length);
      if (end > at)
        {
          guint64 count = divide_up (end - at, cluster_bytes);
          guint64 host = take_clusters (self, count);
          if (!put (self, data + at, end - at, host * cluster_bytes, error)
              || !map_clusters (self, (offset + at) / cluster_bytes, host, count, error))
            return FALSE;
        }
      at = end + cluster_bytes; /* the one that is zeros, or the end */
    }
  return TRUE;
}

/* --- finishing --- */

static guint64
counts_per_block (const VbQcow2Writer *self)
{
  return (self->options.cluster_bytes * 8) >> self->options.refcount_order;
}

/* One reference to each of the first @count clusters of a block. */
static void
fill_counts (const VbQcow2Writer *self, guint8 *block, guint64 count)
{
  guint order = self->options.refcount_order;

  memset (block, 0, self->options.cluster_bytes);
  for (guint64 i = 0; i < count; i++)
    if (order < 3)
      block[(i << order) / 8] |= (guint8) (1u << ((i << order) % 8));
    else
      block[(((i + 1) << order) / 8) - 1] = 1; /* the last byte is the lowest */
}

static gboolean
write_table (VbQcow2Writer *self,
             const guint64 *entries,
             guint64 n,
             guint64 flags,
             guint64 offset,
             GError **error)
{
  g_autofree guint64 *table = g_new (guint64, n);
  for (guint64 i = 0; i < n; i++)
    table[i] = entries[i] ? GUINT64_TO_BE (entries[i] | flags) : 0;
  return put (self, table, n * sizeof (guint64), offset, error);
}

static gboolean
write_refcounts (VbQcow2Writer *self,
                 guint64 *table_offset,
                 guint32 *table_clusters,
                 GError **error)
{
  guint64 cluster_bytes = self->options.cluster_bytes, per_block = counts_per_block (self);
  guint64 in_use = self->next_cluster, blocks = 0, clusters = 0, total;

  /* The blocks and their table are counted in them as well. */
  do
    {
      total = in_use + blocks + clusters;
      blocks = divide_up (total, per_block);
      clusters = divide_up (blocks * sizeof (guint64), cluster_bytes);
  } while (total != in_use + blocks + clusters);

  guint64 first_block = take_clusters (self, blocks);
  *table_offset = take_clusters (self, clusters) * cluster_bytes;
  *table_clusters = (guint32) clusters;

  g_autofree guint64 *table = g_new (guint64, blocks);
  g_autofree guint8 *block = g_malloc (cluster_bytes);
  for (guint64 i = 0; i < blocks; i++)
    {
      table[i] = (first_block + i) * cluster_bytes;
      fill_counts (self, block, MIN (per_block, total - i * per_block));
      if (!put (self, block, cluster_bytes, table[i], error))
        return FALSE;
    }
  return write_table (self, table, blocks, 0, *table_offset, error);
}

static gboolean
write_header (VbQcow2Writer *self, Header *header, GError **error)
{
  const VbQcow2Options *options = &self->options;
  gboolean compression = options->compression_type != 0;
  guint64 incompatible = (compression ? INCOMPATIBLE_COMPRESSION : 0)
                         | (options->extended_l2 ? INCOMPATIBLE_EXTENDED_L2 : 0);
  guint64 compatible = options->lazy_refcounts ? COMPATIBLE_LAZY_REFCOUNTS : 0;
  guint32 length = options->version == 2 ? HEADER_V2_BYTES : HEADER_COMPRESSION_BYTES;

  header->magic = GUINT32_TO_BE (MAGIC);
  header->version = GUINT32_TO_BE (options->version);
  header->cluster_bits = GUINT32_TO_BE ((guint32) g_bit_nth_lsf (options->cluster_bytes, -1));
  header->size = GUINT64_TO_BE (options->virtual_size_bytes);
  header->incompatible_features = GUINT64_TO_BE (incompatible);
  header->compatible_features = GUINT64_TO_BE (compatible);
  header->refcount_order = GUINT32_TO_BE (options->refcount_order);
  header->header_length = GUINT32_TO_BE (length);
  header->compression_type = options->compression_type;
  return put (self, header, length, 0, error);
}

gboolean
vb_qcow2_writer_finish (VbQcow2Writer *self, GError **error)
{
  Header header = { 0 };
  guint64 cluster_bytes = self->options.cluster_bytes, table_offset;
  guint32 table_clusters;

  /* Never without a cluster: QEMU wants an L1 table even for a disk of no bytes. */
  guint64 l1_clusters = MAX (1, divide_up (self->l1_size * sizeof (guint64), cluster_bytes));
  guint64 l1_offset = take_clusters (self, l1_clusters) * cluster_bytes;
  if (!vb_qcow2_tables_flush (self->tables, error)
      || !write_table (self, self->l1, self->l1_size, COPIED, l1_offset, error)
      || !write_refcounts (self, &table_offset, &table_clusters, error))
    return FALSE;
  header.l1_size = GUINT32_TO_BE ((guint32) self->l1_size);
  header.l1_table_offset = GUINT64_TO_BE (l1_offset);
  header.refcount_table_offset = GUINT64_TO_BE (table_offset);
  header.refcount_table_clusters = GUINT32_TO_BE (table_clusters);

  /* The last clusters may be cut short: the file must hold all that is counted. */
  int fd = vb_sparse_file_get_fd (self->file);
  if (ftruncate (fd, (off_t) (self->next_cluster * cluster_bytes)) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to write the new disk");
      return FALSE;
    }
  return vb_sparse_file_sync (self->file, error) && write_header (self, &header, error)
         && vb_sparse_file_sync (self->file, error);
}
