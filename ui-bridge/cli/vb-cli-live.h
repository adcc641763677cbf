/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/**
 * VbCliLive:
 *
 * All VPSs as a table that is redrawn in place: those with an operation first.
 */
typedef struct _VbCliLive VbCliLive;

/** vb_cli_live_new: Returns: (transfer full) (nullable): %NULL when stdout is no terminal */
VbCliLive *vb_cli_live_new (void);
void vb_cli_live_free (VbCliLive *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbCliLive, vb_cli_live_free)

/** vb_cli_live_clear: forgets all VPSs, before a new list */
void vb_cli_live_clear (VbCliLive *self);

/** vb_cli_live_set_vps: @vps: Vps object as it is now */
void vb_cli_live_set_vps (VbCliLive *self, JsonObject *vps);

/** vb_cli_live_set_operation: @operation: Operation object of @vps as it is now */
void vb_cli_live_set_operation (VbCliLive *self, const char *vps, JsonObject *operation);

/** vb_cli_live_remove: that VPS is no more */
void vb_cli_live_remove (VbCliLive *self, const char *vps);

/** vb_cli_live_note: @text: (transfer none): shown below the table until the next one */
void vb_cli_live_note (VbCliLive *self, const char *text);

/**
 * vb_cli_live_draw: draws it, if it has changed and the last time is long enough ago
 *
 * Returns: ms until it wants to be asked again, or -1 when nothing is left to draw
 */
int vb_cli_live_draw (VbCliLive *self);

G_END_DECLS
