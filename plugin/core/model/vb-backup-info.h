/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "vb-capture.h"
#include "vb-disk-origin.h"

G_BEGIN_DECLS

/**
 * VbBackupDisk:
 * @target: name in the VPS
 * @virtual_size_bytes: what the guest saw
 * @size_bytes: allocated data that the snapshot holds of it
 * @origin: (nullable): what tells it from others; %NULL in a backup of an older version
 */
typedef struct
{
  char *target;
  guint64 virtual_size_bytes;
  guint64 size_bytes;
  VbDiskOrigin *origin;
} VbBackupDisk;

/**
 * VbBackupInfo:
 * @id: UUID of the backup
 * @vps: UUID of the VPS
 * @vps_name: name of the VPS when it was made
 * @name: what the customer called it
 * @sequence: its place in the order of making among the backups of the VPS, from 1; 0 in one of an
 * older version, which comes before all that have one
 * @created_at: (nullable): point in time, UTC
 * @completed_at: (nullable): when it became available, UTC
 * @size_bytes: data of all disks together
 * @unique_bytes: what deleting it would free, or -1 while unknown
 * @consistency: what it is worth
 * @incremental: whether only changes were read for it
 * @is_protected: whether it may not be deleted before somebody takes that back
 * @is_scheduled: whether a schedule made it, and may replace it
 * @schedule: (nullable): id of that schedule; %NULL in one of an older version
 * @disks: (element-type VbBackupDisk)
 *
 * What is known of a backup; what a pool writes into and reads from its manifest. Plain data that
 * may be passed between threads, never shared between them.
 */
typedef struct
{
  char *id;
  char *vps;
  char *vps_name;
  char *name;
  guint64 sequence;
  GDateTime *created_at;
  GDateTime *completed_at;
  guint64 size_bytes;
  gint64 unique_bytes;
  VbConsistency consistency;
  gboolean incremental;
  gboolean is_protected;
  gboolean is_scheduled;
  char *schedule;
  GPtrArray *disks;
} VbBackupInfo;

VbBackupInfo *vb_backup_info_new (const char *id, const char *vps);
VbBackupInfo *vb_backup_info_copy (const VbBackupInfo *self);
void vb_backup_info_free (VbBackupInfo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbBackupInfo, vb_backup_info_free)

/** vb_backup_info_get_schedule: Returns: (transfer none) (nullable): id of the schedule that made
 * it */
const char *vb_backup_info_get_schedule (const VbBackupInfo *self);

/** vb_backup_info_compare: of two backups of one VPS the newer one comes first,
 * whatever the clock said. Returns: as strcmp(3) */
gint vb_backup_info_compare (const VbBackupInfo *left, const VbBackupInfo *right);

/** vb_backup_info_add_disk: Returns: (transfer none): the new entry, owned by @self */
VbBackupDisk *vb_backup_info_add_disk (VbBackupInfo *self, const char *target);

/** vb_backup_info_take_disks: replaces the disks of @self by copies of those of @from */
void vb_backup_info_take_disks (VbBackupInfo *self, const VbBackupInfo *from);

G_END_DECLS
