/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libvirt/libvirt.h>

#include "vb-doctor.h"

G_BEGIN_DECLS

/** vb_doctor_vps_check: one VPS: whether it can be backed up, what makes that dearer, whether its
 * agent answers */
void vb_doctor_vps_check (VbDoctor *self, virDomainPtr domain);

G_END_DECLS
