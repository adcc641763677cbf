/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-domain-files.h"

#include <string.h>

#include "storage/base/vb-files.h"
#include "storage/layout/vb-nvram.h"

#define XML_FILE "domain.xml"

struct _VbDomainFiles
{
  char *xml;
  char *nvram;
  gsize nvram_length;
};

static gboolean
read_nvram (VbDomainFiles *self, const char *path, GError **error)
{
  if (path == NULL)
    return TRUE;
  self->nvram = vb_nvram_read (path, &self->nvram_length, error);
  return self->nvram != NULL;
}

VbDomainFiles *
vb_domain_files_new (const VbCapture *capture, GError **error)
{
  g_autoptr (VbDomainFiles) self = g_new0 (VbDomainFiles, 1);

  self->xml = g_strdup (capture->domain_xml ? capture->domain_xml : "");
  return read_nvram (self, capture->nvram_path, error) ? g_steal_pointer (&self) : NULL;
}

void
vb_domain_files_free (VbDomainFiles *self)
{
  g_free (self->xml);
  g_free (self->nvram);
  g_free (self);
}

/* What an earlier run has written. */
static gboolean
describe_nvram (int folder, VbManifest *manifest, GError **error)
{
  gsize length;

  manifest->has_nvram = vb_files_exists (folder, VB_NVRAM_FILE);
  g_autofree char *nvram = manifest->has_nvram ? vb_files_read (folder, VB_NVRAM_FILE,
                                                                VB_NVRAM_MAX_BYTES, &length, error)
                                               : NULL;
  if (nvram == NULL)
    return !manifest->has_nvram;
  manifest->nvram_sum = vb_nvram_sum (nvram, length);
  return TRUE;
}

gboolean
vb_domain_files_write (VbDomainFiles *self,
                       int folder,
                       gboolean keep,
                       VbManifest *manifest,
                       GError **error)
{
  g_clear_pointer (&manifest->nvram_sum, g_free);
  /* The XML is written last: where it is, all is. */
  if (keep && vb_files_exists (folder, XML_FILE))
    return describe_nvram (folder, manifest, error);
  manifest->has_nvram = self->nvram != NULL;
  manifest->nvram_sum = self->nvram ? vb_nvram_sum (self->nvram, self->nvram_length) : NULL;
  return (self->nvram == NULL
          || vb_files_replace (folder, VB_NVRAM_FILE, self->nvram, self->nvram_length, error))
         && vb_files_replace (folder, XML_FILE, self->xml, strlen (self->xml), error);
}
