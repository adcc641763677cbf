/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-delta-disk.h"

#include <errno.h>
#include <fcntl.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-image-reader.h"
#include "storage/nbd/vb-nbd-server.h"
#include "storage/nbd/vb-nbd-source.h"
#include "storage/nbd/vb-nbd-target.h"
#include "storage/proof/vb-disk-proof.h"
#include "storage/qcow2/vb-qcow2-bitmaps.h"
#include "storage/base/vb-run-abandonable.h"
#include "storage/base/vb-sparse-file.h"
#include "storage/layout/vb-sums.h"

#define CHUNK VB_SUMS_CHUNK_BYTES
#define BITMAP_CONTEXT "qemu:dirty-bitmap:"
#define THROTTLE_STEP_US (50 * G_TIME_SPAN_MILLISECOND)

struct _VbDeltaDisk
{
  char *target;
  char *from; /* its name in the backup; known once looked at */
  char *image;
  char *format;
  VbImageChain *chain;
  char *bitmap;
  guint64 size_bytes;
  VbRanges *changed;
};

VbDeltaDisk *
vb_delta_disk_new (const char *target,
                   const char *image,
                   const char *format,
                   VbImageChain *chain,
                   const char *bitmap)
{
  VbDeltaDisk *self = g_new0 (VbDeltaDisk, 1);
  self->target = g_strdup (target);
  self->image = g_strdup (image);
  self->format = g_strdup (format);
  self->chain = vb_image_chain_ref (chain);
  self->bitmap = g_strdup (bitmap);
  return self;
}

void
vb_delta_disk_free (VbDeltaDisk *self)
{
  g_clear_pointer (&self->changed, vb_ranges_free);
  g_free (self->target);
  g_free (self->from);
  g_free (self->image);
  g_free (self->format);
  vb_image_chain_unref (self->chain);
  g_free (self->bitmap);
  g_free (self);
}

const char *
vb_delta_disk_get_target (VbDeltaDisk *self)
{
  return self->target;
}

const char *
vb_delta_disk_get_image (VbDeltaDisk *self)
{
  return self->image;
}

/* A sample that differs says nothing about the backup, which must not count as damaged. */
static gboolean
prove (VbDeltaDisk *self, VbNbdSource *source, int backup, GCancellable *stop, GError **error)
{
  g_autoptr (VbSums) sums = NULL;
  g_autoptr (GError) local = NULL;

  vb_autofd int image = vb_image_reader_open (backup, self->from, &sums, error);
  if (image < 0)
    return FALSE;
  if (vb_disk_proof_run (source, sums, self->changed, stop, &local))
    return TRUE;
  if (g_error_matches (local, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH))
    local->code = VB_ERROR_INTERNAL;
  g_propagate_prefixed_error (error, g_steal_pointer (&local), "%s: ", self->target);
  return FALSE;
}

gboolean
vb_delta_disk_look (VbDeltaDisk *self,
                    int backup,
                    const char *from,
                    guint64 *changed_bytes,
                    GCancellable *stop,
                    GError **error)
{
  g_autofree char *context = g_strconcat (BITMAP_CONTEXT, self->bitmap, NULL);

  g_free (self->from);
  self->from = g_strdup (from);

  g_autoptr (VbNbdServer) server = vb_nbd_server_start (self->chain, self->bitmap, error);
  if (server == NULL)
    return FALSE;
  g_autoptr (VbNbdSource) source
      = vb_nbd_source_open (vb_nbd_server_get_socket (server), NULL, context, stop, error);
  if (source == NULL || !vb_nbd_source_has_changed (source))
    {
      g_autofree char *complaint = vb_nbd_server_dup_complaint (server);
      if (source)
        g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "The bitmap is not there");
      g_prefix_error (error, "Failed to find what has changed on %s (%s): ", self->target,
                      complaint);
      return FALSE;
    }
  self->size_bytes = vb_nbd_source_get_size (source);
  self->changed = vb_nbd_source_scan_changed (source, stop, error);
  if (self->changed == NULL || !prove (self, source, backup, stop, error))
    return FALSE;
  *changed_bytes = vb_ranges_get_total (self->changed);
  return TRUE;
}

/* --- writing back --- */

typedef struct
{
  int image;
  VbSums *sums;
  VbNbdTarget *target;
  VbTransfer *transfer;
  GCancellable *stop;
  guint8 *chunk;
  guint64 loaded; /* number of the chunk that is in memory, checked */
} Writer;

