/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-staging.h"

G_DEFINE_INTERFACE (VbStaging, vb_staging, G_TYPE_OBJECT)

static void
vb_staging_default_init (VbStagingInterface *iface)
{
}

gboolean
vb_staging_swap (VbStaging *self, GError **error)
{
  return VB_STAGING_GET_IFACE (self)->swap (self, error);
}

gboolean
vb_staging_undo (VbStaging *self, GError **error)
{
  return VB_STAGING_GET_IFACE (self)->undo (self, error);
}

gboolean
vb_staging_finish (VbStaging *self, GError **error)
{
  return VB_STAGING_GET_IFACE (self)->finish (self, error);
}

gboolean
vb_staging_discard (VbStaging *self, GError **error)
{
  return VB_STAGING_GET_IFACE (self)->discard (self, error);
}

gboolean
vb_staging_is_swapped (VbStaging *self)
{
  return VB_STAGING_GET_IFACE (self)->is_swapped (self);
}
