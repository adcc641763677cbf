/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_qcow2_bitmap_count:
 * @path: a qcow2 image that nobody writes to now; its links were followed
 * @name: name of a dirty bitmap in it
 * @bytes: (out): how much of the disk it marks as changed
 * @error: (out) (optional): %VB_ERROR_NOT_FOUND when there is no such bitmap or it is not whole
 *
 * Reads the bitmap where the format keeps it (QEMU's docs/interop/qcow2.txt, "Bitmaps"), which
 * needs no server and takes a millisecond. Worker threads.
 *
 * Returns: %FALSE with @error set
 */
gboolean vb_qcow2_bitmap_count (const char *path, const char *name, guint64 *bytes, GError **error);

/**
 * vb_qcow2_bitmap_names:
 * @path: a qcow2 image, which may be in use; its links were followed
 *
 * Returns: (transfer full): names of all bitmaps in the file, whole or not; one that was made since
 * a VPS has the image open is not there yet
 */
char **vb_qcow2_bitmap_names (const char *path);

G_END_DECLS
