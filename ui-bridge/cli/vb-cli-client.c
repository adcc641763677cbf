/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-client.h"

#include <gio/gunixsocketaddress.h>
#include <libsoup/soup.h>

#include "vb-cli-error.h"
#include "vb-cli-text.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"
#include "protocol/vb-rpc-codes.h"

#define CONNECT_TIMEOUT_MS 30000
/* A list of thousands of VPSs is one message; the service is trusted not to flood us. */
#define MESSAGE_MAX_BYTES (256 * 1024 * 1024)

struct _VbCliClient
{
  GObject parent_instance;

  char *socket;
  SoupSession *session;
  SoupWebsocketConnection *connection; /* NULL: not connected */
  gint64 next_id;
  gint64 awaited_id;
  JsonObject *answer;  /* to awaited_id */
  JsonObject *refusal; /* error member of the last refused call */
  GQueue events;       /* of JsonObject */

  VbCliTextFunc raw; /* gets everything instead, or NULL */
  VbCliLostFunc lost;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (VbCliClient, vb_cli_client, G_TYPE_OBJECT)

/* ---- receiving ---- */

static void
on_message (SoupWebsocketConnection *connection, int type, GBytes *message, gpointer user_data)
{
  VbCliClient *self = user_data;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  gsize length;
  const char *text = g_bytes_get_data (message, &length);

  if (self->raw != NULL)
    {
      self->raw (text, length, self->user_data);
      return;
    }

  node = vb_json_text_parse (text, length, NULL);
  if (type != SOUP_WEBSOCKET_DATA_TEXT || node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;

  object = json_node_get_object (node);
  if (json_object_has_member (object, "method"))
    g_queue_push_tail (&self->events, json_object_ref (object));
  else if (json_object_get_int_member_with_default (object, "id", -1) == self->awaited_id)
    {
      g_clear_pointer (&self->answer, json_object_unref);
      self->answer = json_object_ref (object);
    }
}

static gboolean
is_open (VbCliClient *self)
{
  return self->connection != NULL
         && soup_websocket_connection_get_state (self->connection) == SOUP_WEBSOCKET_STATE_OPEN;
}

static void
on_closed (SoupWebsocketConnection *connection, gpointer user_data)
{
  VbCliClient *self = user_data;

  if (self->lost != NULL)
    self->lost (self->user_data);
}

gboolean
vb_cli_client_set_lost_error (VbCliClient *self, GError **error)
{
  gushort code = soup_websocket_connection_get_close_code (self->connection);
  const char *reason = soup_websocket_connection_get_close_data (self->connection);

  if (reason != NULL && *reason != '\0')
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE,
                 _ ("The service has closed the connection: %s (%u)."), reason, code);
  else
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE,
                 _ ("The connection to the service was lost; see whether it runs, and try again."));
  return FALSE;
}

/* ---- connecting ---- */

typedef struct
{
  gboolean done;
  SoupWebsocketConnection *connection;
  GError *error;
} Connect;

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Connect *connect = user_data;

  connect->connection
      = soup_session_websocket_connect_finish (SOUP_SESSION (source), result, &connect->error);
  connect->done = TRUE;
}

static gboolean
on_connect_timeout (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
set_connect_error (VbCliClient *self, SoupMessage *message, const GError *cause, GError **error)
{
  const guint status = soup_message_get_status (message);

  if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED) || status == 401
      || status == 403)
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE,
                 _ ("You may not use %s; be root or a member of the group that the config file "
                    "names as socket-group."),
                 self->socket);
  else if (status != 0 && status != 101)
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE,
                 _ ("What answers at %s is not the service, or has no room for another connection "
                    "(HTTP status %u)."),
                 self->socket, status);
  else
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_UNREACHABLE,
                 _ ("No service answers at %s (%s); start vps-backupd, or name its socket with "
                    "--socket."),
                 self->socket, cause->message);
}

static SoupWebsocketConnection *
open_websocket (VbCliClient *self, GError **error)
{
  char *protocols[] = { (char *) "vps-backup.v1", NULL };
  g_autoptr (SoupMessage) message = soup_message_new ("GET", "ws://localhost/v1/ws");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint timeout = g_timeout_add (CONNECT_TIMEOUT_MS, on_connect_timeout, cancellable);
  Connect connect = { 0 };

  soup_session_websocket_connect_async (self->session, message, NULL, protocols, G_PRIORITY_DEFAULT,
                                        cancellable, on_connected, &connect);
  while (!connect.done)
    g_main_context_iteration (NULL, TRUE);

  if (!g_cancellable_is_cancelled (cancellable))
    g_source_remove (timeout);
  if (connect.connection == NULL)
    set_connect_error (self, message, connect.error, error);
  g_clear_error (&connect.error);
  return connect.connection;
}

static void
disconnect (VbCliClient *self)
{
  if (self->connection == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->connection, self);
  if (is_open (self))
    soup_websocket_connection_close (self->connection, SOUP_WEBSOCKET_CLOSE_NORMAL, NULL);
  g_clear_object (&self->connection);
  g_queue_clear_full (&self->events, (GDestroyNotify) json_object_unref);
}

