/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-backup-info.h"
#include "libvirt/xml/vb-domain-xml.h"
#include "libvirt/domain/vb-libvirt-domain.h"

G_BEGIN_DECLS

/* A QEMU that is killed leaves every bitmap that it had open marked as in use. Nobody can use such
 * a bitmap again, and while it is there QEMU refuses to resize the disk. These remove those that
 * are ours, with libvirt's record of them, and never another program's. What cannot be removed now
 * is logged and left to the next time: none of it is needed for a backup. Both block and belong
 * into worker threads. */

/**
 * vb_libvirt_checkpoint_repair_offline:
 * @domain: is off
 * @images: (element-type utf8 VbDiskImage): its images by the targets of their disks
 * @backups: (element-type VbBackupInfo) (nullable): all that the VPS has; bitmaps of others came
 * with an image that was another VPS's, and go as well
 */
void
vb_libvirt_checkpoint_repair_offline (virDomainPtr domain, GHashTable *images, GPtrArray *backups);

/**
 * vb_libvirt_checkpoint_repair_online:
 * @domain: is on
 * @xml: its XML
 * @backups: as above
 */
void
vb_libvirt_checkpoint_repair_online (virDomainPtr domain, VbDomainXml *xml, GPtrArray *backups);

G_END_DECLS
