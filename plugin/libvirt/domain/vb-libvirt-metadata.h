/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-util.h"
#include "core/model/vb-schedule.h"
#include "libvirt/xml/vb-xml.h"

G_BEGIN_DECLS

/**
 * VB_LIBVIRT_METADATA_URI:
 *
 * Namespace of our element in a domain's metadata. It holds the number of slots and the schedule:
 *
 * |[
 * <metadata>
 *   <vps-backup:backup xmlns:vps-backup="urn:vps-backup:1">
 *     <vps-backup:slots total="3"/>
 *     <vps-backup:schedule at="03:30" jitter="30m" keep="2" zone="Europe/Berlin"/>
 *   </vps-backup:backup>
 * </metadata>
 * ]|
 *
 * The prefix is the writer's choice, jitter and zone may be left out. What else is in it stays. By
 * hand, with all that it is to hold: `virsh metadata VPS urn:vps-backup:1 --key vps-backup --set
 * "<backup><slots total='3'/></backup>"
 * --live --config`
 */
#define VB_LIBVIRT_METADATA_URI "urn:vps-backup:1"

/** vb_libvirt_metadata_get_slots: @context: of a domain's XML. Returns: the total, or -1 when there
 * is none that makes sense */
gint64 vb_libvirt_metadata_get_slots (xmlXPathContext *context);

/** vb_libvirt_metadata_get_schedule: @context: of a domain's XML. Returns: (transfer full)
 * (nullable): the schedule; %NULL when there is none, and with @error of #VB_ERROR when it makes no
 * sense */
VbSchedule *vb_libvirt_metadata_get_schedule (xmlXPathContext *context, GError **error);

/** vb_libvirt_metadata_set_slots: writes the total, persistent and live; %FALSE with @error of
 * #VB_ERROR. Worker threads */
gboolean vb_libvirt_metadata_set_slots (virDomainPtr domain, guint total, GError **error);

/** vb_libvirt_metadata_set_schedule: likewise; @schedule: (nullable) */
gboolean
vb_libvirt_metadata_set_schedule (virDomainPtr domain, const VbSchedule *schedule, GError **error);

G_END_DECLS
