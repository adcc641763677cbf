/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-domain.h"

G_BEGIN_DECLS

/**
 * vb_libvirt_dependents_check:
 * @domain: whose disks are to be replaced
 * @error: (out) (optional): %VB_ERROR_DISK_BUSY
 *
 * Whether no other VPS of the host, on or off, has a disk that rests on one of them: a restore
 * would change what that one reads. The log names it; the error does not, since the customer may
 * read it. Another VPS's image that hangs is waited for a few seconds only. Blocks; worker threads.
 */
gboolean vb_libvirt_dependents_check (virDomainPtr domain, GError **error);

G_END_DECLS
