/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-capture.h"
#include "libvirt/domain/vb-libvirt-domain.h"

G_BEGIN_DECLS

/* What has changed since a backup, for a restore that writes back only that. Each of the VPS's
 * disks must have a whole bitmap of the backup's checkpoint, else %VB_ERROR_NOT_FOUND. Worker
 * threads. */

/** vb_libvirt_delta_measure: @bytes: (out): how much has changed at most; the VPS may be on or
 * off */
gboolean
vb_libvirt_delta_measure (virDomainPtr domain, const char *backup, guint64 *bytes, GError **error);

/** vb_libvirt_delta_begin: Returns: (transfer full) (nullable): where to find what has changed; the
 * VPS is off */
VbCapture *vb_libvirt_delta_begin (virDomainPtr domain,
                                   const char *vps,
                                   const char *operation,
                                   const char *backup,
                                   GError **error);

G_END_DECLS
