/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-capture.h"
#include "vb-manifest.h"

G_BEGIN_DECLS

/**
 * VbDefinition:
 *
 * What of a VPS belongs into a backup beside its disks: `domain.xml` and, if it has UEFI variables, `nvram.fd`.
 */
typedef struct _VbDefinition VbDefinition;

/** vb_definition_new: Returns: (transfer full) (nullable): that of @capture, with the UEFI variables read */
VbDefinition *vb_definition_new (const VbCapture *capture, GError **error);
void vb_definition_free (VbDefinition *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDefinition, vb_definition_free)

/**
 * vb_definition_write:
 * @folder: descriptor of the backup's folder
 * @keep: leave what an earlier run has written: nobody else holds it as it was at the point in time
 * @manifest: where it is said whether there are UEFI variables, and with which checksum
 *
 * Writes and syncs the files.
 */
gboolean vb_definition_write (VbDefinition *self, int folder, gboolean keep, VbManifest *manifest, GError **error);

G_END_DECLS
