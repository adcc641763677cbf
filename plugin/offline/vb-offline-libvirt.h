/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/domain/vb-libvirt-domain.h"

G_BEGIN_DECLS

/**
 * vb_offline_connect:
 * @uri: as virConnectOpen() takes it
 * @error: (out) (optional): %VB_ERROR_HYPERVISOR_UNAVAILABLE
 *
 * Returns: (transfer full) (nullable): a connection of a program's own, which prints no errors
 */
virConnect *vb_offline_connect (const char *uri, GError **error);

G_END_DECLS