static gboolean
load_chunk (Writer *writer, guint64 index, GError **error)
{
  if (index == writer->loaded)
    return TRUE;
  if (!vb_files_pread (writer->image, writer->chunk, vb_sums_get_length (writer->sums, index),
                       index * CHUNK))
    {
      vb_error_set_errno (error, errno, "Failed to read the backup");
      return FALSE;
    }
  if (!vb_sums_matches (writer->sums, index, writer->chunk))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
                   "MiB %" G_GUINT64_FORMAT " of the backup is damaged", index);
      return FALSE;
    }
  writer->loaded = index;
  return TRUE;
}

static gboolean
wait_for_limit (Writer *writer, GError **error)
{
  gint64 pause_us;

  while (vb_run_abandonable_check (writer->stop, error))
    {
      pause_us = vb_transfer_throttle_us (writer->transfer);
      if (pause_us <= 0)
        return TRUE;
      g_usleep ((gulong) MIN (pause_us, THROTTLE_STEP_US));
    }
  return FALSE;
}

/* Part of one chunk. */
static gboolean
write_part (Writer *writer, guint64 start, guint64 end, GError **error)
{
  guint64 index = start / CHUNK;

  if (!wait_for_limit (writer, error) || !load_chunk (writer, index, error))
    return FALSE;
  const guint8 *data = writer->chunk + (start - index * CHUNK);
  gboolean ok = vb_files_is_zero (data, end - start)
                    ? vb_nbd_target_zero (writer->target, start, end - start, error)
                    : vb_nbd_target_write (writer->target, data, end - start, start, error);
  vb_transfer_add (writer->transfer, end - start);
  return ok;
}

static gboolean
write_range (Writer *writer, const VbRange *range, GError **error)
{
  guint64 known = vb_sums_get_size (writer->sums), at = range->start;

  while (at < MIN (range->end, known))
    {
      guint64 end = MIN (MIN (range->end, known), (at / CHUNK + 1) * CHUNK);
      if (!write_part (writer, at, end, error))
        return FALSE;
      at = end;
    }
  /* What the disk has grown by since held nothing then. */
  if (at < range->end && !vb_nbd_target_zero (writer->target, at, range->end - at, error))
    return FALSE;
  vb_transfer_add (writer->transfer, range->end - at);
  return TRUE;
}

static gboolean
write_ranges (VbDeltaDisk *self, Writer *writer, GError **error)
{
  const VbRange *range;
  guint64 size = vb_nbd_target_get_size (writer->target);

  if (size != self->size_bytes || size < vb_sums_get_size (writer->sums))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "The disk %s has become smaller since the backup", self->target);
      return FALSE;
    }
  for (gsize i = 0; (range = vb_ranges_get (self->changed, i)) != NULL; i++)
    if (!write_range (writer, range, error))
      return FALSE;
  return vb_nbd_target_close (writer->target, error);
}

static gboolean
write_image (VbDeltaDisk *self, Writer *writer, const char *path, GError **error)
{
  /* Clusters that are written in part are filled up from what the guest sees below. */
  g_autoptr (VbImageChain) chain = vb_image_chain_with_top (self->chain, path, error);
  if (chain == NULL
      || (g_str_equal (self->format, "qcow2") && !vb_qcow2_remove_bitmaps (chain, error)))
    return FALSE;
  g_autoptr (VbNbdServer) server = vb_nbd_server_start_writable (chain, error);
  writer->target = server ? vb_nbd_target_open (vb_nbd_server_get_socket (server), error) : NULL;
  if (writer->target == NULL)
    return FALSE;
  gboolean ok = write_ranges (self, writer, error);
  g_clear_pointer (&writer->target, vb_nbd_target_free);
  return ok && vb_nbd_server_wait (server, error);
}

gboolean
vb_delta_disk_write_back (VbDeltaDisk *self,
                          int backup,
                          VbStagedFile *file,
                          VbTransfer *transfer,
                          GCancellable *stop,
                          GError **error)
{
  g_autoptr (VbSums) sums = NULL;
  g_autofree char *path = vb_staged_file_dup_new_path (file);
  g_autofree guint8 *chunk = g_malloc (CHUNK);

  vb_autofd int image = vb_image_reader_open (backup, self->from, &sums, error);
  vb_autofd int from = image >= 0 ? vb_staged_file_open_disk (file, error) : -1;
  vb_autofd int to = from >= 0 ? vb_staged_file_create (file, error) : -1;
  if (to < 0)
    return FALSE;
  if (!vb_sparse_file_clone (from, to))
    {
      vb_error_set_errno (error, errno, "Failed to clone %s", self->target);
      return FALSE;
    }
  Writer writer = { .image = image,
                    .sums = sums,
                    .transfer = transfer,
                    .stop = stop,
                    .chunk = chunk,
                    .loaded = G_MAXUINT64 };
  if (write_image (self, &writer, path, error))
    return vb_files_sync (to, "the new image", error);
  g_prefix_error (error, "Failed to write back %s: ", self->target);
  return FALSE;
}
