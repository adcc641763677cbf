/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-base.h"

G_BEGIN_DECLS

/**
 * VbLibvirtUrgency:
 * @VB_LIBVIRT_NORMAL: one of three places, which long calls may fill
 * @VB_LIBVIRT_URGENT: the fourth place, kept free for calls that are short and that somebody waits
 * for
 *
 * libvirtd serves five requests of a client at a time; we keep to four.
 */
typedef enum
{
  VB_LIBVIRT_NORMAL,
  VB_LIBVIRT_URGENT,
  VB_LIBVIRT_N_URGENCIES,
} VbLibvirtUrgency;

/**
 * VbConnectionPool:
 *
 * Where worker threads wait for the connection, and for a place on it. Any thread; reference
 * counted, because a lease outlives whoever closes the gate.
 */
typedef struct _VbConnectionPool VbConnectionPool;

/**
 * VbLibvirtLease:
 *
 * The right to make blocking calls on the connection, and a reference to it. A thread holds one at
 * most.
 */
typedef struct _VbLibvirtLease VbLibvirtLease;

VbConnectionPool *vb_connection_pool_new (void);
VbConnectionPool *vb_connection_pool_ref (VbConnectionPool *self);
void vb_connection_pool_unref (VbConnectionPool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbConnectionPool, vb_connection_pool_unref)

/** vb_connection_pool_open: @connection: (transfer full): what leases are given on from now on */
void vb_connection_pool_open (VbConnectionPool *self, virConnectPtr connection);

/** vb_connection_pool_close: Returns: (transfer full) (nullable): the connection; leases that are
 * out stay usable */
virConnectPtr vb_connection_pool_close (VbConnectionPool *self);

/** vb_connection_pool_stop: nobody waits for a connection any more */
void vb_connection_pool_stop (VbConnectionPool *self);
gboolean vb_connection_pool_is_stopped (VbConnectionPool *self);

/** vb_connection_pool_get_generation: Returns: counts how often the gate was opened or closed */
guint vb_connection_pool_get_generation (VbConnectionPool *self);

/**
 * vb_connection_pool_lease:
 * @urgency: which places to use
 * @wait_s: how long to wait for a connection when there is none
 * @error: (out) (optional): %VB_ERROR_HYPERVISOR_UNAVAILABLE
 *
 * Waits for a free place. Worker threads.
 *
 * Returns: (transfer full) (nullable): a lease
 */
VbLibvirtLease *vb_connection_pool_lease (VbConnectionPool *self,
                                          VbLibvirtUrgency urgency,
                                          guint wait_s,
                                          GError **error);

/** vb_libvirt_lease_get: Returns: (transfer none): the connection, valid as long as the lease */
virConnectPtr vb_libvirt_lease_get (VbLibvirtLease *lease);
/** vb_libvirt_lease_get_generation: Returns: the gate's generation when the lease was given */
guint vb_libvirt_lease_get_generation (VbLibvirtLease *lease);
/** vb_libvirt_lease_lookup: Returns: (transfer full) (nullable): the domain of that UUID, or @error
 * of #VB_ERROR */
virDomainPtr vb_libvirt_lease_lookup (VbLibvirtLease *lease, const char *vps, GError **error);
void vb_libvirt_lease_free (VbLibvirtLease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbLibvirtLease, vb_libvirt_lease_free)

G_END_DECLS
