/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_safe_open_resolved:
 * @path: an absolute path whose links have been followed, as realpath(3) does
 * @flags: as for open(2), without O_CREAT
 *
 * Opens exactly that: should any part of @path have become a symbolic link meanwhile, it is an
 * error (ELOOP), so that nobody who may write to a folder on the way leads us elsewhere. The
 * descriptor is closed on exec. Any thread.
 *
 * Returns: a descriptor, or -1 with errno set
 */
int vb_safe_open_resolved (const char *path, int flags);

/**
 * vb_safe_open_read:
 * @path: of a regular file, or of a link to one
 * @maximum: so many bytes at most
 * @text: (out) (transfer full): what it holds, and a NUL
 * @length: (out) (optional): its bytes
 *
 * As g_file_get_contents(), but never waits for a writer of a FIFO nor reads a device for ever.
 *
 * Returns: %FALSE with a #GFileError, whose message does not name the file
 */
gboolean
vb_safe_open_read (const char *path, gsize maximum, char **text, gsize *length, GError **error);

/**
 * vb_safe_open_sync_folder:
 * @path: of a folder
 *
 * What was created, renamed or removed in it survives a loss of power from now on. If that cannot
 * be, the log says so.
 *
 * Returns: %FALSE with errno set when it could not be. May block; any thread
 */
gboolean vb_safe_open_sync_folder (const char *path);

G_END_DECLS
