/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-domain.h"

G_BEGIN_DECLS

/* libvirt makes and reverts no snapshot of a VPS that is off and has a checkpoint, and QEMU reverts
 * to no internal snapshot beside a bitmap. All block, but only for short: no image is read and no
 * QEMU is asked. */

/** VB_LIBVIRT_OURS: begins the name of each checkpoint and bitmap of ours */
#define VB_LIBVIRT_OURS "vps-backup"

/** vb_libvirt_obstacles_exist: whether checkpoints or bitmaps of ours are, or may be, in the way of
 * the snapshots of @domain */
gboolean vb_libvirt_obstacles_exist (virDomainPtr domain);

/** vb_libvirt_obstacles_has_records: whether libvirt knows a checkpoint of ours */
gboolean vb_libvirt_obstacles_has_records (virDomainPtr domain);

/**
 * vb_libvirt_obstacles_look:
 * @snapshots: (element-type utf8 gint): UUID → number of internal snapshots at the last look;
 * updated
 *
 * Asks about all VPSs at once for those that are concerned only, since no event tells of a snapshot
 * of a VPS that is off.
 *
 * Returns: (transfer full) (element-type utf8): UUIDs of the VPSs in whose snapshots' way something
 * has come
 */
GPtrArray *vb_libvirt_obstacles_look (virConnectPtr connection, GHashTable *snapshots);

G_END_DECLS
