/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nvram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <xxhash.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"

char *
vb_nvram_read (const char *path, gsize *length, GError **error)
{
  g_autofree char *real = realpath (path, NULL);
  if (real == NULL)
    {
      vb_error_set_errno (error, errno, "Failed to find the UEFI variables");
      return NULL;
    }
  g_autofree char *name = g_path_get_basename (real);
  g_autofree char *parent = g_path_get_dirname (real);
  vb_autofd int folder = vb_files_open_folder (AT_FDCWD, parent, error);
  return folder >= 0 ? vb_files_read (folder, name, VB_NVRAM_MAX_BYTES, length, error) : NULL;
}

char *
vb_nvram_sum (const char *data, gsize length)
{
  XXH128_hash_t sum = XXH3_128bits (data, length);
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x",
                          (guint64) sum.high64, (guint64) sum.low64);
}

char *
vb_nvram_load (int backup, const VbManifest *manifest, gsize *length, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *data = vb_files_read (backup, VB_NVRAM_FILE, VB_NVRAM_MAX_BYTES, length, &local);
  g_autofree char *sum = data ? vb_nvram_sum (data, *length) : NULL;

  /* Backups of earlier versions have no checksum of it. */
  if (sum && (manifest->nvram_sum == NULL || g_str_equal (sum, manifest->nvram_sum)))
    return g_steal_pointer (&data);
  g_set_error (error, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH,
               "The UEFI variables of the backup cannot be used: %s",
               local ? local->message : "their checksum is another");
  return NULL;
}
