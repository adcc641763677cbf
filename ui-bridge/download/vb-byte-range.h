/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbByteRange:
 * @VB_BYTE_RANGE_ALL: everything: none was asked for, or one that we do not serve
 * @VB_BYTE_RANGE_PART: one part
 * @VB_BYTE_RANGE_UNSATISFIABLE: it begins behind the end
 */
typedef enum
{
  VB_BYTE_RANGE_ALL,
  VB_BYTE_RANGE_PART,
  VB_BYTE_RANGE_UNSATISFIABLE,
} VbByteRange;

/**
 * vb_byte_range_parse:
 * @header: (nullable): value of a Range header (RFC 9110, 14.2); only one range of bytes is served
 * @size: bytes of the whole
 * @start: (out): first byte
 * @end: (out): behind the last byte
 *
 * Returns: what to send
 */
VbByteRange vb_byte_range_parse (const char *header, guint64 size, guint64 *start, guint64 *end);

G_END_DECLS
