/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-claims.h"

#include "core/base/vb-fault.h"

G_DEFINE_INTERFACE (VbClaims, vb_claims, G_TYPE_OBJECT)

static void
vb_claims_default_init (VbClaimsInterface *iface)
{
}

gboolean
vb_claims_take (VbClaims *self,
                const char *vps,
                const char *operation,
                const char *backup,
                GError **error)
{
  return self == NULL
         || VB_FAULT_AROUND (VB_CLAIMS_GET_IFACE (self)->take (self, vps, operation, backup, error),
                             "claims.take");
}

void
vb_claims_give_back (VbClaims *self, const char *vps)
{
  if (self != NULL)
    VB_CLAIMS_GET_IFACE (self)->give_back (self, vps);
}

gboolean
vb_claims_confirm (VbClaims *self, const char *vps, VbTransfer *transfer, GError **error)
{
  return self == NULL || VB_CLAIMS_GET_IFACE (self)->confirm (self, vps, transfer, error);
}

gboolean
vb_claims_is_lost (VbClaims *self, const char *vps)
{
  return self != NULL && VB_CLAIMS_GET_IFACE (self)->is_lost (self, vps);
}

gboolean
vb_claims_is_elsewhere (VbClaims *self, const char *vps)
{
  return self != NULL && VB_CLAIMS_GET_IFACE (self)->is_elsewhere (self, vps);
}
