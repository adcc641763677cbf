/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-claim-file.h"

G_BEGIN_DECLS

/**
 * VbClaimWatch:
 *
 * Whether the claims of others still live, told by nothing but our own monotonic clock: one has
 * expired when we have looked at it all the time that it counts on, and it was never renewed. No
 * clock of another host is asked. One thread at a time.
 */
typedef struct _VbClaimWatch VbClaimWatch;

/** vb_claim_watch_new: @timeout_s: how long a claim lives at least */
VbClaimWatch *vb_claim_watch_new (guint timeout_s);
void vb_claim_watch_free (VbClaimWatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbClaimWatch, vb_claim_watch_free)

/**
 * vb_claim_watch_see:
 * @key: the VPS
 * @record: its claim now
 * @asked_us: g_get_monotonic_time() before it was read
 * @now_us: and after
 *
 * Time in which we did not look, because we or the pool were standing still, does not count: the
 * other one could not renew it then either.
 *
 * Returns: whether it has expired
 */
gboolean vb_claim_watch_see (VbClaimWatch *self,
                             const char *key,
                             const VbClaimRecord *record,
                             gint64 asked_us,
                             gint64 now_us);

/** vb_claim_watch_is_expired: whether exactly this claim was found expired when it was seen last */
gboolean
vb_claim_watch_is_expired (VbClaimWatch *self, const char *key, const VbClaimRecord *record);

/** vb_claim_watch_keep: forgets all that are not in @keys (element-type utf8, a set) */
void vb_claim_watch_keep (VbClaimWatch *self, GHashTable *keys);

G_END_DECLS
