/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/domain/vb-libvirt-domain.h"

G_BEGIN_DECLS

/* libvirt's backup jobs. Worker threads; errors are of #VB_ERROR. */

/**
 * vb_libvirt_backup_is_running:
 * @operation: (nullable): only a job of this operation counts
 * @running: (out): whether there is such a job on the VPS
 *
 * Returns: %FALSE with @error when libvirt cannot be asked
 */
gboolean vb_libvirt_backup_is_running (virDomainPtr domain,
                                       const char *operation,
                                       gboolean *running,
                                       GError **error);

/** vb_libvirt_backup_abort: ends the job of @operation and waits until it is gone; success when
 * there is none */
gboolean vb_libvirt_backup_abort (virDomainPtr domain, const char *operation, GError **error);

G_END_DECLS
