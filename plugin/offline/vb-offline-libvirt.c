/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-offline-libvirt.h"

#include "core/base/vb-bounded-call.h"
#include "core/base/vb-error.h"

/* A daemon that is stopped would be waited for for ever. */
#define LIMIT_MS 20000

typedef struct
{
  virConnect *connection; /* (nullable) */
  GError *error;
} Opened;

static void
ignore_error (void *user_data, virErrorPtr error)
{
}

static gpointer
open_in_thread (gpointer uri)
{
  Opened *opened = g_new0 (Opened, 1);

  opened->connection = virConnectOpen (uri);
  if (opened->connection == NULL)
    vb_libvirt_set_error (&opened->error, "Failed to connect to libvirt at %s", (const char *) uri);
  return opened;
}

static void
opened_free (gpointer data)
{
  Opened *opened = data;

  if (opened->connection != NULL)
    virConnectClose (opened->connection);
  g_clear_error (&opened->error);
  g_free (opened);
}

virConnect *
vb_offline_connect (const char *uri, GError **error)
{
  g_autoptr (VbBoundedCall) call = vb_bounded_call_new (LIMIT_MS);
  gpointer result = NULL;

  virSetErrorFunc (NULL, ignore_error);
  if (!vb_bounded_call_run (call, open_in_thread, g_strdup (uri), g_free, &result, opened_free))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE,
                   "Failed to connect to libvirt at %s: it does not answer within %d s", uri,
                   LIMIT_MS / 1000);
      return NULL;
    }
  Opened *opened = result;
  virConnect *connection = g_steal_pointer (&opened->connection);
  if (opened->error != NULL)
    g_propagate_error (error, g_steal_pointer (&opened->error));
  opened_free (opened);
  return connection;
}
