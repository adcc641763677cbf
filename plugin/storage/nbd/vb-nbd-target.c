/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nbd-target.h"

#include <errno.h>
#include <libnbd.h>

#include "core/base/vb-error.h"

/* Requests have 32 bits of length. */
#define MAX_ZERO_BYTES (G_GUINT64_CONSTANT (1) << 30)

struct _VbNbdTarget
{
  struct nbd_handle *handle;
  guint64 size;
};

#define CONNECT_LIMIT_S 30
#define POLL_MS 100

static gboolean
fail (GError **error, const char *doing)
{
  VbError code = nbd_get_errno () == ENOSPC ? VB_ERROR_INSUFFICIENT_SPACE : VB_ERROR_INTERNAL;
  g_set_error (error, VB_ERROR, code, "%s: %s", doing, nbd_get_error ());
  return FALSE;
}

static gboolean
connect_in_time (struct nbd_handle *handle, const char *socket)
{
  gint64 end_us = g_get_monotonic_time () + CONNECT_LIMIT_S * G_USEC_PER_SEC;

  if (nbd_aio_connect_unix (handle, socket) != 0)
    return FALSE;
  while (nbd_aio_is_connecting (handle) == 1)
    if (g_get_monotonic_time () > end_us || nbd_poll (handle, POLL_MS) < 0)
      return FALSE;
  return nbd_aio_is_ready (handle) == 1;
}

VbNbdTarget *
vb_nbd_target_open (const char *socket, GError **error)
{
  g_autoptr (VbNbdTarget) self = g_new0 (VbNbdTarget, 1);

  self->handle = nbd_create ();
  if (self->handle == NULL || !connect_in_time (self->handle, socket))
    {
      fail (error, "Failed to connect to the NBD server");
      return NULL;
    }
  gint64 size = nbd_get_size (self->handle);
  if (size < 0)
    {
      fail (error, "Failed to ask for the size of a disk");
      return NULL;
    }
  self->size = (guint64) size;
  return g_steal_pointer (&self);
}

void
vb_nbd_target_free (VbNbdTarget *self)
{
  nbd_close (self->handle);
  g_free (self);
}

guint64
vb_nbd_target_get_size (VbNbdTarget *self)
{
  return self->size;
}

gboolean
vb_nbd_target_write (VbNbdTarget *self,
                     const void *data,
                     gsize length,
                     guint64 offset,
                     GError **error)
{
  return nbd_pwrite (self->handle, data, length, offset, 0) == 0
         || fail (error, "Failed to write a disk");
}

gboolean
vb_nbd_target_zero (VbNbdTarget *self, guint64 offset, guint64 length, GError **error)
{
  while (length > 0)
    {
      guint64 n = MIN (length, MAX_ZERO_BYTES);
      if (nbd_zero (self->handle, n, offset, 0) != 0)
        return fail (error, "Failed to write zeros to a disk");
      offset += n;
      length -= n;
    }
  return TRUE;
}

gboolean
vb_nbd_target_close (VbNbdTarget *self, GError **error)
{
  return (nbd_flush (self->handle, 0) == 0 && nbd_shutdown (self->handle, 0) == 0)
         || fail (error, "Failed to flush a disk");
}
