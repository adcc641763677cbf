/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "libvirt/xml/vb-domain-xml.h"
#include "core/interfaces/vb-hypervisor.h"

G_BEGIN_DECLS

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

/**
 * vb_libvirt_get_power:
 * @power: (out): the protocol's power state
 * @error: (out) (optional): as vb_libvirt_set_error()
 *
 * Returns: %FALSE with @error set
 */
gboolean vb_libvirt_get_power (virDomainPtr domain, VbPower *power, GError **error);

/**
 * vb_libvirt_is_active:
 * @active: (out): whether a QEMU process runs for the domain, paused or not
 * @error: (out) (optional): as vb_libvirt_set_error()
 *
 * Returns: %FALSE with @error set
 */
gboolean vb_libvirt_is_active (virDomainPtr domain, gboolean *active, GError **error);

/** vb_libvirt_get_uuid: Returns: (transfer full): the domain's UUID in lower case */
char *vb_libvirt_get_uuid (virDomainPtr domain);

/**
 * vb_libvirt_read_xml:
 * @error: (out) (optional): as vb_libvirt_set_error()
 *
 * Returns: (transfer full) (nullable): the live XML if the VPS is on, else the persistent one, just
 * as libvirt gives it; touches no image
 */
VbDomainXml *vb_libvirt_read_xml (virDomainPtr domain, GError **error);

/** vb_libvirt_read_disks: Returns: (transfer full) (nullable): as vb_libvirt_read_xml(), with the
 * links of all paths followed */
VbDomainXml *vb_libvirt_read_disks (virDomainPtr domain, GError **error);

G_END_DECLS
