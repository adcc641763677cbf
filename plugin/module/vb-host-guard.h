/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VbHostGuardTell: called in the parent: @text: of vb_host_guard_tell() */
typedef void (*VbHostGuardTell) (const char *text, gpointer user_data);

/**
 * vb_host_guard_enter:
 *
 * Splits the process in two: this function returns in the child, which does all the work. The
 * parent stays in front of it, passes signals on and ends as the child does. It is needed because a
 * thread that writes to a hung file system cannot be killed, and a process does not end before its
 * last thread: with a pool that hangs, nobody but another process can end in time.
 *
 * When the parent is killed, the child is, too. To be called before any thread is started.
 */
void vb_host_guard_enter (VbHostGuardTell tell, gpointer user_data);

/** vb_host_guard_tell: lets the parent say it, whom the service manager listens to. Returns: %FALSE
 * where there is none */
gboolean vb_host_guard_tell (const char *text);

/**
 * vb_host_guard_leave:
 *
 * The last call: all is in order, and the parent ends with @status even if threads of this process
 * hang. Where there is no parent it does nothing.
 */
void vb_host_guard_leave (int status);

G_END_DECLS
