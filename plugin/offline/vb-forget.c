/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-forget.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint.h"
#include "vb-offline-libvirt.h"

static virDomainPtr
find (virConnectPtr connection, const char *vps, GError **error)
{
  virDomainPtr domain = virDomainLookupByName (connection, vps);

  if (domain == NULL)
    domain = virDomainLookupByUUIDString (connection, vps);
  if (domain == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, _ ("There is no VPS “%s” on this host"), vps);
  return domain;
}

static gboolean
check_idle (virDomainPtr domain, GError **error)
{
  virDomainJobInfo info;

  if (virDomainIsActive (domain) <= 0 || virDomainGetJobInfo (domain, &info) != 0
      || info.type == VIR_DOMAIN_JOB_NONE)
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_DISK_BUSY,
                       _ ("Something is under way on the VPS; try again when it has ended"));
  return FALSE;
}

gboolean
vb_forget (const char *uri, const char *vps, GError **error)
{
  g_autoptr (virConnect) connection = vb_offline_connect (uri, error);
  g_autoptr (virDomain) domain = connection != NULL ? find (connection, vps, error) : NULL;

  return domain != NULL && check_idle (domain, error)
         && vb_libvirt_checkpoint_forget (domain, error);
}
