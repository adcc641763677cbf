/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Who may have put something where it is. Root, ourselves and the user that runs QEMU are trusted:
 * whoever controls one of them has the disks anyway. May block; any thread. */

/**
 * vb_trusted_path_resolve:
 * @path: an absolute path
 * @error: (out) (optional): %VB_ERROR_UNSUPPORTED_DISK when a link on the way may have been made by
 * somebody who is not trusted, %VB_ERROR_DISK_MISSING when there is no such file
 *
 * Follows links as realpath(3) does, but only those that trusted users have made in folders that
 * nobody else may change.
 *
 * Returns: (transfer full) (nullable): a path without links
 */
char *vb_trusted_path_resolve (const char *path, GError **error);

/** vb_trusted_path_is_private: Returns: whether only trusted users can have written to the file,
 * and can have put it there; @path is without links */
gboolean vb_trusted_path_is_private (const char *path);

G_END_DECLS
