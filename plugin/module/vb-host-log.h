/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_host_log_install:
 *
 * Sends everything that the process logs to the systemd journal with all its fields when stderr is
 * connected to it, and to stderr as one plain line each otherwise. Debug lines appear when
 * G_MESSAGES_DEBUG asks for them. To be called once, before anything is logged.
 */
void vb_host_log_install (void);

/** vb_host_log_format: Returns: (transfer full): the line, without a line feed, as it appears on
 * stderr */
char *
vb_host_log_format (GLogLevelFlags level, const GLogField *fields, gsize n_fields, GDateTime *now);

G_END_DECLS
