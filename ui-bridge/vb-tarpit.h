/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * VbTarpit:
 *
 * Answers that wait, so that guessing is slow. Main context only.
 */
typedef struct _VbTarpit VbTarpit;

VbTarpit *vb_tarpit_new (void);
void vb_tarpit_unref (VbTarpit *self);

/**
 * vb_tarpit_hold:
 * @message: whose answer is ready, in its "got-headers" handler
 *
 * Sends the answer after @delay_ms; at once when too many wait already, for waiting must not use up
 * all connections.
 */
void vb_tarpit_hold (VbTarpit *self, SoupServerMessage *message, guint delay_ms);

G_END_DECLS
