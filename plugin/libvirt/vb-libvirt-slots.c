/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-slots.h"

#define METADATA_KEY "vps-backup"

gint64
vb_libvirt_slots_parse (xmlXPathContext *context)
{
  g_autofree char *text = vb_xml_text (
      context, NULL,
      "/domain/metadata/*[local-name()='backup' and namespace-uri()='" VB_LIBVIRT_METADATA_URI
      "']/*[local-name()='slots']/@total");
  guint64 total;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &total, NULL))
    return -1;
  return (gint64) total;
}

gboolean
vb_libvirt_slots_write (virDomainPtr domain, guint total, GError **error)
{
  g_autofree char *element = g_strdup_printf ("<backup><slots total='%u'/></backup>", total);
  unsigned int flags = 0;
  gboolean active;
  int persistent = virDomainIsPersistent (domain);

  if (!vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  if (persistent > 0)
    flags |= VIR_DOMAIN_AFFECT_CONFIG;
  if (active)
    flags |= VIR_DOMAIN_AFFECT_LIVE;
  if (virDomainSetMetadata (domain, VIR_DOMAIN_METADATA_ELEMENT, element, METADATA_KEY,
                            VB_LIBVIRT_METADATA_URI, flags)
      < 0)
    {
      vb_libvirt_set_error (error, "Writing the number of slots into the VPS's metadata");
      return FALSE;
    }
  return TRUE;
}