gboolean
vb_cli_client_connect (VbCliClient *self, GError **error)
{
  disconnect (self);
  self->connection = open_websocket (self, error);
  if (self->connection == NULL)
    return FALSE;

  soup_websocket_connection_set_max_incoming_payload_size (self->connection, MESSAGE_MAX_BYTES);
  g_signal_connect (self->connection, "message", G_CALLBACK (on_message), self);
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_closed), self);
  return TRUE;
}

/* ---- calling ---- */

static char *
make_request (gint64 id, const char *method, JsonObject *params)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *request = json_object_new ();

  json_object_set_string_member (request, "jsonrpc", "2.0");
  json_object_set_int_member (request, "id", id);
  json_object_set_string_member (request, "method", method);
  if (params != NULL)
    json_object_set_object_member (request, "params", params);
  json_node_take_object (node, request);
  return vb_json_text_print (node);
}

static void
set_refusal (VbCliClient *self, JsonObject *refusal, GError **error)
{
  const gint64 code = json_object_get_int_member_with_default (refusal, "code", 0);
  const char *message
      = vb_cli_text_said (json_object_get_string_member_with_default (refusal, "message", ""));
  const char *reason = NULL;

  g_clear_pointer (&self->refusal, json_object_unref);
  self->refusal = json_object_ref (refusal);
  if (json_object_has_member (refusal, "data"))
    {
      JsonNode *data = json_object_get_member (refusal, "data");

      if (JSON_NODE_HOLDS_OBJECT (data))
        reason = json_object_get_string_member_with_default (json_node_get_object (data), "reason",
                                                             NULL);
    }
  if (reason != NULL)
    g_set_error_literal (error, VB_ERROR, vb_error_code_from_reason (reason), message);
  else if (code == VB_RPC_INVALID_PARAMS)
    g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, "%s", message);
  else
    g_set_error (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED, _ ("The service answered: %s"), message);
}

JsonNode *
vb_cli_client_call (VbCliClient *self, const char *method, JsonObject *params, GError **error)
{
  g_autofree char *request = make_request (++self->next_id, method, params);
  g_autoptr (JsonObject) answer = NULL;

  if (!is_open (self) && !vb_cli_client_connect (self, error))
    return NULL;

  self->awaited_id = self->next_id;
  soup_websocket_connection_send_text (self->connection, request);
  while (self->answer == NULL && is_open (self))
    g_main_context_iteration (NULL, TRUE);
  answer = g_steal_pointer (&self->answer);
  if (answer == NULL)
    {
      vb_cli_client_set_lost_error (self, error);
      return NULL;
    }

  if (json_object_has_member (answer, "error"))
    {
      set_refusal (self, json_object_get_object_member (answer, "error"), error);
      return NULL;
    }
  if (!json_object_has_member (answer, "result"))
    {
      g_set_error_literal (error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
                           _ ("The service sent an answer that is none; see whether it has the "
                              "version of this program."));
      return NULL;
    }
  return json_object_dup_member (answer, "result");
}

static gboolean
on_event_timeout (gpointer user_data)
{
  gboolean *expired = user_data;

  *expired = TRUE;
  return G_SOURCE_REMOVE;
}

JsonObject *
vb_cli_client_next_event (VbCliClient *self, guint timeout_ms, GError **error)
{
  gboolean expired = FALSE;
  guint timeout = g_timeout_add (timeout_ms, on_event_timeout, &expired);

  while (g_queue_is_empty (&self->events) && !expired && is_open (self))
    g_main_context_iteration (NULL, TRUE);
  if (!expired)
    g_source_remove (timeout);

  if (!g_queue_is_empty (&self->events))
    return g_queue_pop_head (&self->events);
  if (!is_open (self))
    vb_cli_client_set_lost_error (self, error);
  return NULL;
}

void
vb_cli_client_set_raw (VbCliClient *self, VbCliTextFunc raw, VbCliLostFunc lost, gpointer user_data)
{
  self->raw = raw;
  self->lost = lost;
  self->user_data = user_data;
}

void
vb_cli_client_send_text (VbCliClient *self, const char *text)
{
  if (is_open (self))
    soup_websocket_connection_send_text (self->connection, text);
}

JsonObject *
vb_cli_client_get_refusal (VbCliClient *self)
{
  return self->refusal;
}

/* ---- lifecycle ---- */

static void
vb_cli_client_init (VbCliClient *self)
{
  g_queue_init (&self->events);
}

static void
vb_cli_client_finalize (GObject *object)
{
  VbCliClient *self = VB_CLI_CLIENT (object);

  disconnect (self);
  g_clear_object (&self->session);
  g_clear_pointer (&self->answer, json_object_unref);
  g_clear_pointer (&self->refusal, json_object_unref);
  g_free (self->socket);
  G_OBJECT_CLASS (vb_cli_client_parent_class)->finalize (object);
}

static void
vb_cli_client_class_init (VbCliClientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_cli_client_finalize;
}

VbCliClient *
vb_cli_client_new (const char *socket)
{
  VbCliClient *self = g_object_new (VB_TYPE_CLI_CLIENT, NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (socket);

  self->socket = g_strdup (socket);
  self->session = soup_session_new_with_options ("remote-connectable", address, NULL);
  /* No extensions: nothing to gain from compression on a local socket. */
  soup_session_remove_feature_by_type (self->session, SOUP_TYPE_WEBSOCKET_EXTENSION_MANAGER);
  return self;
}

SoupSession *
vb_cli_client_get_session (VbCliClient *self)
{
  return self->session;
}
