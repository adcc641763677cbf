/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

G_BEGIN_DECLS

/**
 * VbLibvirtEvent:
 * @VB_LIBVIRT_EVENT_CHANGED: state, definition, devices or metadata of a domain may be different
 * now
 * @VB_LIBVIRT_EVENT_STOPPED: the domain's QEMU process has ended (also a change)
 * @VB_LIBVIRT_EVENT_BACKUP_ENDED: a backup job has ended
 * @VB_LIBVIRT_EVENT_IO_ERROR: a disk of the domain reported an error
 *
 * What libvirt's events come down to.
 */
typedef enum
{
  VB_LIBVIRT_EVENT_CHANGED,
  VB_LIBVIRT_EVENT_STOPPED,
  VB_LIBVIRT_EVENT_BACKUP_ENDED,
  VB_LIBVIRT_EVENT_IO_ERROR,
} VbLibvirtEvent;

/**
 * VbLibvirtEventFunc:
 * @event: what happened
 * @vps: UUID of the domain
 * @user_data: as given
 *
 * Called on the default main context.
 */
typedef void (*VbLibvirtEventFunc) (VbLibvirtEvent event, const char *vps, gpointer user_data);

/**
 * VbLibvirtEvents:
 *
 * The subscription of one connection to the events of all its domains.
 */
typedef struct _VbLibvirtEvents VbLibvirtEvents;

/** vb_libvirt_events_ensure_loop: registers libvirt's own event loop unless the process has one
 * already; main context */
void vb_libvirt_events_ensure_loop (void);

/**
 * vb_libvirt_events_new:
 * @connection: an open connection
 * @func: called for each event until vb_libvirt_events_free()
 * @user_data: passed to @func
 * @notify: frees @user_data when no call can happen any more; any thread
 * @error: (out) (optional): of #VB_ERROR
 *
 * Subscribes; blocks, so call it in a worker thread.
 *
 * Returns: (transfer full) (nullable): the subscription
 */
VbLibvirtEvents *vb_libvirt_events_new (virConnectPtr connection,
                                        VbLibvirtEventFunc func,
                                        gpointer user_data,
                                        GDestroyNotify notify,
                                        GError **error);

/** vb_libvirt_events_free: ends the subscription, which must happen before the connection is
 * closed; blocks */
void vb_libvirt_events_free (VbLibvirtEvents *self);

G_END_DECLS
