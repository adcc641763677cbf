/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-claim-spares.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/base/vb-files.h"

/* So many operations can begin on a full pool at the same time. */
#define SPARES 4

static char *
spare_name (guint number)
{
  return g_strdup_printf ("spare.%u", number);
}

void
vb_claim_spares_fill (int folder, gsize length)
{
  g_autofree char *text = g_malloc (length);

  memset (text, '\n', length); /* a hole would hold no block */
  for (guint i = 0; i < SPARES; i++)
    {
      g_autofree char *name = spare_name (i);
      if (!vb_files_exists (folder, name) && !vb_files_replace (folder, name, text, length, NULL))
        return;
    }
}

static gboolean
overwrite (int folder, const char *name, const char *text, gsize length)
{
  vb_autofd int fd = vb_files_open (folder, name, O_RDWR, NULL);
  return fd >= 0 && vb_files_pwrite (fd, text, length, 0) && vb_files_sync (fd, name, NULL);
}

gboolean
vb_claim_spares_use (int folder, const char *name, const char *text, gsize length)
{
  for (guint i = 0; i < SPARES; i++)
    {
      g_autofree char *spare = spare_name (i);
      /* Only one of several hosts can rename it. */
      if (renameat (folder, spare, folder, name) != 0)
        continue;
      if (overwrite (folder, name, text, length))
        return TRUE;
      (void) unlinkat (folder, name, 0);
    }
  return FALSE;
}
