/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-base.h"

G_BEGIN_DECLS

/* The permanent definition around a swap of images: see vb-definition.h. All block and belong into
 * worker threads; errors are of #VB_ERROR. */

/**
 * vb_libvirt_definition_check:
 *
 * Returns: whether @domain, if it is on, will start the next time with the disks that it has now;
 * %VB_ERROR_DEFINITION_DIFFERS
 */
gboolean vb_libvirt_definition_check (virDomainPtr domain, GError **error);

/**
 * vb_libvirt_definition_warnings:
 *
 * Returns: (transfer full) (nullable) (element-type utf8): translated sentences that name what a
 * restore drops: snapshots, saved memory
 */
GPtrArray *vb_libvirt_definition_warnings (virDomainPtr domain, GError **error);

/**
 * vb_libvirt_definition_fit:
 *
 * VPS off, images just swapped: the definition names no chain below an image that has none, and
 * records of snapshots that the images do not hold are gone. Can be undone.
 */
gboolean vb_libvirt_definition_fit (virDomainPtr domain, GError **error);

/** vb_libvirt_definition_put_back: VPS off, old images back: what vb_libvirt_definition_fit() did
 * is undone; success when there is nothing */
gboolean vb_libvirt_definition_put_back (virDomainPtr domain, GError **error);

/** vb_libvirt_definition_settle: the old images will not come back; success when there is
 * nothing */
gboolean vb_libvirt_definition_settle (virDomainPtr domain, GError **error);

G_END_DECLS
