/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** vb_fake_script_init: @fake: a double; for its instance init */
void vb_fake_script_init (gpointer fake);

/**
 * vb_fake_script_enter:
 * @cancellable: (nullable): ends the wait of a held call
 *
 * First line of every method of a double: counts the call, waits while the method is held.
 *
 * Returns: %FALSE with @error when the call is meant to fail or was cancelled
 */
gboolean
vb_fake_script_enter (gpointer fake, const char *method, GCancellable *cancellable, GError **error);

G_END_DECLS
