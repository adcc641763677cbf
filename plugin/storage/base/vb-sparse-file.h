/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Zeros are looked for, and become holes, in blocks of this size: smaller ones would tear the file
 * to pieces. */
#define VB_SPARSE_BLOCK_BYTES (64 * 1024)

/**
 * VbSparseFile:
 *
 * A raw image that is read or written from several threads at once, as long as their parts do not
 * overlap. Where the file system can, this goes past the page cache: the cache would only cost a
 * copy, push out what others need, and stop the writers for seconds whenever too much of it is
 * dirty.
 */
typedef struct _VbSparseFile VbSparseFile;

/**
 * vb_sparse_file_new:
 * @fd: (transfer full): a descriptor of the image, open for reading and writing
 *
 * Returns: (transfer full): a writer
 */
VbSparseFile *vb_sparse_file_new (int fd);

/** vb_sparse_file_new_for_reading: @fd: (transfer none): a descriptor of the image, open for
 * reading */
VbSparseFile *vb_sparse_file_new_for_reading (int fd);

/** vb_sparse_file_free: closes it, without a sync */
void vb_sparse_file_free (VbSparseFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSparseFile, vb_sparse_file_free)

/** vb_sparse_file_get_fd: Returns: its descriptor, for reading and for what is not writing */
int vb_sparse_file_get_fd (VbSparseFile *self);

/** vb_sparse_file_alloc: Returns: (transfer full) (nullable): memory that it can read to and write
 * from without copying, for free(); %NULL with %VB_ERROR_INTERNAL when there is none left */
void *vb_sparse_file_alloc (gsize length, GError **error);

/**
 * vb_sparse_file_write:
 * @data: what is to be at @offset
 * @over_data: whether the file may hold older data there, so that zeros must be punched rather than
 * left out
 *
 * Writes and leaves holes for blocks of zeros.
 *
 * Returns: bytes written, or -1 with @error set
 */
gssize vb_sparse_file_write (VbSparseFile *self,
                             const void *data,
                             gsize length,
                             guint64 offset,
                             gboolean over_data,
                             GError **error);

/** vb_sparse_file_read: reads exactly @length bytes. Returns: %FALSE with errno set */
gboolean vb_sparse_file_read (VbSparseFile *self, void *data, gsize length, guint64 offset);

/** vb_sparse_file_write_all: writes zeros as well. Returns: %FALSE with errno set */
gboolean
vb_sparse_file_write_all (VbSparseFile *self, const void *data, gsize length, guint64 offset);

/** vb_sparse_file_punch: makes a hole or, where there can be none, zeros */
gboolean vb_sparse_file_punch (VbSparseFile *self, guint64 offset, guint64 length, GError **error);

/** vb_sparse_file_sync: waits until all is on stable storage */
gboolean vb_sparse_file_sync (VbSparseFile *self, GError **error);

/** vb_sparse_file_clone: makes the empty file @to share all extents of @from. Returns: %FALSE with
 * errno set */
gboolean vb_sparse_file_clone (int from, int to);

/** vb_sparse_file_clone_rest: makes @to, of the same size, share the extents of @from beginning at
 * @offset. Returns: %FALSE with errno set */
gboolean vb_sparse_file_clone_rest (int from, int to, guint64 offset);

/**
 * vb_sparse_file_take_little:
 * @fd: a file that shares extents with another
 *
 * A hint: writes over shared extents take the room that they need and no more. XFS takes 128 KiB
 * for each, so that scattered changes cost twice what they are, and gives back what is too much
 * half an hour later.
 */
void vb_sparse_file_take_little (int fd);

/** vb_sparse_file_can_clone: tries whether files in the open folder @folder can share extents */
gboolean vb_sparse_file_can_clone (int folder);

G_END_DECLS
