/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-delayed-responses.h"

#define WAITING_MAX 256

struct _VbDelayedResponses
{
  guint n_waiting;
};

typedef struct
{
  VbDelayedResponses *tarpit;
  SoupServerMessage *message;
  gulong handler;
  guint timeout;
} Waiting;

VbDelayedResponses *
vb_delayed_responses_new (void)
{
  return g_rc_box_new0 (VbDelayedResponses);
}

void
vb_delayed_responses_unref (VbDelayedResponses *self)
{
  g_rc_box_release (self);
}

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  waiting->tarpit->n_waiting--;
  g_signal_handler_disconnect (waiting->message, waiting->handler);
  g_object_unref (waiting->message);
  vb_delayed_responses_unref (waiting->tarpit);
  g_free (waiting);
}

static gboolean
on_waited (gpointer user_data)
{
  Waiting *waiting = user_data;

  soup_server_message_unpause (waiting->message);
  return G_SOURCE_REMOVE;
}

/* The server stops, or the connection was cut. */
static void
on_finished (SoupServerMessage *message, gpointer user_data)
{
  Waiting *waiting = user_data;

  g_source_remove (waiting->timeout);
}

void
vb_delayed_responses_hold (VbDelayedResponses *self, SoupServerMessage *message, guint delay_ms)
{
  Waiting *waiting;

  if (self->n_waiting >= WAITING_MAX)
    return;

  self->n_waiting++;
  waiting = g_new0 (Waiting, 1);
  waiting->tarpit = g_rc_box_acquire (self);
  waiting->message = g_object_ref (message);
  waiting->handler = g_signal_connect (message, "finished", G_CALLBACK (on_finished), waiting);
  waiting->timeout
      = g_timeout_add_full (G_PRIORITY_DEFAULT, delay_ms, on_waited, waiting, waiting_free);
  soup_server_message_pause (message);
}
