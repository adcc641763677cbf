/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbPinnedAddress:
 *
 * A host that is at certain addresses and nowhere else: connecting to it resolves nothing, so that
 * the addresses that were checked are those that are used, while TLS still checks the certificate
 * against the name.
 */
#define VB_TYPE_PINNED_ADDRESS (vb_pinned_address_get_type ())
G_DECLARE_FINAL_TYPE (VbPinnedAddress, vb_pinned_address, VB, PINNED_ADDRESS, GNetworkAddress)

/** vb_pinned_address_new: @addresses: (element-type GInetAddress): tried in this order; Returns:
 * (transfer full): a #GSocketConnectable */
VbPinnedAddress *vb_pinned_address_new (const char *host, guint16 port, GList *addresses);

G_END_DECLS
