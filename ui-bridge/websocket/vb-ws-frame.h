/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * vb_ws_frame_new_text:
 * @text: valid UTF-8
 *
 * Returns: (transfer full): a #GRefString with @text as one frame of a server (RFC 6455, 5.2).
 * Servers do not mask, so the same bytes go to every client
 */
char *vb_ws_frame_new_text (const char *text);

/** vb_ws_frame_new_ping: Returns: (transfer full): a #GRefString with a ping that carries
 * nothing */
char *vb_ws_frame_new_ping (void);

G_END_DECLS
