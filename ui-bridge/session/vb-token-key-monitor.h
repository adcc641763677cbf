/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-session.h"

G_BEGIN_DECLS

/**
 * vb_token_key_monitor_check:
 * @folder: of token keys
 * @sessions: (array length=n): all that are open
 *
 * Whoever came with a token of a key that has been taken away, or replaced by another one of its
 * name, has a minute to renew it with one of a key that is there. Main context; reads one small
 * file for each key in use.
 */
void vb_token_key_monitor_check (const char *folder, gpointer *sessions, guint n);

G_END_DECLS
