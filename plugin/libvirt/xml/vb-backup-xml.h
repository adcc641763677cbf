/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-domain-xml.h"

G_BEGIN_DECLS

/**
 * vb_backup_xml:
 * @domain: the VPS; every disk is listed, because libvirt would take in those that are not
 * @socket: path for the NBD server's socket
 * @scratch: (element-type utf8 filename): scratch file of each disk that is backed up
 * @base: (nullable): name of the checkpoint to count changes from
 * @base_targets: (element-type utf8 utf8) (nullable): set of the disks that @base has; others are
 * exported whole
 *
 * Returns: (transfer full): XML of a pull-mode backup job; the exports are named by target
 */
char *vb_backup_xml (VbDomainXml *domain,
                     const char *socket,
                     GHashTable *scratch,
                     const char *base,
                     GHashTable *base_targets);

/** vb_backup_xml_bitmap: Returns: (transfer full): name under which changes of @target are
 * exported */
char *vb_backup_xml_bitmap (const char *target);

/**
 * VbBackupJobDisk:
 * @target: the disk
 * @export_name: name of its NBD export
 * @scratch: its scratch file
 * @base: (nullable): name of the checkpoint that changes are counted from
 * @bitmap: (nullable): name under which they are exported
 */
typedef struct
{
  char *target;
  char *export_name;
  char *scratch;
  char *base;
  char *bitmap;
} VbBackupJobDisk;

/**
 * VbBackupJobXml:
 * @socket: the NBD server's socket
 * @disks: (element-type utf8 VbBackupJobDisk): the disks that are read, by target
 *
 * What libvirt says of a pull-mode backup job that runs.
 */
typedef struct
{
  char *socket;
  GHashTable *disks;
} VbBackupJobXml;

/** vb_backup_job_xml_parse: Returns: (transfer full) (nullable): %NULL when @xml is not that of a
 * job as we begin them */
VbBackupJobXml *vb_backup_job_xml_parse (const char *xml);
void vb_backup_job_xml_free (VbBackupJobXml *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbBackupJobXml, vb_backup_job_xml_free)

/**
 * vb_checkpoint_xml:
 * @domain: the VPS; every disk is listed
 * @name: name of the checkpoint, and of its bitmaps
 * @targets: (element-type utf8 utf8): set of the disks that have the bitmap
 * @parent: (nullable): checkpoint that it follows; for redefinition
 * @created_s: Unix time; 0 for a checkpoint that is only being made
 *
 * Returns: (transfer full): XML of a checkpoint
 */
char *vb_checkpoint_xml (VbDomainXml *domain,
                         const char *name,
                         GHashTable *targets,
                         const char *parent,
                         gint64 created_s);

/**
 * vb_checkpoint_xml_targets:
 * @xml: a checkpoint's XML as libvirt gives it
 *
 * Returns: (transfer full) (element-type utf8 utf8): the disks that have a bitmap in it, and the
 * bitmap's name
 */
GHashTable *vb_checkpoint_xml_targets (const char *xml);

/**
 * vb_checkpoint_xml_sizes:
 * @xml: a checkpoint's XML as libvirt gives it when asked for sizes
 *
 * Returns: (transfer full) (element-type utf8 guint64): bytes of each disk that have changed since
 * it
 */
GHashTable *vb_checkpoint_xml_sizes (const char *xml);

G_END_DECLS
