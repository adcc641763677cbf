/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The folder of one capture, in which QEMU makes its NBD socket: private to the user that QEMU runs
 * as. It also takes the scratch files of block devices, which have no "beside". Worker threads;
 * errors are of #VB_ERROR. */

/**
 * vb_capture_folder_create:
 * @runtime_folder: where such folders go if QEMU's user gets there and the socket's path is not too
 * long for a socket; else a fallback is taken
 * @operation: id of the operation, the folder's name
 * @uid: QEMU's user, or -1 to leave the owner
 * @gid: QEMU's group, or -1
 *
 * Returns: (transfer full) (type filename) (nullable): the folder
 */
char *vb_capture_folder_create (const char *runtime_folder,
                                const char *operation,
                                gint64 uid,
                                gint64 gid,
                                GError **error);

/**
 * vb_capture_folder_create_scratch:
 * @folder: the capture's folder
 *
 * Returns: (transfer full) (type filename) (nullable): @folder itself, or one on a disk if @folder
 * is in memory
 */
char *vb_capture_folder_create_scratch (const char *folder,
                                        const char *operation,
                                        gint64 uid,
                                        gint64 gid,
                                        GError **error);

/** vb_capture_folder_socket: Returns: (transfer full): path of the NBD socket in @folder */
char *vb_capture_folder_socket (const char *folder);

/** vb_capture_folder_remove: removes the folder of @operation with all that is in it, wherever it
 * was made */
void vb_capture_folder_remove (const char *runtime_folder, const char *operation);

G_END_DECLS
