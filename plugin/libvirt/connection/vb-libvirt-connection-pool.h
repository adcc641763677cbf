/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-base.h"

G_BEGIN_DECLS

/**
 * VbLibvirtUrgency:
 * @VB_LIBVIRT_NORMAL: one of the places that long calls may fill
 * @VB_LIBVIRT_URGENT: one of those kept free for calls that are short and that somebody waits for
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
 * Where worker threads wait for a connection. Each lease has one for itself: libvirt's client up
 * to 10.3 uses freed memory when a connection on which several threads wait is closed by its
 * keepalive. Any thread; reference counted, because a lease outlives the closing of the pool.
 */
typedef struct _VbConnectionPool VbConnectionPool;

/**
 * VbLibvirtLease:
 *
 * The right to make blocking calls on a connection that no other thread uses meanwhile. A thread
 * holds one at most.
 */
typedef struct _VbLibvirtLease VbLibvirtLease;

/** VbConnectionPoolBroken: a connection has died under a lease; any thread */
typedef void (*VbConnectionPoolBroken) (guint generation, gpointer user_data);

/** VB_CONNECTION_POOL_SIZE: how many connections it is opened with. A VPS whose QEMU hangs keeps one
 * for as long; libvirtd's own threads (max_workers) are 20 */
#define VB_CONNECTION_POOL_SIZE 16

VbConnectionPool *vb_connection_pool_new (void);
VbConnectionPool *vb_connection_pool_ref (VbConnectionPool *self);
void vb_connection_pool_unref (VbConnectionPool *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbConnectionPool, vb_connection_pool_unref)

/** vb_connection_pool_set_broken: @func: (nullable): called until it is set to %NULL */
void vb_connection_pool_set_broken (VbConnectionPool *self,
                                    VbConnectionPoolBroken func,
                                    gpointer user_data);

/** vb_connection_pool_open: @connections: (transfer full) (element-type virConnectPtr): what leases
 * are given on from now on; its free function closes them */
void vb_connection_pool_open (VbConnectionPool *self, GPtrArray *connections);

/** vb_connection_pool_close: Returns: (transfer full) (nullable): the connections that are idle;
 * leases that are out stay usable, and close theirs */
GPtrArray *vb_connection_pool_close (VbConnectionPool *self);

/** vb_connection_pool_stop: nobody waits for a connection any more */
void vb_connection_pool_stop (VbConnectionPool *self);
gboolean vb_connection_pool_is_stopped (VbConnectionPool *self);

/** vb_connection_pool_get_generation: Returns: counts how often the gate was opened or closed */
guint vb_connection_pool_get_generation (VbConnectionPool *self);

/**
 * vb_connection_pool_lease:
 * @urgency: which places to use
 * @wait_s: how long to wait for the hypervisor when it is away
 * @error: (out) (optional): %VB_ERROR_HYPERVISOR_UNAVAILABLE
 *
 * Waits for a free connection, but not for ever. Worker threads.
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
