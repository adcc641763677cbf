/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-byte-range.h"

#include <string.h>

#define UNIT "bytes="

static gboolean
parse_number (const char *text, gsize length, guint64 *value)
{
  g_autofree char *digits = g_strndup (text, length);

  return g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64, value, NULL);
}

static VbByteRange
parse_last (const char *text, guint64 size, guint64 *start)
{
  guint64 count;

  if (!parse_number (text, strlen (text), &count))
    return VB_BYTE_RANGE_ALL;
  if (count == 0)
    return VB_BYTE_RANGE_UNSATISFIABLE;
  *start = size - MIN (count, size);
  return VB_BYTE_RANGE_PART;
}

VbByteRange
vb_byte_range_parse (const char *header, guint64 size, guint64 *start, guint64 *end)
{
  const char *dash;
  guint64 last = size - 1;

  *start = 0;
  *end = size;
  if (header == NULL || !g_str_has_prefix (header, UNIT) || strchr (header, ',') != NULL)
    return VB_BYTE_RANGE_ALL;
  header += strlen (UNIT);
  dash = strchr (header, '-');
  if (dash == header)
    return parse_last (dash + 1, size, start);
  if (dash == NULL || !parse_number (header, dash - header, start)
      || (dash[1] != '\0' && (!parse_number (dash + 1, strlen (dash + 1), &last) || last < *start)))
    {
      *start = 0;
      return VB_BYTE_RANGE_ALL;
    }
  if (*start >= size)
    return VB_BYTE_RANGE_UNSATISFIABLE;
  *end = MIN (last, size - 1) + 1;
  return VB_BYTE_RANGE_PART;
}
