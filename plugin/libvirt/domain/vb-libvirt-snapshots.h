/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-base.h"
#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/* libvirt's records of a VPS's snapshots. All block and belong into worker threads; errors are of
 * #VB_ERROR. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomainSnapshot, virDomainSnapshotFree)

/** vb_libvirt_snapshots_list: Returns: (transfer full) (nullable) (element-type
 * virDomainSnapshot): all that libvirt knows of, parents first */
GPtrArray *vb_libvirt_snapshots_list (virDomainPtr domain, GError **error);

/**
 * vb_libvirt_snapshots_describe_lost:
 * @xml: of @domain, as vb_libvirt_read_disks() gives it
 * @alone: (array zero-terminated=1): disks whose images rest on no other one
 *
 * Returns: (transfer full) (nullable) (element-type utf8): descriptions of those that the images of
 * @xml do not hold any more, as vb_libvirt_snapshots_define() wants them
 */
GPtrArray *vb_libvirt_snapshots_describe_lost (virDomainPtr domain,
                                               VbDomainXml *xml,
                                               const char *const *alone,
                                               GError **error);

/** vb_libvirt_snapshots_forget: @descriptions: of the records that go; nothing in an image is
 * changed */
gboolean vb_libvirt_snapshots_forget (virDomainPtr domain, GPtrArray *descriptions, GError **error);

/** vb_libvirt_snapshots_define: the records are there again */
gboolean vb_libvirt_snapshots_define (virDomainPtr domain, GPtrArray *descriptions, GError **error);

G_END_DECLS
