/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-http.h"

#include <string.h>

#include "vb-http-auth.h"
#include "core/base/vb-log.h"
#include "vb-panel-files.h"
#include "net/vb-delayed-responses.h"

/* From the whole request to the last byte of the answer. */
#define ANSWER_DEADLINE_S 60
/* What the kernel may hold for a websocket client that reads slowly. */
#define WEBSOCKET_SNDBUF_BYTES (64 * 1024)

#define UPGRADE_REQUIRED 426
#define WEBSOCKET_PATH "/v1/ws"
#define PANEL_PATH "/panel"
#define RANGE_KEY "vb-range"
#define IDENTITY_KEY "vb-identity"
#define PEER_KEY "vb-peer"
#define STREAM_KEY "vb-stream"
/* For a client to read the answer to what could not be parsed. */
#define LINGER_S 1
/* The panel's page asks for a few files, one after the other: for these its connection is kept, for
 * so long until the next one, and for so long in all. */
#define IDLE_S 10
#define KEPT_S 60
#define KEPT_UNTIL_KEY "vb-kept-until"

struct _VbHttp
{
  GObject parent_instance;

  SoupServer *server;
  VbManager *manager;
  VbSessionRegistry *sessions;
  VbTokenKeys *token_keys;
  VbMetrics *metrics;
  VbAcceptor *acceptor;
  char **origins;
  char **proxies;
  VbDelayedResponses *tarpit;
  VbPanelFiles *panel;
};

typedef struct
{
  const char *path;
  gboolean needs_identity;
  gboolean needs_admin;
  gboolean is_always_answered;
  void (*respond) (VbHttp *self, SoupServerMessage *message);
} Route;

G_DEFINE_FINAL_TYPE (VbHttp, vb_http, G_TYPE_OBJECT)

static void
on_connection (VbAcceptor *acceptor, GIOStream *stream, VbPeer *peer, gpointer user_data);

static VbPeer *
get_peer (SoupServerMessage *message)
{
  return g_object_get_data (G_OBJECT (soup_server_message_get_remote_address (message)), PEER_KEY);
}

/* Answers */

/* One request a connection but for the panel's files, so that its deadline is that of its
 * request. */
static void
end_connection (SoupServerMessage *message)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection",
                                "close");
}

