/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-base.h"
#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/**
 * vb_libvirt_volumes_find:
 *
 * Disks of type "volume" name a storage pool of libvirt and a volume in it: fills in their paths.
 * What is wrong with one is its trouble, or what is unsupported about @xml. Blocks: worker threads.
 *
 * Returns: %FALSE when the connection is the trouble
 */
gboolean vb_libvirt_volumes_find (virConnectPtr connection, VbDomainXml *xml, GError **error);

G_END_DECLS
