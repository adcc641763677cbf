/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manifest.h"

G_BEGIN_DECLS

/* The UEFI variables of a VPS: one small file, kept whole in the backup as `nvram.fd` and replaced
 * by a restore as a disk's image is. */

#define VB_NVRAM_FILE "nvram.fd"
#define VB_NVRAM_MAX_BYTES (64 * 1024 * 1024)

/**
 * vb_nvram_read:
 * @path: file with the variables
 * @length: (out): its bytes
 *
 * Returns: (transfer full) (nullable): its content
 */
char *vb_nvram_read (const char *path, gsize *length, GError **error);

/** vb_nvram_sum: Returns: (transfer full): the checksum that the manifest keeps, in hexadecimal */
char *vb_nvram_sum (const char *data, gsize length);

/**
 * vb_nvram_load:
 * @backup: descriptor of the backup's folder
 * @manifest: of a backup that has variables
 * @length: (out): their bytes
 *
 * Returns: (transfer full) (nullable): the variables; %NULL with %VB_ERROR_CHECKSUM_MISMATCH when
 * they are damaged
 */
char *vb_nvram_load (int backup, const VbManifest *manifest, gsize *length, GError **error);

G_END_DECLS
