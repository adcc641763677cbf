/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifests: names of files that it yields stay in their folder, and what is written is read
 * again. */
#include <string.h>

#include "fuzz.h"
#include "storage/layout/vb-manifest.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbManifest) manifest = vb_manifest_parse ((const char *) data, size, &error);
  g_autoptr (VbManifest) again = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_again = NULL;

  g_assert_true ((manifest == NULL) == (error != NULL));
  if (manifest == NULL)
    return 0;

  g_assert_cmpuint (manifest->info->disks->len, ==, manifest->formats->len);
  for (guint i = 0; i < manifest->info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (manifest->info->disks, i);
      g_autofree char *image = vb_manifest_image_name (disk->target);

      g_assert_null (strchr (image, '/'));
      g_assert_true (image[0] != '.');
    }

  text = vb_manifest_to_text (manifest);
  again = vb_manifest_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  text_again = vb_manifest_to_text (again);
  g_assert_cmpstr (text, ==, text_again);
  return 0;
}
