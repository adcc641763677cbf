/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers and bitmaps of qcow2 images: damaged ones are an error and never more. */
#include <unistd.h>

#include "fuzz.h"
#include "libvirt/checkpoint/vb-qcow2-bitmap.h"
#include "storage/qcow2/vb-qcow2.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("vb-fuzz-XXXXXX", &path, NULL);
  g_autoptr (GError) error = NULL;
  VbQcow2Options options;
  guint64 bytes = 0;

  g_assert_cmpint (write (fd, data, size), ==, (gssize) size);
  if (vb_qcow2_options_read (fd, &options, &error))
    {
      g_assert_cmpuint (options.cluster_bytes, >=, 512);
      g_assert_cmpuint (options.cluster_bytes, <=, 2 * 1024 * 1024);
      g_assert_true (options.version == 2 || options.version == 3);
    }
  g_clear_error (&error);
  if (!vb_qcow2_bitmap_count (path, "vps-backup.x", &bytes, &error))
    g_assert_nonnull (error);
  close (fd);
  unlink (path);
  return 0;
}
