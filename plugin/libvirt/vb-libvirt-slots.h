/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-libvirt-util.h"
#include "vb-xml.h"

G_BEGIN_DECLS

/**
 * VB_LIBVIRT_METADATA_URI:
 *
 * Namespace of our element in a domain's metadata. It holds the number of slots and nothing else:
 *
 * |[
 * <metadata>
 *   <vps-backup:backup xmlns:vps-backup="urn:vps-backup:1">
 *     <vps-backup:slots total="3"/>
 *   </vps-backup:backup>
 * </metadata>
 * ]|
 *
 * The prefix is the writer's choice. By hand:
 * `virsh metadata VPS urn:vps-backup:1 --key vps-backup --set "<backup><slots total='3'/></backup>"
 * --live --config`
 */
#define VB_LIBVIRT_METADATA_URI "urn:vps-backup:1"

/** vb_libvirt_slots_parse: @context: of a domain's XML. Returns: the total, or -1 when there is
 * none that makes sense */
gint64 vb_libvirt_slots_parse (xmlXPathContext *context);

/** vb_libvirt_slots_write: writes the total, persistent and live; %FALSE with @error of #VB_ERROR.
 * Worker threads */
gboolean vb_libvirt_slots_write (virDomainPtr domain, guint total, GError **error);

G_END_DECLS
