/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nvram-staging.h"

#include <errno.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"

gboolean
vb_nvram_stage (int backup, const VbManifest *manifest, VbStagedFile *file, GError **error)
{
  gsize length = 0;

  g_autofree char *data = vb_nvram_load (backup, manifest, &length, error);
  vb_autofd int fd = data ? vb_staged_file_create (file, error) : -1;
  if (fd < 0)
    return FALSE;
  if (!vb_files_pwrite (fd, data, length, 0))
    {
      vb_error_set_errno (error, errno, "Failed to write the UEFI variables");
      return FALSE;
    }
  return vb_files_sync (fd, "the UEFI variables", error);
}
