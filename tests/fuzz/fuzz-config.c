/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The config file: refused with a sentence that names the file, or with every value within its
 * bounds. */
#include <string.h>

#include "fuzz.h"
#include "module/vb-config.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbConfig) config = vb_config_parse ("vb.conf", (const char *) data, size, &error);

  g_assert_true ((config == NULL) == (error != NULL));
  if (config == NULL)
    {
      g_assert_nonnull (strstr (error->message, "vb.conf"));
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return 0;
    }

  g_assert_cmpuint (config->max_connections, >, 0);
  g_assert_cmpuint (config->settings.max_concurrent, >, 0);
  g_assert_nonnull (config->state_folder);
  g_assert_nonnull (config->pool_path);
  return 0;
}
