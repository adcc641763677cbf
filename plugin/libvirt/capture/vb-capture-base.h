/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-backup-info.h"
#include "core/model/vb-capture.h"
#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/**
 * vb_capture_base_match:
 * @request: what the capture was asked for
 * @base: an earlier backup
 * @candidates: (element-type utf8 utf8): set of the targets whose images have its bitmap
 * @origins: see vb_libvirt_origins_look()
 *
 * Returns: (transfer full) (element-type utf8 utf8) (nullable): target now → target in @base, of
 * the disks that can be read incrementally; %NULL when there is none. The log tells why others are
 * not among them
 */
GHashTable *vb_capture_base_match (const VbCaptureRequest *request,
                                   const VbBackupInfo *base,
                                   GHashTable *candidates,
                                   GHashTable *origins);

/**
 * vb_capture_set_origins:
 * @base: (nullable): the backup that @matched is of
 * @matched: (nullable): as vb_capture_base_match() has returned it
 * @tracked: (nullable): set of the targets that got a bitmap of the new backup
 *
 * Gives each disk of @capture its origin: with the id that its image tells, or that it had in the
 * base, or a new one.
 */
void vb_capture_set_origins (VbCapture *capture,
                             const VbBackupInfo *base,
                             GHashTable *matched,
                             GHashTable *origins,
                             GHashTable *tracked);

G_END_DECLS
