/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbAddressLimiter:
 *
 * What is known of the addresses that connect: how many connections each has, and how often it has
 * come with a bad token of late. An IPv6 host has a whole /64, so that counts as one address.
 * Bounded however many addresses come. Main context only.
 */
typedef struct _VbAddressLimiter VbAddressLimiter;

VbAddressLimiter *vb_address_limiter_new (void);
void vb_address_limiter_free (VbAddressLimiter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbAddressLimiter, vb_address_limiter_free)

/** vb_address_limiter_unmap: Returns: (transfer full): the IPv4 address in an IPv6 one, which a
 * socket that listens for both gives out, else @address itself */
GInetAddress *vb_address_limiter_unmap (GInetAddress *address);

/** vb_address_limiter_key: Returns: (transfer full): the name under which @address is counted */
char *vb_address_limiter_key (GInetAddress *address);

/** vb_address_limiter_is_local: whether @address is this machine, where proxies are: what comes
 * through one comes from many */
gboolean vb_address_limiter_is_local (GInetAddress *address);

/** vb_address_limiter_enter: counts a connection; Returns: %FALSE, and it is not counted, when
 * there are @maximum */
gboolean vb_address_limiter_enter (VbAddressLimiter *self, const char *key, guint maximum);
void vb_address_limiter_leave (VbAddressLimiter *self, const char *key);

/**
 * vb_address_limiter_fail:
 * @now_us: monotonic
 *
 * Counts a bad token. The first few cost nothing, for keys are exchanged and clocks are wrong; each
 * further one waits twice as long as the one before; ten seconds without any take one back.
 *
 * Returns: milliseconds that the answer should wait
 */
guint vb_address_limiter_fail (VbAddressLimiter *self, const char *key, gint64 now_us);

/** vb_address_limiter_get_size: Returns: addresses that it knows */
guint vb_address_limiter_get_size (VbAddressLimiter *self);

G_END_DECLS
