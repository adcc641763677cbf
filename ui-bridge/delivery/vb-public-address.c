/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-public-address.h"

#include <string.h>

/* From the registries of special-purpose addresses (RFC 6890) and of multicast. */
static const char *const not_public_4[] = {
  "0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",   "127.0.0.0/8",     "169.254.0.0/16",
  "172.16.0.0/12",  "192.0.0.0/24",   "192.0.2.0/24",    "192.31.196.0/24", "192.52.193.0/24",
  "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",   "198.51.100.0/24",
  "203.0.113.0/24", "224.0.0.0/3",
};

/* Global unicast is 2000::/3; of that, what is documentation, or wraps an address of version 4. */
#define GLOBAL_6 "2000::/3"
static const char *const not_public_6[]
    = { "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20" };
/* NAT64: what counts is the address of version 4 in its last bytes. */
#define NAT64_6 "64:ff9b::/96"

static gboolean
is_in (GInetAddress *address, const char *network)
{
  g_autoptr (GInetAddressMask) mask = g_inet_address_mask_new_from_string (network, NULL);

  return g_inet_address_mask_matches (mask, address);
}

static gboolean
is_in_any (GInetAddress *address, const char *const *networks, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (is_in (address, networks[i]))
      return TRUE;

  return FALSE;
}

gboolean
vb_public_address_check (GInetAddress *address)
{
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return !is_in_any (address, not_public_4, G_N_ELEMENTS (not_public_4));

  if (is_in (address, NAT64_6))
    {
      const guint8 *bytes = g_inet_address_to_bytes (address);
      g_autoptr (GInetAddress) inner
          = g_inet_address_new_from_bytes (bytes + 12, G_SOCKET_FAMILY_IPV4);

      return vb_public_address_check (inner);
    }

  return is_in (address, GLOBAL_6)
         && !is_in_any (address, not_public_6, G_N_ELEMENTS (not_public_6));
}
