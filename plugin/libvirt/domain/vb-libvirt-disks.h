/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-domain.h"

G_BEGIN_DECLS

/* Worker threads; errors are of #VB_ERROR. */

/**
 * vb_libvirt_disks_read:
 *
 * Returns: (transfer full) (nullable): the VPS's disks with all images looked at;
 * %VB_ERROR_UNSUPPORTED_DISK, with the sentence that names the disk, when it cannot be backed up
 */
VbDomainXml *vb_libvirt_disks_read (virDomainPtr domain, GError **error);

/** vb_libvirt_disks_list: Returns: (transfer full) (nullable) (element-type VbDisk): what a backup
 * holds, with sizes */
GPtrArray *vb_libvirt_disks_list (virDomainPtr domain, GError **error);

G_END_DECLS
