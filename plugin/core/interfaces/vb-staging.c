/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-staging.h"

#include "core/base/vb-fault.h"

G_DEFINE_INTERFACE (VbStaging, vb_staging, G_TYPE_OBJECT)

static void
vb_staging_default_init (VbStagingInterface *iface)
{
}

gboolean
vb_staging_swap (VbStaging *self, VbTransfer *transfer, GError **error)
{
  return VB_FAULT_AROUND (VB_STAGING_GET_IFACE (self)->swap (self, transfer, error),
                          "staging.swap");
}

gboolean
vb_staging_is_in_place (VbStaging *self)
{
  return VB_STAGING_GET_IFACE (self)->is_in_place (self);
}

gboolean
vb_staging_can_undo (VbStaging *self)
{
  return VB_STAGING_GET_IFACE (self)->can_undo (self);
}

gboolean
vb_staging_undo (VbStaging *self, GError **error)
{
  return VB_FAULT_AROUND (VB_STAGING_GET_IFACE (self)->undo (self, error), "staging.undo");
}

gboolean
vb_staging_finish (VbStaging *self, GError **error)
{
  return VB_FAULT_AROUND (VB_STAGING_GET_IFACE (self)->finish (self, error), "staging.finish");
}

gboolean
vb_staging_discard (VbStaging *self, GError **error)
{
  return VB_FAULT_AROUND (VB_STAGING_GET_IFACE (self)->discard (self, error), "staging.discard");
}

gboolean
vb_staging_is_swapped (VbStaging *self)
{
  return VB_STAGING_GET_IFACE (self)->is_swapped (self);
}

GHashTable *
vb_staging_dup_restored (VbStaging *self)
{
  VbStagingInterface *iface = VB_STAGING_GET_IFACE (self);
  return iface->dup_restored ? iface->dup_restored (self) : NULL;
}
