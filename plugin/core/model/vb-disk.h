/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-disk-origin.h"

G_BEGIN_DECLS

/**
 * VbDisk:
 * @target: the disk's name in the VPS, such as "vda"
 * @path: absolute path of the image file or block device
 * @format: "qcow2" or "raw"
 * @is_block: whether @path is a block device
 * @is_nvram: whether it is no disk at all but the file of the UEFI variables, which a restore
 * replaces as it does an image
 * @virtual_size_bytes: what the guest sees
 * @allocated_bytes: an estimate of the data that it holds
 * @origin: (nullable): what tells it from others
 * @may_be_overwritten: whether a restore may replace it though the backup does not hold it
 *
 * One writable disk of a VPS as the hypervisor knows it.
 */
typedef struct
{
  char *target;
  char *path;
  char *format;
  gboolean is_block;
  gboolean is_nvram;
  guint64 virtual_size_bytes;
  guint64 allocated_bytes;
  VbDiskOrigin *origin;
  gboolean may_be_overwritten;
} VbDisk;

/** vb_disk_new: Returns: (transfer full): a copy of the given fields with sizes 0 */
VbDisk *vb_disk_new (const char *target, const char *path, const char *format);
VbDisk *vb_disk_copy (const VbDisk *self);
void vb_disk_free (VbDisk *self);

/** vb_disks_allow_overwrite: @disks: (element-type VbDisk): sets may_be_overwritten of all */
void vb_disks_allow_overwrite (GPtrArray *disks);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDisk, vb_disk_free)

G_END_DECLS