/* None of our answers is a page; those of the panel have headers of their own. */
static const char *const safe_headers[][2] = {
  { "Cache-Control", "no-store" },
  { "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
  { "Cross-Origin-Resource-Policy", "same-origin" },
  { "Referrer-Policy", "no-referrer" },
  { "X-Content-Type-Options", "nosniff" },
  { "X-Frame-Options", "DENY" },
};

static void
finish (SoupServerMessage *message, guint status)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  if (status != SOUP_STATUS_NONE)
    soup_server_message_set_status (message, status, NULL);
  end_connection (message);
  for (gsize i = 0; i < G_N_ELEMENTS (safe_headers); i++)
    soup_message_headers_replace (headers, safe_headers[i][0], safe_headers[i][1]);
  if (status == SOUP_STATUS_UNAUTHORIZED)
    soup_message_headers_replace (headers, "WWW-Authenticate", "Bearer realm=\"vps-backup\"");
  else if (status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    soup_message_headers_replace (headers, "Retry-After", "5");
  else if (status == SOUP_STATUS_METHOD_NOT_ALLOWED)
    soup_message_headers_replace (headers, "Allow", "GET, HEAD");
}

static void
finish_with (SoupServerMessage *message, const char *type, char *body)
{
  soup_server_message_set_response (message, type, SOUP_MEMORY_TAKE, body, strlen (body));
  finish (message, SOUP_STATUS_OK);
}

static void
respond_health (VbHttp *self, SoupServerMessage *message)
{
  VbManager *manager = self->manager;
  gboolean hypervisor = vb_hypervisor_is_available (vb_manager_get_hypervisor (manager));
  VbPoolStatus status;
  gboolean pool = vb_manager_get_pool_status (manager, &status);
  gboolean journal = vb_manager_is_journal_available (manager);

  finish_with (
      message, "application/json",
      g_strdup_printf (
          "{\"status\":\"%s\",\"version\":\"%s\",\"hypervisor\":%s,\"pool\":%s,\"journal\":%s}\n",
          hypervisor && pool && journal ? "ok" : "degraded", VB_VERSION,
          hypervisor ? "true" : "false", pool ? "true" : "false", journal ? "true" : "false"));
}

static void
respond_metrics (VbHttp *self, SoupServerMessage *message)
{
  finish_with (message, "text/plain; version=0.0.4; charset=utf-8",
               vb_metrics_print (self->metrics, vb_acceptor_get_n_connections (self->acceptor),
                                 vb_session_registry_get_n_sessions (self->sessions)));
}

/* Behind a proxy each request may be somebody else's, so those count one by one. */
static gboolean
may_be_kept (SoupServerMessage *message)
{
  GObject *peer = G_OBJECT (get_peer (message));
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const gint64 now_s = g_get_monotonic_time () / G_USEC_PER_SEC;
  gint64 until_s = GPOINTER_TO_SIZE (g_object_get_data (peer, KEPT_UNTIL_KEY));

  if (until_s == 0)
    {
      until_s = now_s + KEPT_S;
      g_object_set_data (peer, KEPT_UNTIL_KEY, GSIZE_TO_POINTER (until_s));
    }
  return now_s < until_s && soup_server_message_get_method (message) == SOUP_METHOD_GET
         && soup_server_message_get_status (message) == SOUP_STATUS_OK
         && soup_server_message_get_http_version (message) == SOUP_HTTP_1_1
         && !soup_message_headers_header_contains (headers, "Connection", "close")
         && soup_message_headers_get_one (headers, "X-Forwarded-For") == NULL;
}

/* libsoup ends each connection that it has not accepted itself. It is taken back from it once the
 * answer is out; what a client has sent before that, as nobody should, goes with the old one. */
static void
on_wrote_panel_file (SoupServerMessage *message, gpointer user_data)
{
  VbHttp *self = user_data;
  g_autoptr (VbPeer) peer = g_object_ref (get_peer (message));
  g_autoptr (GIOStream) stolen = soup_server_message_steal_connection (message);

  vb_peer_set_deadline (peer, IDLE_S);
  on_connection (self->acceptor, stolen, peer, self);
}

static void
respond_panel (VbHttp *self, SoupServerMessage *message)
{
  vb_panel_files_handle (self->panel, message,
                         g_uri_get_path (soup_server_message_get_uri (message)));
  if (may_be_kept (message))
    g_signal_connect_object (message, "wrote-body", G_CALLBACK (on_wrote_panel_file), self, 0);
  else
    end_connection (message);
}

/* The websocket */

static void
on_wrote_informational (SoupServerMessage *message, gpointer user_data)
{
  VbHttp *self = user_data;
  g_autoptr (SoupServerMessage) keep = g_object_ref (message);
  g_autoptr (VbPeer) peer = g_object_ref (get_peer (message));
  g_autoptr (GIOStream) stolen = NULL;
  g_autoptr (VbWsStream) stream = NULL;
  g_autoptr (SoupWebsocketConnection) connection = NULL;
  g_autoptr (VbSession) session = NULL;
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  if (soup_server_message_get_status (message) != SOUP_STATUS_SWITCHING_PROTOCOLS)
    return;

  stolen = soup_server_message_steal_connection (message);
  vb_peer_set_deadline (peer, 0);
  vb_peer_limit_sending (peer, WEBSOCKET_SNDBUF_BYTES);
  stream = vb_ws_stream_new (stolen, VB_MESSAGE_BYTES_MAX);
  connection = soup_websocket_connection_new (
      G_IO_STREAM (stream), soup_server_message_get_uri (message), SOUP_WEBSOCKET_CONNECTION_SERVER,
      NULL, soup_message_headers_get_one (headers, "Sec-WebSocket-Protocol"), NULL);
  session = vb_session_new (connection, stream, peer,
                            g_object_get_data (G_OBJECT (message), IDENTITY_KEY));
  vb_session_registry_add (self->sessions, session);
}

static void
respond_websocket (VbHttp *self, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *chosen;
  char *protocols[2] = { NULL, NULL };

  if (!soup_message_headers_header_contains (headers, "Upgrade", "websocket"))
    {
      finish (message, UPGRADE_REQUIRED);
      return;
    }

  if (!vb_http_auth_choose_protocol (headers, &chosen))
    {
      finish (message, SOUP_STATUS_BAD_REQUEST);
      return;
    }

  /* No extensions at all: permessage-deflate costs 90 KB a client and lets one send bombs. */
  protocols[0] = (char *) chosen;
  if (soup_websocket_server_process_handshake (message, NULL, chosen != NULL ? protocols : NULL,
                                               NULL, NULL))
    g_signal_connect_object (message, "wrote-informational", G_CALLBACK (on_wrote_informational),
                             self, 0);
  else
    finish (message, SOUP_STATUS_NONE);
}

/* A ticket is the permission: a browser that downloads sends no token. */
static void
respond_download (VbHttp *self, SoupServerMessage *message)
{
  VbDownloads *downloads = vb_session_registry_get_downloads (self->sessions);
  guint status = SOUP_STATUS_NOT_FOUND;

  if (downloads != NULL)
    status = vb_downloads_handle (downloads, message, self->acceptor, get_peer (message),
                                  g_object_get_data (G_OBJECT (message), RANGE_KEY));
  finish (message, status);
}

/* Requests */

static const Route routes[] = {
  { WEBSOCKET_PATH, TRUE, FALSE, FALSE, respond_websocket },
  { "/healthz", FALSE, FALSE, TRUE, respond_health },
  { "/metrics", TRUE, TRUE, FALSE, respond_metrics },
  { PANEL_PATH, FALSE, FALSE, FALSE, respond_panel },
  { VB_DOWNLOADS_PATH, FALSE, FALSE, FALSE, respond_download },
};

static const Route *
find_route (SoupServerMessage *message)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (message));

  if (g_str_has_prefix (path, PANEL_PATH "/"))
    path = PANEL_PATH;
  else if (g_str_has_prefix (path, VB_DOWNLOADS_PATH))
    path = VB_DOWNLOADS_PATH;

  for (gsize i = 0; i < G_N_ELEMENTS (routes); i++)
    if (strcmp (routes[i].path, path) == 0)
      return &routes[i];

  return NULL;
}

