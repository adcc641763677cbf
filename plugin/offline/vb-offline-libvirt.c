/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-offline-libvirt.h"

static void
ignore_error (void *user_data, virErrorPtr error)
{
}

virConnect *
vb_offline_connect (const char *uri, GError **error)
{
  virConnect *connection;

  virSetErrorFunc (NULL, ignore_error);
  connection = virConnectOpen (uri);
  if (connection == NULL)
    vb_libvirt_set_error (error, "Connecting to libvirt at %s", uri);
  return connection;
}
