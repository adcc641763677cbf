/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "core/model/vb-schedule.h"

G_BEGIN_DECLS

/**
 * VbDomainDisk:
 * @target: the disk's name in the VPS
 * @path: (nullable): image file or block device; %NULL for a skipped disk
 * @format: (nullable): "qcow2" or "raw"; %NULL for a skipped disk
 * @is_block: whether @path is a block device
 * @backing: (element-type filename): the images below it, as far as the XML tells them
 * @skipped: (nullable): why it is left out of every backup, a reason of #VbSkippedDisk
 *
 * One disk of a domain.
 */
typedef struct
{
  char *target;
  char *path;
  char *format;
  gboolean is_block;
  GPtrArray *backing;
  const char *skipped;
} VbDomainDisk;

/**
 * VbDomainXml:
 * @disks: (element-type VbDomainDisk): in the order of the XML
 * @unsupported: (nullable): translated sentence that names the disk or device that makes backups
 * impossible
 * @nvram_path: (nullable): file with the UEFI variables
 * @slots_total: total in the metadata, or -1
 * @schedule: (nullable): schedule in the metadata
 * @schedule_error: (nullable): why the one that is there cannot be used
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
  VbSchedule *schedule;
  GError *schedule_error;
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

/**
 * vb_domain_xml_resolve_links:
 *
 * An image that is reached through a link is replaced, and has its scratch file, where it really
 * is: follows the links of all paths. Blocks as long as a hung file system does, so never for what
 * the list of VPSs waits for.
 */
void vb_domain_xml_resolve_links (VbDomainXml *self);

/** vb_domain_xml_find_disk: Returns: (transfer none) (nullable): the disk of that target, skipped
 * ones too */
VbDomainDisk *vb_domain_xml_find_disk (VbDomainXml *self, const char *target);

G_END_DECLS
