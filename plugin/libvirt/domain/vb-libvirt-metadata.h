/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-base.h"
#include "libvirt/xml/vb-domain-metadata.h"

G_BEGIN_DECLS

/** vb_libvirt_metadata_set_slots: writes the total, persistent and live; %FALSE with @error of
 * #VB_ERROR. Worker threads */
gboolean vb_libvirt_metadata_set_slots (virDomainPtr domain, guint total, GError **error);

/** vb_libvirt_metadata_set_schedule: likewise; @id: of the schedule; @schedule: (nullable) */
gboolean vb_libvirt_metadata_set_schedule (virDomainPtr domain,
                                           const char *id,
                                           const VbSchedule *schedule,
                                           GError **error);

G_END_DECLS
