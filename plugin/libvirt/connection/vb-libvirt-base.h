/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

G_BEGIN_DECLS

/* What each call of libvirt needs: handles that free themselves, and its last error as one of
 * ours. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virConnect, virConnectClose)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomainCheckpoint, virDomainCheckpointFree)

/**
 * vb_libvirt_set_error:
 * @error: (out) (optional): where to put the error
 * @format: printf format of what we were doing, such as "Starting the VPS"
 *
 * Sets a #VB_ERROR from libvirt's last error in this thread: %VB_ERROR_NOT_FOUND when there is no
 * such domain, %VB_ERROR_HYPERVISOR_UNAVAILABLE when the connection is the trouble, else
 * %VB_ERROR_INTERNAL.
 */
void vb_libvirt_set_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/** vb_libvirt_last_code: Returns: libvirt's last error code in this thread, a virErrorNumber */
int vb_libvirt_last_code (void);

/** vb_libvirt_last_is_connection: Returns: whether libvirt's last error means that the connection
 * is the trouble */
gboolean vb_libvirt_last_is_connection (void);

/** vb_libvirt_get_uuid: Returns: (transfer full): the domain's UUID in lower case */
char *vb_libvirt_get_uuid (virDomainPtr domain);

G_END_DECLS
