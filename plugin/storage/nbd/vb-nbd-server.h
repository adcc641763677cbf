/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "core/base/vb-image-chain.h"

G_BEGIN_DECLS

/**
 * VbNbdServer:
 *
 * A qemu-nbd of ours that shows the disk of a shut-off VPS, or a new one, on a unix socket that
 * nobody else can reach. It ends with the last connection, with the thread that started it, or when
 * freed, whichever is first.
 */
typedef struct _VbNbdServer VbNbdServer;

/**
 * vb_nbd_server_start:
 * @chain: the images of the disk; qemu-nbd gets descriptors of these and opens nothing else.
 * Formats are never guessed, because a guest can make a raw disk look like anything
 * @bitmap: (nullable): a bitmap in the image to be exported as "qemu:dirty-bitmap:" and its name
 *
 * Read-only. Connections can be made at once. For the thread that is to outlive the server.
 *
 * Returns: (transfer full) (nullable): the server
 */
VbNbdServer *vb_nbd_server_start (VbImageChain *chain, const char *bitmap, GError **error);

/** vb_nbd_server_start_writable: as above, for one connection that may write */
VbNbdServer *vb_nbd_server_start_writable (VbImageChain *chain, GError **error);

/** vb_nbd_server_wait: after the last connection was closed: waits until the image is closed
 * properly */
gboolean vb_nbd_server_wait (VbNbdServer *self, GError **error);

/** vb_nbd_server_get_socket: Returns: (transfer none): path of its socket; the export has no
 * name */
const char *vb_nbd_server_get_socket (VbNbdServer *self);

/** vb_nbd_server_dup_complaint: Returns: (transfer full): what it has written to stderr; any
 * thread */
char *vb_nbd_server_dup_complaint (VbNbdServer *self);

/** vb_nbd_server_sweep: removes the sockets of processes of ours that were killed */
void vb_nbd_server_sweep (void);

/** vb_nbd_server_free: ends it */
void vb_nbd_server_free (VbNbdServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbNbdServer, vb_nbd_server_free)

G_END_DECLS
