/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-schedules.h"
#include "vb-xml.h"

G_BEGIN_DECLS

/**
 * VB_DOMAIN_METADATA_URI:
 *
 * Namespace of our element in a domain's metadata. It holds the number of slots, schedules, and,
 * where no bitmap is to stay on the disks, that:
 *
 * |[
 * <metadata>
 *   <vps-backup:backup xmlns:vps-backup="urn:vps-backup:1">
 *     <vps-backup:slots total="3"/>
 *     <vps-backup:schedule at="03:30" jitter="30m" keep="2" zone="Europe/Berlin"/>
 *     <vps-backup:schedule id="office" at="08:00" days="mon,fri" every="4h" keep="1" keep-daily="7"/>
 *     <vps-backup:schedule id="month" calendar="*-*-01 04:00" keep="3"/>
 *     <vps-backup:bitmaps keep="no"/>
 *   </vps-backup:backup>
 * </metadata>
 * ]|
 *
 * The prefix is the writer's choice, only at (or calendar) and keep are needed; see #VbScheduleForm. What else is in it stays. By
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

/** vb_domain_metadata_get_schedules: @context: of a domain's XML. Returns: (transfer full)
 * (nullable) (element-type VbSchedule): the schedules that make sense, with @error of #VB_ERROR for
 * the first that does not; %NULL when there are none */
GPtrArray *vb_domain_metadata_get_schedules (xmlXPathContext *context, GError **error);

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
 * @id: of the schedule
 * @schedule: (nullable): with that id; %NULL removes it
 *
 * Returns: (transfer full): the element with this schedule and all else as it was
 */
char *
vb_domain_metadata_edit_schedule (const char *element, const char *id, const VbSchedule *schedule);

G_END_DECLS
