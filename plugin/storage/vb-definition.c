/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-definition.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "vb-error.h"
#include "vb-files.h"

#define MAX_NVRAM_BYTES (64 * 1024 * 1024)
#define XML_FILE "domain.xml"
#define NVRAM_FILE "nvram.fd"

struct _VbDefinition
{
  char *xml;
  char *nvram;
  gsize nvram_length;
};

static gboolean
read_nvram (VbDefinition *self, const char *path, GError **error)
{
  if (path == NULL)
    return TRUE;
  g_autofree char *real = realpath (path, NULL);
  if (real == NULL)
    {
      vb_error_set_errno (error, errno, "Looking for the UEFI variables");
      return FALSE;
    }
  g_autofree char *name = g_path_get_basename (real);
  g_autofree char *parent = g_path_get_dirname (real);
  vb_autofd int folder = vb_files_open_folder (AT_FDCWD, parent, error);
  self->nvram = folder >= 0 ? vb_files_read (folder, name, MAX_NVRAM_BYTES, &self->nvram_length, error) : NULL;
  return self->nvram != NULL;
}

VbDefinition *
vb_definition_new (const VbCapture *capture, GError **error)
{
  g_autoptr (VbDefinition) self = g_new0 (VbDefinition, 1);

  self->xml = g_strdup (capture->domain_xml ? capture->domain_xml : "");
  return read_nvram (self, capture->nvram_path, error) ? g_steal_pointer (&self) : NULL;
}

void
vb_definition_free (VbDefinition *self)
{
  g_free (self->xml);
  g_free (self->nvram);
  g_free (self);
}

gboolean
vb_definition_write (VbDefinition *self, int folder, gboolean keep, gboolean *has_nvram, GError **error)
{
  /* The XML is written last: where it is, all is. */
  if (keep && vb_files_exists (folder, XML_FILE))
    {
      *has_nvram = vb_files_exists (folder, NVRAM_FILE);
      return TRUE;
    }
  *has_nvram = self->nvram != NULL;
  return (self->nvram == NULL || vb_files_replace (folder, NVRAM_FILE, self->nvram, self->nvram_length, error))
         && vb_files_replace (folder, XML_FILE, self->xml, strlen (self->xml), error);
}
