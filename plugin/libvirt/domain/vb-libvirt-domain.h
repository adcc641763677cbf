/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-hypervisor.h"
#include "libvirt/connection/vb-libvirt-base.h"
#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/* What is read of a domain. All of it blocks: worker threads only. */

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

/**
 * vb_libvirt_read_xml:
 * @error: (out) (optional): as vb_libvirt_set_error()
 *
 * Returns: (transfer full) (nullable): the live XML if the VPS is on, else the persistent one, just
 * as libvirt gives it; touches no image
 */
VbDomainXml *vb_libvirt_read_xml (virDomainPtr domain, GError **error);

/**
 * vb_libvirt_read_disks:
 * @error: (out) (optional): as vb_libvirt_set_error(); %VB_ERROR_DISK_UNAVAILABLE
 *
 * Returns: (transfer full) (nullable): as vb_libvirt_read_xml(), with all images looked at, see
 * vb_disk_chains_look()
 */
VbDomainXml *vb_libvirt_read_disks (virDomainPtr domain, GError **error);

/** vb_libvirt_read_permanent_disks: Returns: (transfer full) (nullable): likewise, of what the VPS
 * will be when it starts the next time; @named_only: without images that only headers name */
VbDomainXml *
vb_libvirt_read_permanent_disks (virDomainPtr domain, gboolean named_only, GError **error);

G_END_DECLS
