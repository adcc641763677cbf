/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

#include "vb-libvirt-connection-pool.h"

G_BEGIN_DECLS

/**
 * VbLibvirtConnection:
 *
 * The one connection to libvirt: opened in a thread, kept alive, opened again with growing pauses
 * when it breaks. Main context only; worker threads meet it at its gate.
 *
 * Signals:
 *  - "opened" ()
 *  - "closed" ()
 *  - "event" (#VbLibvirtEvent as int, UUID string)
 */
#define VB_TYPE_LIBVIRT_CONNECTION (vb_libvirt_connection_get_type ())
G_DECLARE_FINAL_TYPE (VbLibvirtConnection, vb_libvirt_connection, VB, LIBVIRT_CONNECTION, GObject)

/** vb_libvirt_connection_new: @uri: libvirt connection URI */
VbLibvirtConnection *vb_libvirt_connection_new (const char *uri);
void vb_libvirt_connection_start (VbLibvirtConnection *self);
/** vb_libvirt_connection_stop: for good; no signal afterwards */
void vb_libvirt_connection_stop (VbLibvirtConnection *self);
/** vb_libvirt_connection_get_gate: Returns: (transfer none): where worker threads get leases; any
 * thread */
VbConnectionPool *vb_libvirt_connection_get_gate (VbLibvirtConnection *self);

G_END_DECLS
