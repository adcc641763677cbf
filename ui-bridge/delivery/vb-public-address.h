/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * vb_public_address_check:
 * @address: what a name has resolved to
 *
 * Any thread. Returns: whether it belongs to the internet at large: not to this machine, a private
 * or local network, a tunnel or another notation of one of those, and nothing that is set apart
 */
gboolean vb_public_address_check (GInetAddress *address);

G_END_DECLS
