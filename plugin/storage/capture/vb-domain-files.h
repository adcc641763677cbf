/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-capture.h"
#include "storage/layout/vb-manifest.h"

G_BEGIN_DECLS

/**
 * VbDomainFiles:
 *
 * What of a VPS belongs into a backup beside its disks: `domain.xml` and, if it has UEFI variables,
 * `nvram.fd`.
 */
typedef struct _VbDomainFiles VbDomainFiles;

/** vb_domain_files_new: Returns: (transfer full) (nullable): that of @capture, with the UEFI
 * variables read */
VbDomainFiles *vb_domain_files_new (const VbCapture *capture, GError **error);
void vb_domain_files_free (VbDomainFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDomainFiles, vb_domain_files_free)

/**
 * vb_domain_files_write:
 * @folder: descriptor of the backup's folder
 * @keep: leave what an earlier run has written: nobody else holds it as it was at the point in time
 * @manifest: where it is said whether there are UEFI variables, and with which checksum
 *
 * Writes and syncs the files.
 */
gboolean vb_domain_files_write (VbDomainFiles *self,
                                int folder,
                                gboolean keep,
                                VbManifest *manifest,
                                GError **error);

G_END_DECLS
