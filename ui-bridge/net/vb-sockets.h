/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * vb_sockets_listen_unix:
 * @path: absolute path; its folder is made if it is missing
 * @group: (nullable): group that may connect (mode 0660); %NULL: only our own user (mode 0600)
 * @error: (out) (optional): #VB_ERROR; somebody else serves @path, or it cannot be made
 *
 * A socket that a dead service has left is replaced, one that answers is not.
 *
 * Returns: (transfer full) (nullable): a listening socket
 */
GSocket *vb_sockets_listen_unix (const char *path, const gid_t *group, GError **error);

/**
 * vb_sockets_listen_tcp:
 * @text: "host:port", where host is an IP address (IPv6 in brackets) or "localhost"
 * @error: (out) (optional): #VB_ERROR
 *
 * Returns: (transfer full) (nullable): a listening socket
 */
GSocket *vb_sockets_listen_tcp (const char *text, GError **error);

/** vb_sockets_is_loopback: Returns: whether only this machine can reach the listening @socket */
gboolean vb_sockets_is_loopback (GSocket *socket);

/** vb_sockets_find_group: @gid: (out): its id; @error: (out) (optional): #VB_ERROR when there is no
 * such group */
gboolean vb_sockets_find_group (const char *name, gid_t *gid, GError **error);

G_END_DECLS
