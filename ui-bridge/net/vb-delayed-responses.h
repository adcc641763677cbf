/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * VbDelayedResponses:
 *
 * Answers that wait, so that guessing is slow. Main context only.
 */
typedef struct _VbDelayedResponses VbDelayedResponses;

VbDelayedResponses *vb_delayed_responses_new (void);
void vb_delayed_responses_unref (VbDelayedResponses *self);

/**
 * vb_delayed_responses_hold:
 * @message: whose answer is ready, in its "got-headers" handler
 *
 * Sends the answer after @delay_ms; at once when too many wait already, for waiting must not use up
 * all connections.
 */
void
vb_delayed_responses_hold (VbDelayedResponses *self, SoupServerMessage *message, guint delay_ms);

G_END_DECLS
