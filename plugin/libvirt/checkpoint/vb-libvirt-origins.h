/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-disk.h"
#include "libvirt/domain/vb-libvirt-domain.h"
#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/* What tells the disks of a VPS from each other, and what they rest on. Blocks; worker threads. */

/**
 * vb_libvirt_origins_look:
 * @ids: (element-type utf8 utf8): target → id, as far as the images tell, see vb-disk-mark.h
 *
 * Returns: (transfer full) (element-type utf8 VbDiskOrigin): target → what is known of each disk
 * that is backed up
 */
GHashTable *vb_libvirt_origins_look (const VbDomainXml *xml, GHashTable *ids);

/** vb_libvirt_origins_fill: sets the origins of @disks (element-type VbDisk), of @domain */
void vb_libvirt_origins_fill (virDomainPtr domain, GPtrArray *disks);

G_END_DECLS