static guint
check_identity (VbHttp *self, SoupServerMessage *message, const Route *route)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  g_autoptr (VbIdentity) identity = NULL;
  guint status = SOUP_STATUS_NONE;

  if (!vb_http_auth_check_origin (headers, (const char *const *) self->origins))
    return SOUP_STATUS_FORBIDDEN;

  identity = vb_http_auth_identify (headers, get_peer (message), self->token_keys, &status);
  if (identity == NULL)
    return status;
  if (vb_session_registry_is_revoked (self->sessions, identity))
    {
      vb_log_info (NULL, NULL, NULL, "Refused a token from %s: it was revoked",
                   vb_peer_get_name (get_peer (message)));
      return SOUP_STATUS_UNAUTHORIZED;
    }
  if (route->needs_admin && !vb_identity_is_admin (identity))
    return SOUP_STATUS_FORBIDDEN;

  g_object_set_data_full (G_OBJECT (message), IDENTITY_KEY, g_steal_pointer (&identity),
                          (GDestroyNotify) vb_identity_unref);
  return SOUP_STATUS_NONE;
}

/* A websocket stays for long, and each subject has a share of those that there may be. The kernel's
 * administrators have none: they may end whatever is in their way. */
static guint
check_room (VbHttp *self, SoupServerMessage *message, const Route *route)
{
  VbIdentity *identity = g_object_get_data (G_OBJECT (message), IDENTITY_KEY);
  VbPeer *peer = get_peer (message);
  gboolean has_share = identity != NULL && vb_identity_get_expires_at_s (identity) != 0;
  gboolean has_room;

  if (route->is_always_answered)
    return SOUP_STATUS_NONE;

  has_room = vb_acceptor_admit_forwarded (self->acceptor, peer)
             && (route->respond == respond_websocket ? vb_acceptor_hold (
                     self->acceptor, peer, has_share ? vb_identity_get_subject (identity) : NULL)
                                                     : !vb_acceptor_is_full (self->acceptor, peer));
  return has_room ? SOUP_STATUS_NONE : SOUP_STATUS_SERVICE_UNAVAILABLE;
}

