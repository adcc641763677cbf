/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_RATE_BURST: requests of a connection that may come at once */
#define VB_RATE_BURST 40
/** VB_RATE_PER_S: how many a second may follow */
#define VB_RATE_PER_S 20

/**
 * VbRate:
 * @VB_RATE_OK: go on
 * @VB_RATE_EXCEEDED: too many: refuse this one
 * @VB_RATE_FLOOD: a whole burst has been refused and it does not stop
 */
typedef enum
{
  VB_RATE_OK,
  VB_RATE_EXCEEDED,
  VB_RATE_FLOOD,
} VbRate;

/**
 * VbRateLimit:
 *
 * How many requests a connection may still send: a bucket of %VB_RATE_BURST that fills again with
 * %VB_RATE_PER_S. All fields are private.
 */
typedef struct
{
  double left;
  gint64 at_us;
} VbRateLimit;

/** vb_rate_limit_init: @now_us: monotonic */
void vb_rate_limit_init (VbRateLimit *self, gint64 now_us);
/** vb_rate_limit_take: counts one request */
VbRate vb_rate_limit_take (VbRateLimit *self, gint64 now_us);

G_END_DECLS
