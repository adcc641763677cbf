/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/layout/vb-nvram.h"
#include "vb-staged-file.h"

G_BEGIN_DECLS

/**
 * vb_nvram_stage:
 * @backup: descriptor of the backup's folder
 * @manifest: of a backup that has variables
 * @file: where to put them
 *
 * Writes the variables of the backup into a new file beside the present one;
 * %VB_ERROR_CHECKSUM_MISMATCH when they are damaged.
 */
gboolean
vb_nvram_stage (int backup, const VbManifest *manifest, VbStagedFile *file, GError **error);

G_END_DECLS
