/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbHostNotify:
 *
 * Tells the service manager how we are, by systemd's notification protocol. Does nothing where no
 * service manager asked for it. Main context only.
 */
typedef struct _VbHostNotify VbHostNotify;

/**
 * vb_host_notify_new:
 *
 * Reads NOTIFY_SOCKET and WATCHDOG_USEC and removes them from the environment, so that child
 * processes do not speak for us. From then on the watchdog is fed from the main loop: when that
 * hangs, the service manager notices. To be called before any thread is started.
 */
VbHostNotify *vb_host_notify_new (void);
void vb_host_notify_free (VbHostNotify *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbHostNotify, vb_host_notify_free)

/** vb_host_notify_send: @state: assignments separated by line feeds, such as "READY=1" */
void vb_host_notify_send (VbHostNotify *self, const char *state);

/** vb_host_notify_status: @text: one line for people */
void vb_host_notify_status (VbHostNotify *self, const char *text);

G_END_DECLS
