/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbPinnedAddress:
 *
 * A host that is at one address and nowhere else: connecting to it resolves nothing, so that the
 * address that was checked is the one that is used, while TLS still checks the certificate against
 * the name.
 */
#define VB_TYPE_PINNED_ADDRESS (vb_pinned_address_get_type ())
G_DECLARE_FINAL_TYPE (VbPinnedAddress, vb_pinned_address, VB, PINNED_ADDRESS, GNetworkAddress)

/** vb_pinned_address_new: Returns: (transfer full): a #GSocketConnectable */
VbPinnedAddress *vb_pinned_address_new (const char *host, guint16 port, GInetAddress *address);

G_END_DECLS
