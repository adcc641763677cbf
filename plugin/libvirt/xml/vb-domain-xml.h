/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "core/base/vb-image-chain.h"
#include "core/model/vb-schedules.h"

G_BEGIN_DECLS

/**
 * VbDomainDisk:
 * @target: the disk's name in the VPS
 * @path: (nullable): image file or block device; %NULL for a skipped disk, and for a volume that
 * was not looked up yet
 * @pool: (nullable): storage pool of libvirt that @volume is in, for a disk of type "volume"
 * @format: (nullable): "qcow2" or "raw"; %NULL for a skipped disk
 * @is_block: whether @path is a block device
 * @lower: (element-type VbImageLayer): the images below it, as far as the XML tells them
 * @is_ended: whether the XML tells that there is nothing below the last of them
 * @is_remote: whether the next one is not a file or device of this host
 * @chain: (nullable): all its images, once vb_libvirt_read_disks() has looked at them
 * @trouble: (nullable): why they cannot be used
 * @skipped: (nullable): why it is left out of every backup, a reason of #VbSkippedDisk
 *
 * One disk of a domain.
 */
typedef struct
{
  char *target;
  char *path;
  char *format;
  char *pool;
  char *volume;
  gboolean is_block;
  GPtrArray *lower;
  gboolean is_ended;
  gboolean is_remote;
  VbImageChain *chain;
  GError *trouble;
  const char *skipped;
} VbDomainDisk;

/**
 * VbDomainXml:
 * @disks: (element-type VbDomainDisk): in the order of the XML
 * @unsupported: (nullable): translated sentence that names the disk or device that makes backups
 * impossible
 * @nvram_path: (nullable): file with the UEFI variables
 * @slots_total: total in the metadata, or -1
 * @schedules: (nullable) (element-type VbSchedule): schedules in the metadata
 * @schedule_error: (nullable): why one that is there cannot be used
 * @no_bitmaps: whether the metadata says that no bitmap is to be kept on the disks
 * @agent_connected: whether the guest agent has opened its channel
 * @qemu_uid: user that the domain's QEMU process runs as, or -1 when the XML does not tell
 * @qemu_gid: likewise its group
 *
 * What backups need to know of a domain's XML.
 */
typedef struct
{
  GPtrArray *disks;
  char *unsupported;
  char *nvram_path;
  gint64 slots_total;
  GPtrArray *schedules;
  GError *schedule_error;
  gboolean no_bitmaps;
  gboolean agent_connected;
  gint64 qemu_uid;
  gint64 qemu_gid;
} VbDomainXml;

/**
 * vb_domain_xml_parse:
 * @xml: a domain's XML as libvirt gives it
 * @error: (out) (optional): %VB_ERROR_INTERNAL
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): what it says
 */
VbDomainXml *vb_domain_xml_parse (const char *xml, GError **error);
void vb_domain_xml_free (VbDomainXml *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDomainXml, vb_domain_xml_free)

/** vb_domain_xml_find_disk: Returns: (transfer none) (nullable): the disk of that target, skipped
 * ones too */
VbDomainDisk *vb_domain_xml_find_disk (VbDomainXml *self, const char *target);

G_END_DECLS
