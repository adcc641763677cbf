/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-expiry.h"

#include "auth/vb-token.h"

#define WARN_US (VB_EXPIRY_WARN_S * G_USEC_PER_SEC)

void
vb_expiry_init (VbExpiry *self, gint64 expires_at_s, gint64 now_us)
{
  *self = (VbExpiry){ .ends_at_us = G_MAXINT64 };
  if (expires_at_s == 0)
    return;

  /* A token that was taken although it has expired, since clocks differ, lasts as long as that is
   * allowed. */
  self->ends_at_us = expires_at_s * G_USEC_PER_SEC;
  if (self->ends_at_us <= now_us)
    self->ends_at_us += VB_TOKEN_SKEW_S * G_USEC_PER_SEC;
}

gboolean
vb_expiry_end_soon (VbExpiry *self, gint64 now_us)
{
  if (self->ends_at_us <= now_us + WARN_US)
    return FALSE;

  self->ends_at_us = now_us + WARN_US;
  self->warned = FALSE;
  return TRUE;
}

VbExpiryStep
vb_expiry_check (VbExpiry *self, gint64 now_us, gint64 *next_us)
{
  *next_us = self->ends_at_us;
  if (self->ends_at_us == G_MAXINT64)
    return VB_EXPIRY_NOT_YET;
  if (now_us >= self->ends_at_us)
    return VB_EXPIRY_ENDED;
  if (self->warned)
    return VB_EXPIRY_NOT_YET;

  if (now_us < self->ends_at_us - WARN_US)
    {
      *next_us = self->ends_at_us - WARN_US;
      return VB_EXPIRY_NOT_YET;
    }

  self->warned = TRUE;
  return VB_EXPIRY_WARN;
}
