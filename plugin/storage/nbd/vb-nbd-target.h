/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbNbdTarget:
 *
 * A disk that an NBD server lets us write, one request after the other. One thread.
 */
typedef struct _VbNbdTarget VbNbdTarget;

/** vb_nbd_target_open: @socket: path of the server's unix socket. Returns: (transfer full)
 * (nullable): the disk */
VbNbdTarget *vb_nbd_target_open (const char *socket, GError **error);
void vb_nbd_target_free (VbNbdTarget *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbNbdTarget, vb_nbd_target_free)

/** vb_nbd_target_get_size: Returns: bytes of the disk */
guint64 vb_nbd_target_get_size (VbNbdTarget *self);

/** vb_nbd_target_write: writes all of @data; at most 1 MiB */
gboolean vb_nbd_target_write (VbNbdTarget *self,
                              const void *data,
                              gsize length,
                              guint64 offset,
                              GError **error);

/** vb_nbd_target_zero: makes zeros, if possible a hole */
gboolean vb_nbd_target_zero (VbNbdTarget *self, guint64 offset, guint64 length, GError **error);

/** vb_nbd_target_close: makes all durable and says goodbye */
gboolean vb_nbd_target_close (VbNbdTarget *self, GError **error);

G_END_DECLS
