/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbDiskFile:
 *
 * One disk of a backup as a file that can be handed out: a stand-alone image whose length is known
 * before its first byte is read. Reading blocks, as long as the pool does, and is for worker
 * threads, one at a time for each object; the rest is for any thread.
 */
#define VB_TYPE_DISK_FILE (vb_disk_file_get_type ())
G_DECLARE_INTERFACE (VbDiskFile, vb_disk_file, VB, DISK_FILE, GObject)

/**
 * VbDiskFileInterface:
 * @get_size: bytes of the file
 * @get_tag: (transfer none): names its content: two files with the same tag have the same bytes
 * @read: reads exactly @length bytes at @offset, checked against the backup's checksums:
 * %VB_ERROR_CHECKSUM_MISMATCH when they do not agree
 */
struct _VbDiskFileInterface
{
  GTypeInterface parent_iface;

  guint64 (*get_size) (VbDiskFile *self);
  const char *(*get_tag) (VbDiskFile *self);
  gboolean (*read) (VbDiskFile *self, guint64 offset, guint8 *buffer, gsize length, GError **error);
};

guint64 vb_disk_file_get_size (VbDiskFile *self);
const char *vb_disk_file_get_tag (VbDiskFile *self);
gboolean
vb_disk_file_read (VbDiskFile *self, guint64 offset, guint8 *buffer, gsize length, GError **error);

G_END_DECLS
