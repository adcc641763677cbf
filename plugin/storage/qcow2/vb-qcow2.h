/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "storage/base/vb-sparse-file.h"

G_BEGIN_DECLS

/**
 * VbQcow2Options:
 * @version: 2 (compat=0.10) or 3 (compat=1.1)
 * @virtual_size_bytes: what the guest sees
 * @cluster_bytes: 512 to 2 MiB
 * @refcount_order: width of a reference count is 2 to this power bits
 * @lazy_refcounts: the option of that name
 * @extended_l2: the option of that name
 * @compression_type: the option of that name, as its number
 *
 * How a qcow2 image is laid out.
 */
typedef struct
{
  guint version;
  guint64 virtual_size_bytes;
  guint64 cluster_bytes;
  guint refcount_order;
  gboolean lazy_refcounts;
  gboolean extended_l2;
  guint8 compression_type;
} VbQcow2Options;

/**
 * vb_qcow2_options_read:
 * @fd: a qcow2 image, which may be in use
 *
 * Returns: %FALSE with %VB_ERROR_UNSUPPORTED_DISK when it is no qcow2 image or one that we cannot
 *   make another of (encrypted, external data file, unknown features)
 */
gboolean vb_qcow2_options_read (int fd, VbQcow2Options *options, GError **error);

/**
 * VbQcow2Writer:
 *
 * Writes a new qcow2 image from beginning to end, as fast as a plain file: data goes where it
 * falls, one cluster after the other, tables follow, and the header comes last, so that what is not
 * complete is no image. qemu-nbd and qemu-img would need two to four times as long, because they
 * keep the image usable all the time.
 */
typedef struct _VbQcow2Writer VbQcow2Writer;

/**
 * vb_qcow2_writer_new:
 * @file: (transfer none): an empty file, which must outlive the writer
 *
 * Returns: (transfer full): a writer
 */
VbQcow2Writer *vb_qcow2_writer_new (VbSparseFile *file, const VbQcow2Options *options);
void vb_qcow2_writer_free (VbQcow2Writer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbQcow2Writer, vb_qcow2_writer_free)

/**
 * vb_qcow2_writer_write:
 * @offset: where the guest sees it; a multiple of the cluster size
 * @length: a multiple of the cluster size, except at the end of the disk
 *
 * Clusters of zeros stay unallocated. Each cluster may be written once. Thread-safe.
 */
gboolean vb_qcow2_writer_write (VbQcow2Writer *self,
                                const guint8 *data,
                                gsize length,
                                guint64 offset,
                                GError **error);

/** vb_qcow2_writer_finish: writes tables and header, and syncs all */
gboolean vb_qcow2_writer_finish (VbQcow2Writer *self, GError **error);

/** vb_qcow2_get_overhead: Returns: bytes of tables at most for @data_bytes of data */
guint64 vb_qcow2_get_overhead (const VbQcow2Options *options, guint64 data_bytes);

G_END_DECLS
