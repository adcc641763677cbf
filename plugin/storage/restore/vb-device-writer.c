/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-device-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-image-reader.h"
#include "core/base/vb-safe-open.h"
#include "storage/base/vb-ranges.h"
#include "storage/base/vb-sparse-file.h"

struct _VbDeviceWriter
{
  char *target;
  int image;
  VbSums *sums;
  VbSparseFile *file;
  guint64 size_bytes;
  dev_t number;
};

/* O_EXCL: refused while it is mounted or part of something else. */
static int
open_device (const char *target, const char *path, guint64 *size, dev_t *number, GError **error)
{
  struct stat info;

  vb_autofd int fd = vb_safe_open_resolved (path, O_RDWR | O_EXCL);
  if (fd < 0 || fstat (fd, &info) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to open the device of %s", target);
      return -1;
    }
  if (!S_ISBLK (info.st_mode) || ioctl (fd, BLKGETSIZE64, size) != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, "The disk %s is not a block device",
                   target);
      return -1;
    }
  *number = info.st_rdev;
  return g_steal_fd (&fd);
}

gboolean
vb_device_writer_check_size (const char *target,
                             guint64 size_bytes,
                             guint64 needed_bytes,
                             GError **error)
{
  if (size_bytes >= needed_bytes)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE,
               "The device of %s has %" G_GUINT64_FORMAT
               " bytes, the backup needs %" G_GUINT64_FORMAT,
               target, size_bytes, needed_bytes);
  return FALSE;
}

VbDeviceWriter *
vb_device_writer_open (const char *target, const char *path, int backup, GError **error)
{
  g_autoptr (VbDeviceWriter) self = g_new0 (VbDeviceWriter, 1);

  self->target = g_strdup (target);
  self->image = vb_image_reader_open (backup, target, &self->sums, error);
  int fd
      = self->image >= 0 ? open_device (target, path, &self->size_bytes, &self->number, error) : -1;
  if (fd < 0)
    return NULL;
  self->file = vb_sparse_file_new (fd);
  return vb_device_writer_check_size (target, self->size_bytes, vb_sums_get_size (self->sums),
                                      error)
             ? g_steal_pointer (&self)
             : NULL;
}

void
vb_device_writer_free (VbDeviceWriter *self)
{
  vb_fd_clear (&self->image);
  g_clear_pointer (&self->sums, vb_sums_unref);
  g_clear_pointer (&self->file, vb_sparse_file_free);
  g_free (self->target);
  g_free (self);
}

dev_t
vb_device_writer_get_number (VbDeviceWriter *self)
{
  return self->number;
}

gboolean
vb_device_writer_get_todo (VbDeviceWriter *self, guint64 *bytes, GError **error)
{
  return vb_image_reader_get_todo (self->image, self->sums, bytes, error);
}

static gboolean
sink_device (gpointer data, const guint8 *bytes, gsize length, guint64 offset, GError **error)
{
  return VB_FAULT_AROUND (vb_sparse_file_write (data, bytes, length, offset, TRUE, error) >= 0,
                          "device.write");
}

/* What the backup has as holes, and what the device has beyond its end. */
static gboolean
write_holes (VbSparseFile *file, int image, guint64 image_size, guint64 size, GError **error)
{
  const VbRange *range;
  g_autoptr (VbRanges) all = vb_ranges_new ();
  g_autoptr (VbRanges) data = vb_ranges_of_file (image, image_size, error);
  if (data == NULL)
    return FALSE;

  vb_ranges_add (all, 0, size);
  g_autoptr (VbRanges) holes = vb_ranges_subtract (all, data);
  for (gsize i = 0; (range = vb_ranges_get (holes, i)) != NULL; i++)
    if (!vb_sparse_file_punch (file, range->start, range->end - range->start, error))
      return FALSE;
  return TRUE;
}

gboolean
vb_device_writer_run (VbDeviceWriter *self, VbTransfer *transfer, GError **error)
{
  g_autoptr (GCancellable) never = g_cancellable_new ();

  if (write_holes (self->file, self->image, vb_sums_get_size (self->sums), self->size_bytes, error)
      && vb_image_reader_run (self->image, self->sums, VB_SUMS_CHUNK_BYTES, sink_device, self->file,
                              NULL, transfer, never, error)
      && vb_sparse_file_sync (self->file, error))
    return TRUE;
  g_prefix_error (error, "Failed to overwrite %s: ", self->target);
  return FALSE;
}
