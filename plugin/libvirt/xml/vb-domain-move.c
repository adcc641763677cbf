/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-domain-move.h"

#include <unistd.h>

#include "core/model/vb-disk.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-domain-metadata.h"
#include "vb-xml.h"

static xmlNode *
find_first (xmlXPathContext *context, xmlNode *node, const char *path)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (context, node, path);

  return found != NULL && found->nodesetval != NULL && found->nodesetval->nodeNr > 0
             ? found->nodesetval->nodeTab[0]
             : NULL;
}

static void
remove_all (xmlXPathContext *context, xmlNode *node, const char *path)
{
  for (xmlNode *found; (found = find_first (context, node, path)) != NULL;)
    {
      xmlUnlinkNode (found);
      xmlFreeNode (found);
    }
}

static const VbDisk *
find_disk (GPtrArray *disks, const char *target)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);

      if (g_strcmp0 (disk->target, target) == 0)
        return disk;
    }
  return NULL;
}

/* A fresh <source>: the old one may hold what is true of the old image only. */
static void
move_disk (xmlXPathContext *context, xmlNode *node, const VbDisk *disk)
{
  xmlNode *driver = find_first (context, node, "driver");
  xmlNode *source = xmlNewNode (NULL, BAD_CAST "source");

  remove_all (context, node, "source | backingStore | mirror");
  xmlSetProp (node, BAD_CAST "type", BAD_CAST "file");
  xmlSetProp (source, BAD_CAST "file", BAD_CAST disk->path);
  if (driver == NULL)
    {
      driver = xmlNewNode (NULL, BAD_CAST "driver");
      xmlSetProp (driver, BAD_CAST "name", BAD_CAST "qemu");
      xmlAddPrevSibling (node->children, driver);
    }
  xmlSetProp (driver, BAD_CAST "type", BAD_CAST disk->format);
  xmlAddNextSibling (driver, source);
}

static void
note (GPtrArray *notes, const char *format, const char *target, const char *path)
{
  if (notes != NULL)
    g_ptr_array_add (notes, g_strdup_printf (format, target, path));
}

/* One that was not backed up: if it is not here either, say so while somebody is looking. */
static void
keep_disk (xmlXPathContext *context, xmlNode *node, const char *target, GPtrArray *notes)
{
  g_autofree char *device = vb_xml_text (context, node, "@device");
  g_autofree char *path = vb_xml_text (context, node, "source/@file | source/@dev");

  if (path == NULL || access (path, F_OK) == 0)
    return;
  if (g_strcmp0 (device, "cdrom") == 0 || g_strcmp0 (device, "floppy") == 0)
    {
      remove_all (context, node, "source");
      note (notes, _ ("The drive %s is empty now: %s is not on this host."), target, path);
    }
  else
    note (notes, _ ("The disk %s is not part of the backup, and %s is not on this host."), target,
          path);
}

static gboolean
move_disks (xmlXPathContext *context, GPtrArray *disks, GPtrArray *notes, GError **error)
{
  g_autoptr (xmlXPathObject) found = vb_xml_find (context, NULL, "/domain/devices/disk");
  const int count = found != NULL && found->nodesetval != NULL ? found->nodesetval->nodeNr : 0;
  guint moved = 0;

  for (int i = 0; i < count; i++)
    {
      xmlNode *node = found->nodesetval->nodeTab[i];
      g_autofree char *target = vb_xml_text (context, node, "target/@dev");
      const VbDisk *disk = find_disk (disks, target);

      if (disk != NULL)
        {
          move_disk (context, node, disk);
          moved++;
        }
      else
        keep_disk (context, node, target, notes);
    }
  if (moved == disks->len)
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                       _ ("The saved definition lacks a disk that the backup holds."));
  return FALSE;
}

static void
move_nvram (xmlXPathContext *context, const char *path)
{
  xmlNode *nvram = find_first (context, NULL, "/domain/os/nvram");
  xmlNode *os = find_first (context, NULL, "/domain/os");

  if (path == NULL || os == NULL)
    return;
  if (nvram == NULL)
    nvram = xmlNewChild (os, NULL, BAD_CAST "nvram", NULL);
  xmlUnsetProp (nvram, BAD_CAST "type");
  remove_all (context, nvram, "* | text()");
  xmlNodeAddContent (nvram, BAD_CAST path);
}

static gboolean
check (xmlXPathContext *context, GError **error)
{
  if (context != NULL && vb_xml_has (context, NULL, "/domain"))
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL,
                       _ ("The saved definition of the VPS is damaged."));
  return FALSE;
}

static char *
to_text (xmlDoc *document)
{
  xmlChar *text = NULL;
  int length;

  xmlDocDumpMemory (document, &text, &length);
  char *copy = g_strdup ((const char *) text);
  xmlFree (text);
  return copy;
}

char *
vb_domain_move (const char *xml,
                GPtrArray *disks,
                const char *nvram,
                GPtrArray *notes,
                GError **error)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (xml);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;

  if (!check (context, error))
    return NULL;
  if (!move_disks (context, disks, notes, error))
    return NULL;
  move_nvram (context, nvram);
  return to_text (document);
}

char *
vb_domain_move_get_name (const char *xml)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (xml);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;

  return context != NULL ? vb_xml_text (context, NULL, "/domain/name") : NULL;
}

static void
set_text (xmlXPathContext *context, const char *name, const char *text)
{
  g_autofree char *path = g_strconcat ("/domain/", name, NULL);
  xmlNode *domain = find_first (context, NULL, "/domain");

  remove_all (context, NULL, path);
  xmlNewTextChild (domain, NULL, BAD_CAST name, BAD_CAST text);
}

char *
vb_domain_move_rename (const char *xml, const char *name, const char *uuid, GError **error)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (xml);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;

  if (!check (context, error))
    return NULL;
  set_text (context, "name", name);
  set_text (context, "uuid", uuid);
  remove_all (context, NULL,
              "/domain/genid | /domain/devices/interface/mac"
              " | /domain/metadata/*[namespace-uri() = '" VB_DOMAIN_METADATA_URI "']"
              " | /domain/sysinfo/system/entry[@name = 'uuid']");
  return to_text (document);
}
