/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-status-line.h"

static guint
count_operations (GPtrArray *all)
{
  guint n = 0;

  for (guint i = 0; i < all->len; i++)
    n += vb_vps_get_operation (g_ptr_array_index (all, i)) != NULL;
  return n;
}

char *
vb_status_line (VbManager *manager, const VbConfig *config)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (manager);
  VbPoolStatus pool_status;

  if (!vb_hypervisor_is_available (vb_manager_get_hypervisor (manager)))
    return g_strdup_printf ("Waiting for the hypervisor %s", config->libvirt_uri);
  if (!vb_manager_get_pool_status (manager, &pool_status))
    return g_strdup_printf ("Serving %u VPSs; waiting for the pool %s", all->len,
                            config->pool_path);
  return g_strdup_printf ("Serving %u VPSs, %u operations", all->len, count_operations (all));
}
