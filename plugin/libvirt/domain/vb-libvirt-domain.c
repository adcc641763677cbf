/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-domain.h"

#include "vb-disk-chains.h"
#include "vb-libvirt-volumes.h"

static VbPower
power_of_paused (int reason)
{
  switch (reason)
    {
    case VIR_DOMAIN_PAUSED_CRASHED:
      return VB_POWER_CRASHED;
    /* libvirt itself has stopped the processors for a moment: the VPS counts as running. */
    case VIR_DOMAIN_PAUSED_MIGRATION:
    case VIR_DOMAIN_PAUSED_SAVE:
    case VIR_DOMAIN_PAUSED_DUMP:
    case VIR_DOMAIN_PAUSED_SNAPSHOT:
    case VIR_DOMAIN_PAUSED_STARTING_UP:
    case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
      return VB_POWER_RUNNING;
    default:
      return VB_POWER_PAUSED;
    }
}

static VbPower
power_of_state (int state, int reason)
{
  switch (state)
    {
    case VIR_DOMAIN_PAUSED:
      return power_of_paused (reason);
    case VIR_DOMAIN_PMSUSPENDED:
      return VB_POWER_PAUSED;
    case VIR_DOMAIN_CRASHED:
      return VB_POWER_CRASHED;
    case VIR_DOMAIN_SHUTOFF:
      return reason == VIR_DOMAIN_SHUTOFF_CRASHED ? VB_POWER_CRASHED : VB_POWER_STOPPED;
    default:
      return VB_POWER_RUNNING;
    }
}

gboolean
vb_libvirt_get_power (virDomainPtr domain, VbPower *power, GError **error)
{
  int state;
  int reason;

  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    {
      vb_libvirt_set_error (error, "Failed to read the state of the VPS");
      return FALSE;
    }
  *power = power_of_state (state, reason);
  return TRUE;
}

gboolean
vb_libvirt_is_active (virDomainPtr domain, gboolean *active, GError **error)
{
  int result = virDomainIsActive (domain);

  if (result < 0)
    {
      vb_libvirt_set_error (error, "Failed to find out whether the VPS is on");
      return FALSE;
    }
  *active = result > 0;
  return TRUE;
}

static VbDomainXml *
read_xml (virDomainPtr domain, unsigned int flags, GError **error)
{
  char *text = virDomainGetXMLDesc (domain, flags);
  VbDomainXml *xml;

  if (text == NULL)
    {
      vb_libvirt_set_error (error, "Failed to read the definition of the VPS");
      return NULL;
    }
  xml = vb_domain_xml_parse (text, error);
  free (text);
  return xml;
}

VbDomainXml *
vb_libvirt_read_xml (virDomainPtr domain, GError **error)
{
  return read_xml (domain, 0, error);
}

static VbDomainXml *
read_disks (virDomainPtr domain, unsigned int flags, gboolean named_only, GError **error)
{
  g_autoptr (VbDomainXml) xml = read_xml (domain, flags, error);

  if (xml == NULL || !vb_libvirt_volumes_find (virDomainGetConnect (domain), xml, error)
      || !vb_disk_chains_look (xml, named_only, error))
    return NULL;
  return g_steal_pointer (&xml);
}

VbDomainXml *
vb_libvirt_read_disks (virDomainPtr domain, GError **error)
{
  gboolean active;

  return vb_libvirt_is_active (domain, &active, error) ? read_disks (domain, 0, active, error)
                                                       : NULL;
}

VbDomainXml *
vb_libvirt_read_permanent_disks (virDomainPtr domain, gboolean named_only, GError **error)
{
  return read_disks (domain, VIR_DOMAIN_XML_INACTIVE, named_only, error);
}
