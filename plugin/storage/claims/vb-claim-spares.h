/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Files `spare.N` beside the claims, which hold blocks of a pool for the time when it is full:
 * then a claim is written over one of them, so that backups can still be deleted and restored.
 * All hosts share them. @folder is the descriptor of .claims. */

/** vb_claim_spares_fill: makes those that are missing, as far as there is room; needs a moment */
void vb_claim_spares_fill (int folder, gsize length);

/**
 * vb_claim_spares_use:
 * @name: a file that is not there
 * @text: at most as long as the spares are
 *
 * Makes a spare the file @name, with @text in it, synced.
 *
 * Returns: %FALSE when there is no spare, or it cannot be written; then there is no @name
 */
gboolean vb_claim_spares_use (int folder, const char *name, const char *text, gsize length);

G_END_DECLS
