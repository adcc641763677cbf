/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-snapshots.h"

#include "libvirt/xml/vb-xml.h"
#include "vb-disk-image.h"

/* Begins the description of the snapshot that the VPS's state comes from. */
#define CURRENT "<!--current-->"

static void
snapshot_free (gpointer snapshot)
{
  virDomainSnapshotFree (snapshot);
}

GPtrArray *
vb_libvirt_snapshots_list (virDomainPtr domain, GError **error)
{
  virDomainSnapshotPtr *snapshots = NULL;
  int n = virDomainListAllSnapshots (domain, &snapshots, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
  GPtrArray *list;

  if (n < 0)
    {
      vb_libvirt_set_error (error, "Failed to list the snapshots of the VPS");
      return NULL;
    }
  list = g_ptr_array_new_with_free_func (snapshot_free);
  for (int i = 0; i < n; i++)
    g_ptr_array_add (list, snapshots[i]);
  free (snapshots);
  return list;
}

static char *
describe (virDomainSnapshotPtr snapshot, GError **error)
{
  char *text = virDomainSnapshotGetXMLDesc (snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
  char *description;

  if (text == NULL)
    {
      vb_libvirt_set_error (error, "Failed to read a snapshot of the VPS");
      return NULL;
    }
  description
      = g_strconcat (virDomainSnapshotIsCurrent (snapshot, 0) > 0 ? CURRENT : "", text, NULL);
  free (text);
  return description;
}

static gboolean
is_lost_on_disk (VbDomainXml *xml,
                 const char *const *alone,
                 const char *target,
                 const char *kind,
                 const char *name)
{
  const VbDomainDisk *disk = vb_domain_xml_find_disk (xml, target);
  g_autoptr (VbDiskImage) image = NULL;

  if (disk == NULL || disk->skipped != NULL)
    return FALSE;
  if (g_strcmp0 (kind, "external") == 0)
    return g_strv_contains (alone, target);
  image = g_strcmp0 (kind, "internal") == 0 ? vb_disk_image_read_top (disk, NULL) : NULL;
  return image != NULL
         && !g_ptr_array_find_with_equal_func (image->snapshots, name, g_str_equal, NULL);
}

/* Whether one of its disks holds it no more. */
static gboolean
is_lost (VbDomainXml *xml, const char *const *alone, const char *description)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (description);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;
  g_autoptr (xmlXPathObject) found = NULL;
  g_autofree char *name = NULL;
  gboolean lost = FALSE;

  if (context == NULL)
    return FALSE;
  name = vb_xml_text (context, NULL, "/domainsnapshot/name");
  found = vb_xml_find (context, NULL, "/domainsnapshot/disks/disk");
  for (int i = 0; found != NULL && found->nodesetval != NULL && i < found->nodesetval->nodeNr; i++)
    {
      xmlNode *node = found->nodesetval->nodeTab[i];
      g_autofree char *target = vb_xml_text (context, node, "@name");
      g_autofree char *kind = vb_xml_text (context, node, "@snapshot");

      lost = lost || is_lost_on_disk (xml, alone, target, kind, name);
    }
  return lost;
}

GPtrArray *
vb_libvirt_snapshots_describe_lost (virDomainPtr domain,
                                    VbDomainXml *xml,
                                    const char *const *alone,
                                    GError **error)
{
  g_autoptr (GPtrArray) descriptions = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) snapshots = vb_libvirt_snapshots_list (domain, error);

  if (snapshots == NULL)
    return NULL;
  for (guint i = 0; i < snapshots->len; i++)
    {
      g_autofree char *description = describe (g_ptr_array_index (snapshots, i), error);

      if (description == NULL)
        return NULL;
      if (is_lost (xml, alone, description))
        g_ptr_array_add (descriptions, g_steal_pointer (&description));
    }
  return g_steal_pointer (&descriptions);
}

static gboolean
forget (virDomainPtr domain, const char *description, GError **error)
{
  g_autoptr (xmlDoc) document = vb_xml_parse (description);
  g_autoptr (xmlXPathContext) context = document != NULL ? xmlXPathNewContext (document) : NULL;
  g_autofree char *name
      = context != NULL ? vb_xml_text (context, NULL, "/domainsnapshot/name") : NULL;
  g_autoptr (virDomainSnapshot) snapshot
      = name != NULL ? virDomainSnapshotLookupByName (domain, name, 0) : NULL;

  if (snapshot == NULL
      || virDomainSnapshotDelete (snapshot, VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY) == 0)
    return TRUE;
  vb_libvirt_set_error (error, "Failed to remove the record of the snapshot %s", name);
  return FALSE;
}

gboolean
vb_libvirt_snapshots_forget (virDomainPtr domain, GPtrArray *descriptions, GError **error)
{
  /* Children first. */
  for (guint i = descriptions->len; i > 0; i--)
    if (!forget (domain, g_ptr_array_index (descriptions, i - 1), error))
      return FALSE;
  return TRUE;
}

gboolean
vb_libvirt_snapshots_define (virDomainPtr domain, GPtrArray *descriptions, GError **error)
{
  for (guint i = 0; i < descriptions->len; i++)
    {
      const char *description = g_ptr_array_index (descriptions, i);
      unsigned int flags
          = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
            | (g_str_has_prefix (description, CURRENT) ? VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT : 0);
      g_autoptr (virDomainSnapshot) snapshot
          = virDomainSnapshotCreateXML (domain, description, flags);

      if (snapshot == NULL)
        {
          vb_libvirt_set_error (error, "Failed to define a snapshot of the VPS again");
          return FALSE;
        }
    }
  return TRUE;
}
