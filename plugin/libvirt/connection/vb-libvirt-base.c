/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-base.h"

#include "core/base/vb-error.h"

int
vb_libvirt_last_code (void)
{
  virErrorPtr last = virGetLastError ();

  return last != NULL ? last->code : VIR_ERR_OK;
}

gboolean
vb_libvirt_last_is_connection (void)
{
  virErrorPtr last = virGetLastError ();

  if (last == NULL)
    return FALSE;
  /* A daemon that goes away shows as an internal or system error that the client's own RPC layer
   * raises. */
  return last->domain == VIR_FROM_RPC || last->code == VIR_ERR_NO_CONNECT
         || last->code == VIR_ERR_INVALID_CONN || last->code == VIR_ERR_AUTH_FAILED
         || last->code == VIR_ERR_AUTH_CANCELLED || last->code == VIR_ERR_AUTH_UNAVAILABLE;
}

static VbError
last_error_code (void)
{
  if (vb_libvirt_last_is_connection ())
    return VB_ERROR_HYPERVISOR_UNAVAILABLE;
  if (vb_libvirt_last_code () == VIR_ERR_NO_DOMAIN)
    return VB_ERROR_NOT_FOUND;
  return VB_ERROR_INTERNAL;
}

void
vb_libvirt_set_error (GError **error, const char *format, ...)
{
  g_autofree char *doing = NULL;
  va_list args;

  va_start (args, format);
  doing = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VB_ERROR, last_error_code (), "%s: %s", doing, virGetLastErrorMessage ());
}

char *
vb_libvirt_get_uuid (virDomainPtr domain)
{
  char uuid[VIR_UUID_STRING_BUFLEN];

  if (virDomainGetUUIDString (domain, uuid) < 0)
    return NULL;
  return g_ascii_strdown (uuid, -1);
}
