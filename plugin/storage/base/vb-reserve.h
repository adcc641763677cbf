/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbReserve:
 * @percent: part of the file system, or 0
 * @bytes: absolute size, if @percent is 0
 *
 * Space that is never used up.
 */
typedef struct
{
  guint percent;
  guint64 bytes;
} VbReserve;

/**
 * vb_reserve_parse:
 * @text: such as "5%", "10G", "512M" or "1073741824"; K, M, G and T are powers of 1024
 *
 * Returns: %FALSE with %VB_ERROR_INVALID_ARGUMENT when it is none of these
 */
gboolean vb_reserve_parse (const char *text, VbReserve *reserve, GError **error);

/** vb_reserve_of: Returns: bytes to be left on a file system of @total_bytes */
guint64 vb_reserve_of (const VbReserve *self, guint64 total_bytes);

G_END_DECLS
