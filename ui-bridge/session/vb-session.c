/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-session.h"

#include "protocol/vb-close-codes.h"
#include "vb-events.h"
#include "vb-expiry.h"
#include "core/base/vb-log.h"
#include "net/vb-rate-limit.h"
#include "websocket/vb-ws-frame.h"

/* What may wait for a slow client; more for one that sees many VPSs, all of which may be in one
 * answer. */
#define QUEUE_BYTES (256 * 1024)
#define QUEUE_BYTES_EACH_VPS (8 * 1024)
#define QUEUE_BYTES_MAX (8 * 1024 * 1024)
#define BLOCKED_MAX_US (60 * G_USEC_PER_SEC)
#define PING_EACH_US (30 * G_USEC_PER_SEC)
/* How long a client that broke a limit may take to read why. */
#define LINGER_S 1

struct _VbSession
{
  GObject parent_instance;

  SoupWebsocketConnection *connection;
  VbWsStream *stream;
  VbPeer *peer;
  VbIdentity *identity;
  GCancellable *cancellable;
  VbSendQueue *queue;
  GSource *write_source;
  VbExpiry expiry;
  gint64 ping_at_us; /* monotonic */
  VbRateLimit rate;
  guint pending;
  gboolean over_rate;
  gboolean closed;
};

enum
{
  MESSAGE,
  IDENTITY_CHANGED,
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VbSession, vb_session, G_TYPE_OBJECT)

static void
stop_writing (VbSession *self)
{
  if (self->write_source != NULL)
    g_source_destroy (self->write_source);
  g_clear_pointer (&self->write_source, g_source_unref);
}

static void
vb_session_dispose (GObject *object)
{
  VbSession *self = VB_SESSION (object);

  stop_writing (self);
  if (self->stream != NULL)
    vb_ws_stream_set_func (self->stream, NULL, NULL);
  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_object (&self->connection);
  g_clear_object (&self->stream);
  G_OBJECT_CLASS (vb_session_parent_class)->dispose (object);
}

static void
vb_session_finalize (GObject *object)
{
  VbSession *self = VB_SESSION (object);

  g_clear_object (&self->peer);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->identity, vb_identity_unref);
  g_clear_pointer (&self->queue, vb_send_queue_free);
  G_OBJECT_CLASS (vb_session_parent_class)->finalize (object);
}

