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

/**
 * vb_libvirt_disks_find_unsupported:
 * @xml: (transfer none): what vb_libvirt_read_xml() told of @domain; its images are looked at
 * @limit_us: how long an image may take to answer
 * @sentence: (out) (transfer full) (nullable): what makes backups of @domain impossible
 * @error: (out) (optional): %VB_ERROR_DISK_UNAVAILABLE; as vb_libvirt_set_error()
 *
 * Returns: %FALSE with @error set: it is not known
 */
gboolean vb_libvirt_disks_find_unsupported (virDomainPtr domain,
                                            VbDomainXml *xml,
                                            gint64 limit_us,
                                            char **sentence,
                                            GError **error);

/** vb_libvirt_disks_check_idle: Returns: whether no block job (a copy, a move, a commit of a
 * snapshot) runs on a disk of @domain, which is on; %VB_ERROR_DISK_BUSY */
gboolean vb_libvirt_disks_check_idle (virDomainPtr domain, VbDomainXml *xml, GError **error);

/** vb_libvirt_disks_list: Returns: (transfer full) (nullable) (element-type VbDisk): what a backup
 * holds, with sizes */
GPtrArray *vb_libvirt_disks_list (virDomainPtr domain, GError **error);

G_END_DECLS
