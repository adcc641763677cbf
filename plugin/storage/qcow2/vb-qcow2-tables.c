/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-qcow2-tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"

/* What is kept in memory: at least so much, and so many tables. Several units of the disk are under
 * way at a time, and in a sparse one they may belong to different tables. */
#define KEPT_BYTES (1024 * 1024)
#define KEPT_TABLES 16

/* What was not set stays a hole: a table may be as large as 2 MiB. */
#define BLOCK_BYTES 4096

struct _VbQcow2Tables
{
  VbSparseFile *file;
  gsize table_bytes;

  GMutex mutex; /* protects the rest */
  GHashTable
      *tables;  /* (element-type guint64 Table): by the place in the file; owned by the queue */
  GQueue *kept; /* (element-type Table): the oldest first */
};

typedef struct
{
  guint64 offset;
  guint8 *data;
  gsize start, end; /* what is to be written of it */
} Table;

static void
table_free (gpointer data)
{
  Table *table = data;
  free (table->data);
  g_free (table);
}

VbQcow2Tables *
vb_qcow2_tables_new (VbSparseFile *file, gsize table_bytes)
{
  VbQcow2Tables *self = g_new0 (VbQcow2Tables, 1);
  self->file = file;
  self->table_bytes = table_bytes;
  self->tables = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->kept = g_queue_new ();
  g_mutex_init (&self->mutex);
  return self;
}

void
vb_qcow2_tables_free (VbQcow2Tables *self)
{
  g_hash_table_unref (self->tables);
  g_queue_free_full (self->kept, table_free);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static gboolean
fail (GError **error)
{
  vb_error_set_errno (error, errno, "Failed to write the new disk");
  return FALSE;
}

/* With the mutex held. */
static gboolean
write_oldest (VbQcow2Tables *self, GError **error)
{
  Table *table = g_queue_peek_head (self->kept);
  gsize start = table->start / BLOCK_BYTES * BLOCK_BYTES;
  gsize end = MIN ((table->end + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES, self->table_bytes);

  if (!vb_sparse_file_write_all (self->file, table->data + start, end - start,
                                 table->offset + start))
    return fail (error);
  g_hash_table_remove (self->tables, &table->offset);
  table_free (g_queue_pop_head (self->kept));
  return TRUE;
}

/* With the mutex held. One that was written before comes back with what it held. */
static Table *
take_up (VbQcow2Tables *self, guint64 offset, GError **error)
{
  if (g_queue_get_length (self->kept) >= MAX (KEPT_TABLES, KEPT_BYTES / self->table_bytes)
      && !write_oldest (self, error))
    return NULL;

  guint8 *bytes = vb_sparse_file_alloc (self->table_bytes, error);
  if (bytes == NULL)
    return NULL;
  Table *table = g_new (Table, 1);
  table->offset = offset;
  table->start = self->table_bytes;
  table->end = 0;
  table->data = (gpointer) bytes;
  if (!vb_files_pread (vb_sparse_file_get_fd (self->file), table->data, self->table_bytes, offset))
    {
      table_free (table);
      fail (error);
      return NULL;
    }
  g_queue_push_tail (self->kept, table);
  g_hash_table_insert (self->tables, &table->offset, table);
  return table;
}

gboolean
vb_qcow2_tables_set (VbQcow2Tables *self,
                     guint64 offset,
                     gsize at,
                     const void *entries,
                     gsize length,
                     GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Table *table = g_hash_table_lookup (self->tables, &offset);

  if (table == NULL)
    table = take_up (self, offset, error);
  if (table == NULL)
    return FALSE;
  memcpy (table->data + at, entries, length);
  table->start = MIN (table->start, at);
  table->end = MAX (table->end, at + length);
  return TRUE;
}

gboolean
vb_qcow2_tables_flush (VbQcow2Tables *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  while (!g_queue_is_empty (self->kept))
    if (!write_oldest (self, error))
      return FALSE;
  return TRUE;
}
