/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbImageHeader:
 * @is_qcow2: whether it begins as a qcow2 image does; if not, the rest is empty
 * @version: 2 or 3
 * @has_data_file: whether its data is in another file
 * @n_snapshots: internal snapshots that it holds
 * @backing: (nullable): what it says is below it, in QEMU's words
 * @backing_format: (nullable): the format that it says that has
 *
 * What the header of a disk image says. It is the word of whoever may write to the image: nothing
 * in it is to be opened unless that is known to be somebody we trust.
 */
typedef struct
{
  gboolean is_qcow2;
  guint version;
  gboolean has_data_file;
  guint n_snapshots;
  char *backing;
  char *backing_format;
} VbImageHeader;

/**
 * vb_image_header_read:
 * @fd: an image; nothing but this is read
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): what it says; %NULL with %VB_ERROR_UNSUPPORTED_DISK when it
 * contradicts itself
 */
VbImageHeader *vb_image_header_read (int fd, GError **error);
void vb_image_header_free (VbImageHeader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbImageHeader, vb_image_header_free)

G_END_DECLS
