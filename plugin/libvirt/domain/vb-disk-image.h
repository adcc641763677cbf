/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/* Image files themselves, mostly through qemu-img, which runs without shell, with a clean
 * environment, and opens nothing but the descriptor that it gets. All block and belong into worker
 * threads; errors are of #VB_ERROR. */

/**
 * VbDiskImage:
 * @virtual_size_bytes: what the guest sees
 * @actual_size_bytes: blocks that the image and all below it take on their file systems
 * @bitmaps: (element-type utf8 gboolean): names of the dirty bitmaps in the image; the value says
 * whether it can be trusted, which is not so while a VPS uses the image or after its QEMU died
 * @in_use: (element-type utf8): names of those that a QEMU has open, or had when it died
 * @snapshots: (element-type utf8): names of the internal snapshots in the image
 *
 * What an image says of itself.
 */
typedef struct
{
  guint64 virtual_size_bytes;
  guint64 actual_size_bytes;
  GHashTable *bitmaps;
  GPtrArray *in_use;
  GPtrArray *snapshots;
} VbDiskImage;

/** vb_disk_image_read: Returns: (transfer full) (nullable): works on images in use, too; @disk as
 * vb_libvirt_read_disks() gives it: %VB_ERROR_DISK_MISSING, or its trouble */
VbDiskImage *vb_disk_image_read (const VbDomainDisk *disk, GError **error);

/** vb_disk_image_read_top: Returns: (transfer full) (nullable): likewise, without what is below */
VbDiskImage *vb_disk_image_read_top (const VbDomainDisk *disk, GError **error);

/** vb_disk_image_says_chain: @has_chain: (out): whether the image says itself that it rests on
 * another */
gboolean vb_disk_image_says_chain (const VbDomainDisk *disk, gboolean *has_chain, GError **error);
void vb_disk_image_free (VbDiskImage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDiskImage, vb_disk_image_free)

/** vb_disk_image_can_hold_bitmaps: Returns: whether the image is a qcow2 of version 3 or later */
gboolean vb_disk_image_can_hold_bitmaps (const VbDomainDisk *disk);

/** vb_disk_image_allocated: Returns: bytes of the image's file and of those below it that the XML
 * tells, 0 if unknown */
guint64 vb_disk_image_allocated (const VbDomainDisk *disk);

/** vb_disk_image_add_bitmap: an enabled, persistent bitmap with nothing dirty; VPS off */
gboolean vb_disk_image_add_bitmap (const VbDomainDisk *disk, const char *bitmap, GError **error);

/** vb_disk_image_remove_bitmap: VPS off; the bitmap must exist */
gboolean vb_disk_image_remove_bitmap (const VbDomainDisk *disk, const char *bitmap, GError **error);

/** vb_disk_image_add_mark: a bitmap whose name is what it is for, as coarse as can be; VPS off */
gboolean vb_disk_image_add_mark (const VbDomainDisk *disk, const char *bitmap, GError **error);

G_END_DECLS
