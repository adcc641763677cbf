/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

/**
 * VbClaims:
 *
 * Who works on which VPS, among all hosts that share a pool. A host takes a VPS before it changes
 * anything of it, and gives it back when it is done. A claim is renewed all the time; that of a
 * host that has died expires, and another one may take it. Within a host it counts: several
 * operations may hold the same VPS.
 *
 * A pool that is not shared has none: all functions take %NULL, and then every claim is granted.
 */
#define VB_TYPE_CLAIMS (vb_claims_get_type ())
G_DECLARE_INTERFACE (VbClaims, vb_claims, VB, CLAIMS, GObject)

/**
 * VbClaimsInterface:
 * @take: blocks as the pool does. @operation (nullable) is what it is for, @backup (nullable) the
 *   one that it may leave a half of; %VB_ERROR_OPERATION_RUNNING when another host has it,
 *   %VB_ERROR_POOL_UNAVAILABLE
 * @give_back: of the last that holds it, the others see it free when it returns, or soon after when
 *   the pool hangs. Worker thread
 * @confirm: before something that cannot be taken back: whether the VPS is still ours. When it
 *   could not be renewed for long this waits until it can, or @transfer (nullable) is stopped.
 *   %VB_ERROR_INTERRUPTED when another host has it; success when it was never taken. Worker thread
 * @is_lost: whether we held it and another host was seen to have it. Any thread, never blocks
 * @is_elsewhere: whether another host was seen to have it. Any thread, never blocks
 */
struct _VbClaimsInterface
{
  GTypeInterface parent_iface;

  gboolean (*take) (VbClaims *self,
                    const char *vps,
                    const char *operation,
                    const char *backup,
                    GError **error);
  void (*give_back) (VbClaims *self, const char *vps);
  gboolean (*confirm) (VbClaims *self, const char *vps, VbTransfer *transfer, GError **error);
  gboolean (*is_lost) (VbClaims *self, const char *vps);
  gboolean (*is_elsewhere) (VbClaims *self, const char *vps);
};

gboolean vb_claims_take (VbClaims *self,
                         const char *vps,
                         const char *operation,
                         const char *backup,
                         GError **error);
void vb_claims_give_back (VbClaims *self, const char *vps);
gboolean vb_claims_confirm (VbClaims *self, const char *vps, VbTransfer *transfer, GError **error);
gboolean vb_claims_is_lost (VbClaims *self, const char *vps);
gboolean vb_claims_is_elsewhere (VbClaims *self, const char *vps);

G_END_DECLS
