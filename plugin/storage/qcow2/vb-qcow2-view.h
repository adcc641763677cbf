/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define VB_QCOW2_VIEW_CLUSTER_BYTES (64 * 1024)

/**
 * VbQcow2View:
 *
 * A stand-alone qcow2 image (version 3, no backing file) over raw data that lies elsewhere: tables
 * first, then the clusters that hold data, in the order of the disk. Nothing of it is stored: each
 * byte is computed from where the data is, so the length is known before anything is read and any
 * part can be read again.
 *
 * Format: QEMU's docs/interop/qcow2.txt. Constant once it is frozen, then any thread may read.
 */
typedef struct _VbQcow2View VbQcow2View;

/** vb_qcow2_view_new: @size_bytes: of the disk; a size that is no multiple of 512 is rounded up */
VbQcow2View *vb_qcow2_view_new (guint64 size_bytes);
void vb_qcow2_view_free (VbQcow2View *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbQcow2View, vb_qcow2_view_free)

/** vb_qcow2_view_add: there is data from @offset on; in ascending order, before it is frozen */
void vb_qcow2_view_add (VbQcow2View *self, guint64 offset, guint64 length);

/** vb_qcow2_view_freeze: ends adding. Returns: bytes of the image */
guint64 vb_qcow2_view_freeze (VbQcow2View *self);

/**
 * vb_qcow2_view_read:
 * @offset: within the image
 * @buffer: gets what is computed
 * @length: how much is wanted
 * @data_offset: (out): where on the disk the data is, if it is data
 *
 * Returns: how many bytes from @offset on are of one kind; either they are in @buffer and
 * @data_offset is %G_MAXUINT64, or they are data of the disk at @data_offset, for the caller to
 * read
 */
gsize vb_qcow2_view_read (VbQcow2View *self,
                          guint64 offset,
                          guint8 *buffer,
                          gsize length,
                          guint64 *data_offset);

G_END_DECLS
