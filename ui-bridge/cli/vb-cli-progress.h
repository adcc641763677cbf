/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * VbCliProgress:
 *
 * Shows how an operation gets on: a bar that is redrawn on a terminal, a plain line every few
 * seconds otherwise.
 */
typedef struct _VbCliProgress VbCliProgress;

/** vb_cli_progress_new: @json: stdout is taken by JSON: show a bar on stderr if that is a terminal,
 * else nothing */
VbCliProgress *vb_cli_progress_new (gboolean json);

/** vb_cli_progress_free: removes the bar */
void vb_cli_progress_free (VbCliProgress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbCliProgress, vb_cli_progress_free)

/** vb_cli_progress_update: @operation: Operation object as it is now */
void vb_cli_progress_update (VbCliProgress *self, JsonObject *operation);

/** vb_cli_progress_note: @text: a sentence that is shown at once */
void vb_cli_progress_note (VbCliProgress *self, const char *text);

/** vb_cli_progress_format: Returns: (transfer full): percent, bytes, rate and time left, or why
 * nothing moves */
char *vb_cli_progress_format (JsonObject *operation);

G_END_DECLS
