/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-schedule.h"
#include "vb-xml.h"

G_BEGIN_DECLS

/**
 * VB_DOMAIN_METADATA_URI:
 *
 * Namespace of our element in a domain's metadata. It holds the number of slots, the schedule, and,
 * where no bitmap is to stay on the disks, that:
 *
 * |[
 * <metadata>
 *   <vps-backup:backup xmlns:vps-backup="urn:vps-backup:1">
 *     <vps-backup:slots total="3"/>
 *     <vps-backup:schedule at="03:30" jitter="30m" keep="2" zone="Europe/Berlin"/>
 *     <vps-backup:bitmaps keep="no"/>
 *   </vps-backup:backup>
 * </metadata>
 * ]|
 *
 * The prefix is the writer's choice, jitter and zone may be left out. What else is in it stays. By
 * hand, with all that it is to hold: `virsh metadata VPS urn:vps-backup:1 --key vps-backup --set
 * "<backup><slots total='3'/></backup>"
 * --live --config`
 */
#define VB_DOMAIN_METADATA_URI "urn:vps-backup:1"

/** vb_domain_metadata_get_slots: @context: of a domain's XML. Returns: the total, or -1 when there
 * is none that makes sense */
gint64 vb_domain_metadata_get_slots (xmlXPathContext *context);

/** vb_domain_metadata_forbids_bitmaps: @context: of a domain's XML. Returns: whether no bitmap is
 * to stay on the disks */
gboolean vb_domain_metadata_forbids_bitmaps (xmlXPathContext *context);

/** vb_domain_metadata_get_schedule: @context: of a domain's XML. Returns: (transfer full)
 * (nullable): the schedule; %NULL when there is none, and with @error of #VB_ERROR when it makes no
 * sense */
VbSchedule *vb_domain_metadata_get_schedule (xmlXPathContext *context, GError **error);

/**
 * vb_domain_metadata_edit_slots:
 * @element: (nullable): our element as libvirt has it
 *
 * Returns: (transfer full): the element with this total and all else as it was
 */
char *vb_domain_metadata_edit_slots (const char *element, guint total);

/**
 * vb_domain_metadata_edit_schedule:
 * @element: (nullable): our element as libvirt has it
 * @schedule: (nullable): %NULL removes it
 *
 * Returns: (transfer full): the element with this schedule and all else as it was
 */
char *vb_domain_metadata_edit_schedule (const char *element, const VbSchedule *schedule);

G_END_DECLS