static void
vb_session_class_init (VbSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);

  object_class->dispose = vb_session_dispose;
  object_class->finalize = vb_session_finalize;
  signals[MESSAGE] = g_signal_new ("message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, G_TYPE_BYTES);
  signals[IDENTITY_CHANGED] = g_signal_new ("identity-changed", type, G_SIGNAL_RUN_LAST, 0, NULL,
                                            NULL, NULL, G_TYPE_NONE, 0);
  signals[CLOSED]
      = g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vb_session_init (VbSession *self)
{
  self->cancellable = g_cancellable_new ();
  self->queue = vb_send_queue_new (QUEUE_BYTES);
  self->ping_at_us = g_get_monotonic_time () + PING_EACH_US;
  vb_rate_limit_init (&self->rate, g_get_monotonic_time ());
}

static void flush (VbSession *self);

static gboolean
on_writable (GObject *stream, gpointer user_data)
{
  VbSession *self = user_data;

  stop_writing (self);
  flush (self);
  return G_SOURCE_REMOVE;
}

static void
flush (VbSession *self)
{
  char *frame;

  if (self->closed || vb_ws_stream_is_closing (self->stream))
    return;

  vb_ws_stream_flush (self->stream);
  while (vb_ws_stream_can_send (self->stream) && (frame = vb_send_queue_pop (self->queue)) != NULL)
    {
      vb_ws_stream_send (self->stream, frame);
      g_ref_string_release (frame);
    }

  if (self->write_source != NULL
      || (vb_send_queue_is_empty (self->queue) && !vb_ws_stream_has_rest (self->stream)))
    return;

  /* After libsoup's own source for the rest of what it has begun, which is older and has the higher
   * priority. */
  self->write_source = vb_ws_stream_create_write_source (self->stream);
  g_source_set_priority (self->write_source, G_PRIORITY_DEFAULT + 10);
  g_source_set_callback (self->write_source, G_SOURCE_FUNC (on_writable), self, NULL);
  g_source_attach (self->write_source, NULL);
}

void
vb_session_send (VbSession *self, VbSendKind kind, const char *vps, char *frame)
{
  if (self->closed)
    return;

  if (vb_send_queue_push (self->queue, kind, vps, frame))
    flush (self);
  else
    vb_session_close (self, VB_CLOSE_TOO_SLOW, "too slow");
}

static void
end (VbSession *self)
{
  if (self->closed)
    return;

  self->closed = TRUE;
  stop_writing (self);
  g_cancellable_cancel (self->cancellable);
  g_signal_emit (self, signals[CLOSED], 0);
}

/* The client wants to go, or we do. */
static void
on_connection_closing (SoupWebsocketConnection *connection, gpointer user_data)
{
  g_autoptr (VbSession) self = g_object_ref (user_data);

  end (self);
}

static void
on_connection_closed (SoupWebsocketConnection *connection, gpointer user_data)
{
  g_autoptr (VbSession) self = user_data;

  end (self);
}

void
vb_session_close (VbSession *self, guint16 code, const char *reason)
{
  g_autoptr (VbSession) keep = g_object_ref (self);

  if (self->closed)
    return;

  vb_log_debug (NULL, NULL, NULL, "Closing the connection of %s: %u %s",
                vb_peer_get_name (self->peer), code, reason);
  if (soup_websocket_connection_get_state (self->connection) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close (self->connection, code, reason);
  end (self);
}

static void
on_limit_broken (VbWsStream *stream, guint16 close_code, gpointer user_data)
{
  VbSession *self = user_data;

  /* Nothing that it sends is parsed any more, its answer to our close frame neither. */
  vb_peer_set_deadline (self->peer, LINGER_S);
  vb_session_close (self, close_code,
                    close_code == VB_CLOSE_TOO_BIG ? "message too big" : "flooding");
}

static void
on_connection_message (SoupWebsocketConnection *connection,
                       int type,
                       GBytes *message,
                       gpointer user_data)
{
  g_autoptr (VbSession) self = g_object_ref (user_data);
  VbRate rate;

  if (self->closed)
    return;

  rate = vb_rate_limit_take (&self->rate, g_get_monotonic_time ());
  self->over_rate = rate != VB_RATE_OK;
  if (type != SOUP_WEBSOCKET_DATA_TEXT)
    vb_session_close (self, VB_CLOSE_NOT_TEXT, "text frames only");
  else if (rate == VB_RATE_FLOOD)
    on_limit_broken (self->stream, VB_CLOSE_FLOODING, self);
  else
    g_signal_emit (self, signals[MESSAGE], 0, message);
}

static void
on_connection_error (SoupWebsocketConnection *connection, GError *error, gpointer user_data)
{
  VbSession *self = user_data;

  vb_log_debug (NULL, NULL, NULL, "The connection of %s broke: %s", vb_peer_get_name (self->peer),
                error->message);
}

static void
check_pace (VbSession *self, gint64 now_us)
{
  gint64 since_us = vb_ws_stream_get_blocked_since_us (self->stream);

  if (since_us != 0 && now_us - since_us > BLOCKED_MAX_US)
    vb_session_close (self, VB_CLOSE_TOO_SLOW, "too slow");
}

/* So that what lies between here and an idle client does not forget the connection. */
static void
keep_alive (VbSession *self, gint64 now_us)
{
  if (self->closed || now_us < self->ping_at_us)
    return;

  self->ping_at_us = now_us + PING_EACH_US;
  if (vb_send_queue_is_empty (self->queue))
    {
      g_autoptr (GRefString) ping = vb_ws_frame_new_ping ();

      vb_session_send (self, VB_SEND_ALWAYS, NULL, ping);
    }
}

/* Returns: wall clock at which there is something to do */
static gint64
check_expiry (VbSession *self, gint64 now_us)
{
  g_autoptr (GRefString) frame = NULL;
  gint64 next_us;

  if (self->closed)
    return G_MAXINT64;

  switch (vb_expiry_check (&self->expiry, now_us, &next_us))
    {
    case VB_EXPIRY_WARN:
      frame = vb_event_session_expiring (MIN (vb_identity_get_expires_at_s (self->identity),
                                              self->expiry.ends_at_us / G_USEC_PER_SEC));
      vb_session_send (self, VB_SEND_ALWAYS, NULL, frame);
      break;
    case VB_EXPIRY_ENDED:
      vb_session_close (self, VB_CLOSE_TOKEN_ENDED, "token expired");
      break;
    case VB_EXPIRY_NOT_YET:
      break;
    }

  return next_us;
}

gint64
vb_session_check_clock (VbSession *self, gint64 monotonic_us, gint64 now_us)
{
  g_autoptr (VbSession) keep = g_object_ref (self);

  check_pace (keep, monotonic_us);
  keep_alive (keep, monotonic_us);
  return check_expiry (keep, now_us);
}

gboolean
vb_session_end_soon (VbSession *self)
{
  return vb_expiry_end_soon (&self->expiry, g_get_real_time ());
}

static gsize
queue_bytes (VbIdentity *identity)
{
  g_autofree const char **vps = vb_identity_list_vps (identity);

  return vps == NULL ? QUEUE_BYTES_MAX
                     : MIN (QUEUE_BYTES + g_strv_length ((char **) vps) * QUEUE_BYTES_EACH_VPS,
                            QUEUE_BYTES_MAX);
}

void
vb_session_set_identity (VbSession *self, VbIdentity *identity)
{
  vb_identity_ref (identity);
  g_clear_pointer (&self->identity, vb_identity_unref);
  self->identity = identity;
  vb_send_queue_set_limit (self->queue, queue_bytes (identity));
  vb_expiry_init (&self->expiry, vb_identity_get_expires_at_s (identity), g_get_real_time ());
  g_signal_emit (self, signals[IDENTITY_CHANGED], 0);
}

VbSession *
vb_session_new (SoupWebsocketConnection *connection,
                VbWsStream *stream,
                VbPeer *peer,
                VbIdentity *identity)
{
  VbSession *self = g_object_new (VB_TYPE_SESSION, NULL);

  self->connection = g_object_ref (connection);
  self->stream = g_object_ref (stream);
  self->peer = g_object_ref (peer);
  soup_websocket_connection_set_max_incoming_payload_size (connection, VB_MESSAGE_BYTES_MAX);
  vb_ws_stream_set_func (stream, on_limit_broken, self);
  g_signal_connect (connection, "message", G_CALLBACK (on_connection_message), self);
  g_signal_connect (connection, "error", G_CALLBACK (on_connection_error), self);
  g_signal_connect (connection, "closing", G_CALLBACK (on_connection_closing), self);
  /* The connection is kept until libsoup has done with it, or our close frame might not get out. */
  g_signal_connect (connection, "closed", G_CALLBACK (on_connection_closed), g_object_ref (self));
  vb_session_set_identity (self, identity);
  return self;
}

VbIdentity *
vb_session_get_identity (VbSession *self)
{
  return self->identity;
}

VbPeer *
vb_session_get_peer (VbSession *self)
{
  return self->peer;
}

GCancellable *
vb_session_get_cancellable (VbSession *self)
{
  return self->cancellable;
}

gboolean
vb_session_is_open (VbSession *self)
{
  return !self->closed;
}

gboolean
vb_session_is_over_rate (VbSession *self)
{
  return self->over_rate;
}

guint
vb_session_get_pending (VbSession *self)
{
  return self->pending;
}

void
vb_session_add_pending (VbSession *self, int change)
{
  self->pending = (guint) ((int) self->pending + change);
}
