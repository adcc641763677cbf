/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-file.h"

G_DEFINE_INTERFACE (VbDiskFile, vb_disk_file, G_TYPE_OBJECT)

static void
vb_disk_file_default_init (VbDiskFileInterface *iface)
{
}

guint64
vb_disk_file_get_size (VbDiskFile *self)
{
  return VB_DISK_FILE_GET_IFACE (self)->get_size (self);
}

const char *
vb_disk_file_get_tag (VbDiskFile *self)
{
  return VB_DISK_FILE_GET_IFACE (self)->get_tag (self);
}

gboolean
vb_disk_file_read (VbDiskFile *self, guint64 offset, guint8 *buffer, gsize length, GError **error)
{
  return VB_DISK_FILE_GET_IFACE (self)->read (self, offset, buffer, length, error);
}
