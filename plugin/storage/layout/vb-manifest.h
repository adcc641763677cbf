/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-backup-info.h"
#include "core/model/vb-capture.h"

G_BEGIN_DECLS

#define VB_MANIFEST_FILE "manifest.json"

/* A longer manifest is not one of ours. */
#define VB_MANIFEST_MAX_BYTES (1024 * 1024)

/**
 * VbManifest:
 * @info: the backup; its disks are in the same order as @formats
 * @host: name of the host that made it
 * @base: (nullable): id of the backup from which unchanged parts were taken
 * @has_nvram: whether there is a file with UEFI variables
 * @nvram_sum: (nullable): its checksum, see vb_nvram_sum()
 * @formats: (element-type utf8): format of each original disk, "qcow2" or "raw"
 * @skipped: (element-type VbSkippedDisk): disks that were left out
 *
 * `manifest.json`: what a backup is, enough to list, check and restore it on another host.
 *
 * | member | type | |
 * |---|---|---|
 * | `format` | string | "vps-backup" |
 * | `version` | integer | 1 |
 * | `id`, `vps` | string | UUIDs of the backup and the VPS |
 * | `vps_name`, `name` | string | |
 * | `host`, `software` | string | what made it |
 * | `created_at`, `completed_at` | string or null | RFC 3339, UTC: point in time, and when it
 * became available | | `consistency` | string | "filesystem", "crash" or "offline" | |
 * `incremental` | boolean | whether only changes were read for it | | `protected` | boolean, may be
 * missing | whether it may not be deleted before somebody takes that back | | `base` | string or
 * null | id of the backup that it shares unchanged parts with; nothing depends on it | |
 * `size_bytes` | integer | data of all disks | | `sums` | string | "xxh3-128" | | `chunk_bytes` |
 * integer | bytes of each checksum, 1048576 | | `domain_xml` | string | "domain.xml" | | `nvram` |
 * string or null | "nvram.fd" | | `nvram_sum` | string or null | its XXH3-128, hexadecimal | |
 * `disks` | array of objects | `target`, `format` (of the original), `virtual_size_bytes`,
 * `size_bytes`, `image`, `sums` (file names) | | `skipped` | array of objects | `target`, `reason`
 * |
 *
 * `sequence` (integer, not in older backups) is its place in the order of making, whatever the
 * clock said. A disk also has, but not in older backups, `id` (UUID: the same in each backup of
 * that disk), `path` (string or null: of the image it was read from), `tracked` (boolean: its image
 * got a bitmap of this backup) and `layers` (array or null when unknown: `path`, `inode`,
 * `size_bytes`, `modified_ns`, `changed_ns` of each image below it, top first): what an incremental
 * backup and a restore of changes rely on.
 *
 * Unknown members are ignored, an unknown version is refused. Versions: 1 is the first.
 */
typedef struct
{
  VbBackupInfo *info;
  char *host;
  char *base;
  gboolean has_nvram;
  char *nvram_sum;
  GPtrArray *formats;
  GPtrArray *skipped;
} VbManifest;

/** vb_manifest_new: Returns: (transfer full): of @info (copied), with nothing in the other fields
 * but this host's name */
VbManifest *vb_manifest_new (const VbBackupInfo *info);
void vb_manifest_free (VbManifest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbManifest, vb_manifest_free)

/** vb_manifest_add_skipped: lists a disk that was left out */
void vb_manifest_add_skipped (VbManifest *self, const char *target, const char *reason);

/**
 * vb_manifest_parse:
 * @text: what may be a manifest
 * @length: its bytes
 *
 * Returns: (transfer full) (nullable): %NULL with %VB_ERROR_CHECKSUM_MISMATCH when any part of it
 * is not as it should be
 */
VbManifest *vb_manifest_parse (const char *text, gsize length, GError **error);

/** vb_manifest_to_text: Returns: (transfer full): JSON */
char *vb_manifest_to_text (const VbManifest *self);

/**
 * vb_manifest_load:
 * @folder: descriptor of a backup's folder
 * @vps: UUID of its VPS
 * @backup: its id
 *
 * Returns: (transfer full) (nullable): its manifest; %NULL with %VB_ERROR_CHECKSUM_MISMATCH when it
 *   is not whole, cannot be read or belongs to another backup, and with %VB_ERROR_INTERNAL when a
 *   newer version is needed for it
 */
VbManifest *vb_manifest_load (int folder, const char *vps, const char *backup, GError **error);

/** vb_manifest_image_name: Returns: (transfer full): file name of the image of @target */
char *vb_manifest_image_name (const char *target);

/** vb_manifest_sums_name: Returns: (transfer full): file name of its checksums */
char *vb_manifest_sums_name (const char *target);

/** vb_manifest_is_target: whether @target can be a disk's name, and so part of a file name */
gboolean vb_manifest_is_target (const char *target);

G_END_DECLS
