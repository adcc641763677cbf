/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbCheck:
 * @at_us: µs since 1970
 * @bad_chunks: how many differed from their checksums
 *
 * What is known of a backup since it was last read as a whole, or since a restore met a bad chunk.
 */
typedef struct
{
  gint64 at_us;
  guint64 bad_chunks;
} VbCheck;

G_END_DECLS
