/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-hypervisor.h"

G_BEGIN_DECLS

/**
 * VbLibvirtHypervisor:
 *
 * #VbHypervisor on libvirt and QEMU.
 */
#define VB_TYPE_LIBVIRT_HYPERVISOR (vb_libvirt_hypervisor_get_type ())
G_DECLARE_FINAL_TYPE (VbLibvirtHypervisor, vb_libvirt_hypervisor, VB, LIBVIRT_HYPERVISOR, GObject)

/**
 * vb_libvirt_hypervisor_new:
 * @uri: libvirt connection URI, such as "qemu:///system"
 * @runtime_folder: where each live capture gets a folder for QEMU's NBD socket (and for scratch
 * files of block devices, so not a small tmpfs); made when missing. QEMU's user has to be able to
 * enter it, else a folder below /run/vps-backup or in /tmp is taken
 *
 * libvirt's events come through the event loop that the process has registered with libvirt; if it
 * has none, start() registers libvirt's own, which runs on the default main context.
 *
 * Returns: (transfer full): a hypervisor; it does nothing before vb_hypervisor_start()
 */
VbLibvirtHypervisor *vb_libvirt_hypervisor_new (const char *uri, const char *runtime_folder);

G_END_DECLS
