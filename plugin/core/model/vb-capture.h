/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-disk-origin.h"

#include "core/base/vb-image-chain.h"

G_BEGIN_DECLS

/**
 * VbConsistency:
 * @VB_CONSISTENCY_CRASH: as after a power cut
 * @VB_CONSISTENCY_FILESYSTEM: the guest agent froze the file systems
 * @VB_CONSISTENCY_OFFLINE: the VPS was shut off
 */
typedef enum
{
  VB_CONSISTENCY_CRASH,
  VB_CONSISTENCY_FILESYSTEM,
  VB_CONSISTENCY_OFFLINE,
} VbConsistency;

/** vb_consistency_to_string: Returns: (transfer none): "crash", "filesystem" or "offline" */
const char *vb_consistency_to_string (VbConsistency consistency);

/** vb_consistency_from_string: unknown words mean %VB_CONSISTENCY_CRASH, the one that promises
 * least */
VbConsistency vb_consistency_from_string (const char *text);

/**
 * VbCaptureDisk:
 * @target: name in the VPS
 * @virtual_size_bytes: what the guest sees
 * @nbd_socket: (nullable): unix socket on which the hypervisor serves the point in time, if the VPS
 * runs
 * @nbd_export: (nullable): name of the export on it
 * @path: (nullable): if the VPS is shut off, the image to be read
 * @chain: (nullable): if so, all images of the disk, with that on top
 * @stamps: (nullable): if so, what the hypervisor knows these images by at the point in time
 * @format: "qcow2" or "raw": of the VPS's image, however it is read
 * @origin: (nullable): what tells it from others
 * @base_target: (nullable): the name that the disk has in @base_backup of the capture, if
 * @changed_context is set
 * @changed_context: (nullable): NBD meta context whose set extents changed since @base_backup of
 * the capture (such as "qemu:dirty-bitmap:backup-vda"); with @path the name of the bitmap in the
 * image that qemu-nbd is to export (-B). %NULL: everything has to be read
 *
 * Where one disk of a point in time can be read.
 */
typedef struct
{
  char *target;
  guint64 virtual_size_bytes;
  char *nbd_socket;
  char *nbd_export;
  char *path;
  VbImageChain *chain;
  GArray *stamps;
  char *format;
  char *changed_context;
  VbDiskOrigin *origin;
  char *base_target;
} VbCaptureDisk;

/**
 * VbSkippedDisk:
 * @target: name in the VPS
 * @reason: "cdrom", "floppy", "readonly", "shareable" or "empty"
 *
 * A disk that is left out of every backup; the manifest lists it.
 */
typedef struct
{
  char *target;
  char *reason;
} VbSkippedDisk;

/**
 * VbCapture:
 * @vps: UUID
 * @backup: id of the backup that it becomes
 * @operation: id of the operation
 * @running: whether the hypervisor holds a backup job for it
 * @resumed: whether it is held since before a restart: what was copied of it then still counts
 * @consistency: what the point in time is worth
 * @domain_xml: the inactive definition
 * @nvram_path: (nullable): file with the UEFI variables
 * @base_backup: (nullable): id of the backup that @changed_context of the disks counts from
 * @full_reason: (nullable): why it is not incremental although backups exist, for the log
 * @disks: (element-type VbCaptureDisk)
 * @skipped: (element-type VbSkippedDisk)
 *
 * A VPS held at one point in time, between begin_capture and end_capture of #VbHypervisor.
 */
typedef struct
{
  char *vps;
  char *backup;
  char *operation;
  gboolean running;
  gboolean resumed;
  VbConsistency consistency;
  char *domain_xml;
  char *nvram_path;
  char *base_backup;
  char *full_reason;
  GPtrArray *disks;
  GPtrArray *skipped;
} VbCapture;

VbCapture *vb_capture_new (const char *vps, const char *backup, const char *operation);
void vb_capture_free (VbCapture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbCapture, vb_capture_free)

/** vb_capture_add_disk: Returns: (transfer none): a new zeroed entry, owned by @self, with its
 * target set */
VbCaptureDisk *vb_capture_add_disk (VbCapture *self, const char *target);
void vb_capture_add_skipped (VbCapture *self, const char *target, const char *reason);

/**
 * VbCaptureRequest:
 * @vps: UUID
 * @backup: id of the backup to be
 * @operation: id of the operation
 * @freeze_timeout_s: 0 never freezes
 * @scratch_reserve_bytes: free space to be left beside the disks
 * @backups: (element-type VbBackupInfo) (nullable): the backups that the VPS has, newest first; the
 * first one with a valid checkpoint becomes the base. Bitmaps of others are not the VPS's own and
 * go
 * @read_all: no base is wanted
 *
 * What a capture is asked for.
 */
typedef struct
{
  const char *vps;
  const char *backup;
  const char *operation;
  guint freeze_timeout_s;
  guint64 scratch_reserve_bytes;
  GPtrArray *backups;
  gboolean read_all;
} VbCaptureRequest;

G_END_DECLS