/* Whoever guesses waits longer each time. Good tokens from the same address do not: it may be that
 * of a proxy. */
static void
slow_down (VbHttp *self, SoupServerMessage *message)
{
  const guint delay_ms
      = vb_address_limiter_fail (vb_acceptor_get_addresses (self->acceptor),
                                 vb_peer_get_key (get_peer (message)), g_get_monotonic_time ());

  if (delay_ms > 0)
    vb_delayed_responses_hold (self->tarpit, message, delay_ms);
}

/* libsoup would wait for the end of a body of minus one byte before it answers. */
static void
reject_at_once (SoupServerMessage *message)
{
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                               "Cache-Control: no-store\r\nContent-Length: 0\r\n\r\n";
  GObject *remote = G_OBJECT (soup_server_message_get_remote_address (message));
  GOutputStream *output = g_io_stream_get_output_stream (g_object_get_data (remote, STREAM_KEY));

  g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (output), answer,
                                              strlen (answer), NULL, NULL);
  vb_peer_end_sending (get_peer (message));
  vb_peer_set_deadline (get_peer (message), LINGER_S);
}

/* libsoup would answer a Range of anything by itself, 15 KB of it with gigabytes; only downloads
 * know what to do with one. */
static void
take_range (SoupServerMessage *message, SoupMessageHeaders *headers)
{
  g_object_set_data_full (G_OBJECT (message), RANGE_KEY,
                          g_strdup (soup_message_headers_get_one (headers, "Range")), g_free);
  soup_message_headers_remove (headers, "Range");
}

/* The headers are there, a body is not: who has no business here is told so now, before anything is
 * read, upgraded or allocated for them. */
static void
on_got_headers (SoupServerMessage *message, gpointer user_data)
{
  VbHttp *self = user_data;
  const char *method = soup_server_message_get_method (message);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const Route *route = NULL;
  guint status = SOUP_STATUS_NONE;

  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  take_range (message, headers);
  if (!vb_http_auth_check_length (headers))
    {
      reject_at_once (message);
      return;
    }

  vb_http_auth_take_origin (headers, get_peer (message), (const char *const *) self->proxies);

  if (soup_server_message_get_status (message) != SOUP_STATUS_NONE)
    {
      finish (message, SOUP_STATUS_NONE);
      return;
    }

  if (strcmp (method, "GET") != 0 && strcmp (method, "HEAD") != 0)
    status = SOUP_STATUS_METHOD_NOT_ALLOWED;
  else if (!vb_http_auth_check_host (headers) || !vb_http_auth_check_framing (headers))
    status = SOUP_STATUS_BAD_REQUEST;
  else if ((route = find_route (message)) == NULL)
    status = SOUP_STATUS_NOT_FOUND;
  else if (route->needs_identity)
    status = check_identity (self, message, route);
  if (route != NULL && status == SOUP_STATUS_NONE)
    status = check_room (self, message, route);

  if (status != SOUP_STATUS_NONE)
    finish (message, status);
  if (status == SOUP_STATUS_UNAUTHORIZED && vb_http_auth_has_token (headers))
    slow_down (self, message);
}

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  VbHttp *self = user_data;
  const Route *route = find_route (message);

  vb_peer_set_deadline (get_peer (message), ANSWER_DEADLINE_S);
  if (route != NULL)
    route->respond (self, message);
  else
    finish (message, SOUP_STATUS_NOT_FOUND);
}

