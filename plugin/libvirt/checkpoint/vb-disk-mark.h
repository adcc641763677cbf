/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/domain/vb-libvirt-domain.h"
#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/* Bitmaps of a backup have one name on all disks, so they do not tell the disks apart. Where a VPS
 * has several disks that can hold bitmaps, each gets one more whose name is an id of the disk: it
 * goes wherever the image goes, also into a copy. Nothing reads its bits.
 *
 * All block and belong into worker threads. */

/** vb_disk_mark_name: Returns: (transfer full): name of the bitmap, and of libvirt's checkpoint */
char *vb_disk_mark_name (const char *vps, const char *id);

/** vb_disk_mark_is_ours: whether the name is that of a mark, of whatever VPS */
gboolean vb_disk_mark_is_ours (const char *name);

/** vb_disk_mark_is_of: whether a mark is one of @domain */
gboolean vb_disk_mark_is_of (const char *name, virDomainPtr domain);

/**
 * vb_disk_marks_read:
 * @xml: XML of @domain
 *
 * Returns: (transfer full) (element-type utf8 utf8): target → id of the disks that have a mark of
 * this VPS; those that share one with another disk are left out
 */
GHashTable *vb_disk_marks_read (virDomainPtr domain, VbDomainXml *xml);

/**
 * vb_disk_marks_ensure:
 *
 * Likewise, after each disk that can hold bitmaps has got a mark, if there are several. One that
 * cannot get it has none, which the log tells.
 */
GHashTable *vb_disk_marks_ensure (virDomainPtr domain, VbDomainXml *xml);

G_END_DECLS
