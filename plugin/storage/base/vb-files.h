/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

G_BEGIN_DECLS

/* Small file work relative to an open folder. No function here ever follows a symbolic link at
 * @name, and all of them may be called from any thread. Errors are of #VB_ERROR, with
 * %VB_ERROR_INSUFFICIENT_SPACE for a full disk. */

static inline void
vb_fd_clear (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

/* A descriptor that is closed when it leaves its scope; -1 for none. */
#define vb_autofd __attribute__ ((cleanup (vb_fd_clear)))

/** vb_files_open_folder: Returns: a descriptor of the folder @name in @parent, or -1; with AT_FDCWD
 * @name is an absolute path whose links were followed, see vb_safe_open_resolved() */
int vb_files_open_folder (int parent, const char *name, GError **error);

/**
 * vb_files_make_folder: creates the folder @name (mode 0700) in @parent unless it is there, and
 * syncs @parent
 *
 * Returns: a descriptor of it, or -1
 */
int vb_files_make_folder (int parent, const char *name, GError **error);

/** vb_files_create: Returns: a descriptor of the new file @name (mode 0600, read and write), or
 * -1 */
int vb_files_create (int folder, const char *name, GError **error);

/** vb_files_open: Returns: a descriptor of the regular file @name with access @flags (O_RDONLY...),
 * or -1 */
int vb_files_open (int folder, const char *name, int flags, GError **error);

/** vb_files_write: creates the file @name with @data and syncs it */
gboolean
vb_files_write (int folder, const char *name, const void *data, gsize length, GError **error);

/** vb_files_replace: as vb_files_write(), but in the place of an older one at one instant, durable
 * on return */
gboolean
vb_files_replace (int folder, const char *name, const void *data, gsize length, GError **error);

/**
 * vb_files_read:
 * @maximum: a longer file is an error
 * @length: (out) (optional): bytes read
 *
 * Returns: (transfer full) (nullable): the content with a zero byte appended
 */
char *vb_files_read (int folder, const char *name, gsize maximum, gsize *length, GError **error);

/** vb_files_exists: whether there is anything called @name */
gboolean vb_files_exists (int folder, const char *name);

/** vb_files_sync: fsync of a file or folder; @what names it in the error */
gboolean vb_files_sync (int fd, const char *what, GError **error);

/**
 * vb_files_rename: renames within one folder and syncs it. Replaces what is called @to, if that is
 * possible
 */
gboolean vb_files_rename (int folder, const char *from, const char *to, GError **error);

/** vb_files_remove: unlinks the file @name; success when there is none */
gboolean vb_files_remove (int folder, const char *name, GError **error);

/** vb_files_remove_tree: removes a folder (or file) with all that it holds; success when there is
 * none */
gboolean vb_files_remove_tree (int parent, const char *name, GError **error);

/** vb_files_pwrite: writes all of @data at @offset. Returns: %FALSE with errno set on failure */
gboolean vb_files_pwrite (int fd, const void *data, gsize length, guint64 offset);

/** vb_files_pread: reads exactly @length bytes at @offset. Returns: %FALSE with errno set (EIO at
 * the end of file) */
gboolean vb_files_pread (int fd, void *data, gsize length, guint64 offset);

/** vb_files_is_zero: whether @data is nothing but zero bytes */
gboolean vb_files_is_zero (const void *data, gsize length);

/**
 * VbFilesFunc:
 * @folder: descriptor of the folder that is walked through
 * @name: of an entry
 *
 * Returns: %FALSE with @error set to end the walk
 */
typedef gboolean (*VbFilesFunc) (int folder, const char *name, gpointer user_data, GError **error);

/** vb_files_for_each: calls @func for each entry of a folder. Returns: %FALSE when that did, or the
 * folder cannot be listed */
gboolean vb_files_for_each (int folder, VbFilesFunc func, gpointer user_data, GError **error);

G_END_DECLS