static void
on_request_started (SoupServer *server, SoupServerMessage *message, gpointer user_data)
{
  /* libsoup's own handler has been connected before and runs before ours. */
  g_signal_connect_object (message, "got-headers", G_CALLBACK (on_got_headers), user_data, 0);
}

static void
on_connection (VbAcceptor *acceptor, GIOStream *stream, VbPeer *peer, gpointer user_data)
{
  VbHttp *self = user_data;
  /* libsoup takes every address for an IP address when a request has no Host. Ours only carry the
   * peer. */
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) local = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) remote = g_inet_socket_address_new (loopback, 0);

  g_object_set_data_full (G_OBJECT (remote), PEER_KEY, g_object_ref (peer), g_object_unref);
  g_object_set_data (G_OBJECT (remote), STREAM_KEY, stream);
  soup_server_accept_iostream (self->server, stream, local, remote, NULL);
}

/* Lifecycle */

static void
vb_http_dispose (GObject *object)
{
  VbHttp *self = VB_HTTP (object);

  vb_http_stop (self);
  g_clear_object (&self->acceptor);
  g_clear_object (&self->server);
  g_clear_object (&self->sessions);
  g_clear_object (&self->manager);
  g_clear_object (&self->metrics);
  G_OBJECT_CLASS (vb_http_parent_class)->dispose (object);
}

static void
vb_http_finalize (GObject *object)
{
  VbHttp *self = VB_HTTP (object);

  g_clear_pointer (&self->token_keys, vb_token_keys_unref);
  g_strfreev (self->origins);
  g_strfreev (self->proxies);
  vb_delayed_responses_unref (self->tarpit);
  g_clear_pointer (&self->panel, vb_panel_files_free);
  G_OBJECT_CLASS (vb_http_parent_class)->finalize (object);
}

static void
vb_http_class_init (VbHttpClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_http_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_http_finalize;
}

static void
vb_http_init (VbHttp *self)
{
  self->tarpit = vb_delayed_responses_new ();
  self->server = soup_server_new (NULL, NULL);
  soup_server_remove_websocket_extension (self->server, SOUP_TYPE_WEBSOCKET_EXTENSION_DEFLATE);
  g_signal_connect_object (self->server, "request-started", G_CALLBACK (on_request_started), self,
                           0);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
}

VbHttp *
vb_http_new (VbManager *manager,
             VbSessionRegistry *sessions,
             VbTokenKeys *keys,
             VbMetrics *metrics,
             const VbBridgeSettings *settings)
{
  VbHttp *self = g_object_new (VB_TYPE_HTTP, NULL);

  self->manager = g_object_ref (manager);
  self->sessions = g_object_ref (sessions);
  self->token_keys = keys != NULL ? vb_token_keys_ref (keys) : NULL;
  self->metrics = g_object_ref (metrics);
  self->origins = g_strdupv ((char **) settings->allowed_origins);
  self->proxies = g_strdupv ((char **) settings->trusted_proxies);
  self->panel = vb_panel_files_new (&settings->panel);
  self->acceptor
      = vb_acceptor_new (settings->max_connections, settings->max_per_address, on_connection, self);
  return self;
}

VbAcceptor *
vb_http_get_acceptor (VbHttp *self)
{
  return self->acceptor;
}

void
vb_http_stop (VbHttp *self)
{
  if (self->acceptor != NULL)
    vb_acceptor_stop (self->acceptor);
  if (self->server != NULL)
    soup_server_disconnect (self->server);
}
