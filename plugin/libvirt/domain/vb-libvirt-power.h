/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-domain.h"

G_BEGIN_DECLS

/* All block and belong into worker threads; errors are of #VB_ERROR. */

/**
 * vb_libvirt_power_do:
 *
 * Does what #VbHypervisorInterface.power says. Starting a VPS that runs and stopping one that does
 * not succeed; restarting one that does not run is %VB_ERROR_INVALID_ARGUMENT.
 */
gboolean
vb_libvirt_power_do (virDomainPtr domain, VbPowerAction action, gboolean force, GError **error);

/**
 * vb_libvirt_power_off:
 * @was: (out) (optional): power state before
 *
 * Cuts the power and waits until the VPS is off. A VPS without persistent definition would cease to
 * exist: %VB_ERROR_UNSUPPORTED_DISK.
 */
gboolean vb_libvirt_power_off (virDomainPtr domain, VbPower *was, GError **error);

/** vb_libvirt_power_restore: starts the VPS if @power is running or paused, and pauses it for the
 * latter */
gboolean vb_libvirt_power_restore (virDomainPtr domain, VbPower power, GError **error);

G_END_DECLS
