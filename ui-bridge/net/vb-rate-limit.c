/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-rate-limit.h"

void
vb_rate_limit_init (VbRateLimit *self, gint64 now_us)
{
  *self = (VbRateLimit){ .left = VB_RATE_BURST, .at_us = now_us };
}

VbRate
vb_rate_limit_take (VbRateLimit *self, gint64 now_us)
{
  double refill = (double) (now_us - self->at_us) * VB_RATE_PER_S / G_USEC_PER_SEC;

  self->at_us = now_us;
  /* The one that comes now is paid for even when that is more than was left. */
  self->left = MIN (self->left + refill, VB_RATE_BURST) - 1;
  if (self->left < -VB_RATE_BURST)
    return VB_RATE_FLOOD;

  return self->left < 0 ? VB_RATE_EXCEEDED : VB_RATE_OK;
}
