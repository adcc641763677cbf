/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "auth/vb-token-keys.h"
#include "vb-session.h"

G_BEGIN_DECLS

/**
 * vb_token_key_monitor_check:
 * @keys: what is there now
 * @sessions: (array length=n): all that are open
 *
 * Whoever came with a token of a key that has been taken away, or replaced by another one of its
 * name, has a minute to renew it with one of a key that is there. Main context; waits for the keys
 * as vb_token_keys_is_gone() does.
 */
void vb_token_key_monitor_check (VbTokenKeys *keys, gpointer *sessions, guint n);

G_END_DECLS
