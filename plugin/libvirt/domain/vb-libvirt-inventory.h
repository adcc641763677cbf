/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-connection.h"
#include "vb-libvirt-domain.h"

G_BEGIN_DECLS

/**
 * VbLibvirtInventory:
 *
 * What is known of every VPS. A thread of its own asks libvirt, one VPS after the other, so that
 * answers come in order and a busy VPS is not asked twice at once; a VPS that changes while it is
 * being read is read again. Main context only, but for vb_libvirt_inventory_announce().
 *
 * Signals:
 *  - "changed" (#VbVpsInfo boxed)
 *  - "removed" (UUID string)
 *  - "listed" (): all VPSs were announced since vb_libvirt_inventory_list()
 */
#define VB_TYPE_LIBVIRT_INVENTORY (vb_libvirt_inventory_get_type ())
G_DECLARE_FINAL_TYPE (VbLibvirtInventory, vb_libvirt_inventory, VB, LIBVIRT_INVENTORY, GObject)

VbLibvirtInventory *vb_libvirt_inventory_new (VbConnectionPool *gate);

/** vb_libvirt_inventory_list: after each opening of the connection: announces every VPS, changed or
 * not */
void vb_libvirt_inventory_list (VbLibvirtInventory *self);

/** vb_libvirt_inventory_refresh: something may have changed about @vps */
void vb_libvirt_inventory_refresh (VbLibvirtInventory *self, const char *vps);

/** vb_libvirt_inventory_announce: as refresh, and blocks (for some seconds at most) until the
 * answer is on its way to the main context, ahead of what the caller sends there afterwards. Any
 * thread but the main one */
void vb_libvirt_inventory_announce (VbLibvirtInventory *self, const char *vps);

/** vb_libvirt_inventory_stop: for good; no signal afterwards */
void vb_libvirt_inventory_stop (VbLibvirtInventory *self);

/** vb_libvirt_inventory_read: Returns: (transfer full) (nullable): what @domain is now; worker
 * threads */
VbVpsInfo *vb_libvirt_inventory_read (virDomainPtr domain, GError **error);

G_END_DECLS
