/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_EXPIRY_WARN_S: how long before its end a client is warned */
#define VB_EXPIRY_WARN_S 60

/**
 * VbExpiry:
 *
 * When a connection ends because of its token. Times are those of the wall clock, in us. Any
 * thread, one at a time.
 */
typedef struct
{
  gint64 ends_at_us; /* G_MAXINT64 for never */
  gboolean warned;
} VbExpiry;

typedef enum
{
  VB_EXPIRY_NOT_YET,
  VB_EXPIRY_WARN, /* once */
  VB_EXPIRY_ENDED,
} VbExpiryStep;

/** vb_expiry_init: @expires_at_s: `exp` of the token, 0 for never */
void vb_expiry_init (VbExpiry *self, gint64 expires_at_s, gint64 now_us);

/** vb_expiry_end_soon: it ends a minute from now, if not sooner, and the client is warned of it;
 * Returns: whether that is news */
gboolean vb_expiry_end_soon (VbExpiry *self, gint64 now_us);

/** vb_expiry_check: @next_us: (out): when there will be something to do, %G_MAXINT64 for never;
 * Returns: what there is to do now */
VbExpiryStep vb_expiry_check (VbExpiry *self, gint64 now_us, gint64 *next_us);

G_END_DECLS
