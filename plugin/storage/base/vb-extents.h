/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_extents_get_unique:
 * @fd: a file
 * @may_share: whether its file system lets files share extents
 *
 * Returns: bytes that deleting the file would free, or -1 when finding out would take long or is
 * not possible
 */
gint64 vb_extents_get_unique (int fd, gboolean may_share);

G_END_DECLS
