/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-bridge.h"

#include "protocol/vb-close-codes.h"
#include "core/base/vb-error.h"
#include "http/vb-http.h"
#include "core/base/vb-i18n.h"
#include "core/base/vb-log.h"
#include "delivery/vb-mail.h"
#include "delivery/vb-push.h"
#include "net/vb-sockets.h"
#include "rpc/vb-rpc.h"
#include "auth/vb-token-keys.h"
#include "auth/vb-token.h"
#include "delivery/vb-webhook.h"

/* How soon the first key is noticed; later ones are with the first token that they signed. */
#define KEYS_LOOK_S 2

struct _VbBridge
{
  GObject parent_instance;

  VbSessionRegistry *sessions;
  VbRpcContext *context;
  VbHttp *http;
  char *socket;
  char *socket_group;
  char *listen;
  char *tls_certificate;
  char *tls_key;
  VbTokenKeys *token_keys;
  guint key_timer; /* while there is no key */
  VbManager *manager;
  VbPush *push;
  VbWebhook *webhook;
  VbMail *mail;
  char *state_folder;
  char *push_contact;
  gboolean push_allow_loopback;
  char *webhook_url;
  char *webhook_secret_file;
};

G_DEFINE_FINAL_TYPE (VbBridge, vb_bridge, G_TYPE_OBJECT)

static void
vb_bridge_dispose (GObject *object)
{
  VbBridge *self = VB_BRIDGE (object);

  if (self->http != NULL)
    vb_bridge_stop (self);
  g_clear_object (&self->http);
  if (self->sessions != NULL)
    g_signal_handlers_disconnect_by_data (self->sessions, self);
  g_clear_pointer (&self->context, vb_rpc_context_unref);
  g_clear_object (&self->sessions);
  g_clear_object (&self->push);
  g_clear_object (&self->webhook);
  g_clear_object (&self->mail);
  g_clear_object (&self->manager);
  G_OBJECT_CLASS (vb_bridge_parent_class)->dispose (object);
}

static void
vb_bridge_finalize (GObject *object)
{
  VbBridge *self = VB_BRIDGE (object);

  g_free (self->socket);
  g_free (self->socket_group);
  g_free (self->listen);
  g_free (self->tls_certificate);
  g_free (self->tls_key);
  g_clear_pointer (&self->token_keys, vb_token_keys_unref);
  g_free (self->state_folder);
  g_free (self->push_contact);
  g_free (self->webhook_url);
  g_free (self->webhook_secret_file);
  G_OBJECT_CLASS (vb_bridge_parent_class)->finalize (object);
}

static void
vb_bridge_class_init (VbBridgeClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_bridge_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_bridge_finalize;
}

static void
vb_bridge_init (VbBridge *self)
{
}

static void
on_message (VbSessionRegistry *sessions, VbSession *session, GBytes *message, gpointer user_data)
{
  VbBridge *self = user_data;
  gsize length;
  const char *text = g_bytes_get_data (message, &length);

  vb_rpc_handle (self->context, session, text != NULL ? text : "", length);
}

/* A key of the config file that is there but empty means the same as one that is not. */
static char *
dup_if_set (const char *text)
{
  return text != NULL && *text != '\0' ? g_strdup (text) : NULL;
}

VbBridge *
vb_bridge_new (VbManager *manager, const VbBridgeSettings *settings)
{
  VbBridge *self = g_object_new (VB_TYPE_BRIDGE, NULL);
  g_autoptr (VbMetrics) metrics = vb_metrics_new (manager);

  self->socket = dup_if_set (settings->socket);
  self->socket_group = dup_if_set (settings->socket_group);
  self->listen = dup_if_set (settings->listen);
  self->tls_certificate = dup_if_set (settings->tls_certificate);
  self->tls_key = dup_if_set (settings->tls_key);
  self->token_keys = vb_token_keys_new (settings->token_keys);
  self->manager = g_object_ref (manager);
  self->state_folder = dup_if_set (settings->state_folder);
  self->push_contact = dup_if_set (settings->push_contact);
  self->push_allow_loopback = settings->push_allow_loopback;
  self->webhook_url = dup_if_set (settings->webhook_url);
  self->webhook_secret_file = dup_if_set (settings->webhook_secret_file);
  if (settings->mail_program != NULL && settings->mail_to != NULL && settings->mail_to[0] != NULL)
    self->mail
        = vb_mail_new (manager, settings->mail_program, settings->mail_from, settings->mail_to);
  self->sessions = vb_session_registry_new (manager, self->token_keys);
  if (settings->files_enabled)
    {
      g_autoptr (VbDownloads) downloads = vb_downloads_new (manager);

      vb_session_registry_set_downloads (self->sessions, downloads);
    }
  self->context = vb_rpc_context_new (manager, self->sessions, self->token_keys);
  g_signal_connect (self->sessions, "message", G_CALLBACK (on_message), self);
  self->http = vb_http_new (manager, self->sessions, self->token_keys, metrics, settings);
  return self;
}

static gboolean
start_unix (VbBridge *self, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  gid_t group;
  const gid_t *admins = NULL;

  if (self->socket == NULL)
    return TRUE;

  if (self->socket_group != NULL)
    {
      if (!vb_sockets_find_group (self->socket_group, &group, error))
        return FALSE;
      admins = &group;
    }

  socket = vb_sockets_listen_unix (self->socket, admins, error);
  if (socket == NULL)
    return FALSE;

  vb_acceptor_listen (vb_http_get_acceptor (self->http), socket, NULL, admins);
  return TRUE;
}

static void
warn_of_exposed_keys (VbBridge *self)
{
  g_auto (GStrv) names = vb_token_keys_list_exposed (self->token_keys);

  for (char **name = names; name != NULL && *name != NULL; name++)
    vb_log_warning (
        NULL, NULL, NULL,
        "Others can get at the token key %s in %s and sign tokens with it: set its mode "
        "to 0600, or better replace it",
        *name, vb_token_keys_get_folder (self->token_keys));
}

static gboolean
open_tcp (VbBridge *self, GError **error)
{
  g_autoptr (VbCertificate) certificate = NULL;
  g_autoptr (GSocket) socket = NULL;

  warn_of_exposed_keys (self);
  if (self->tls_certificate != NULL)
    {
      certificate = vb_certificate_new (self->tls_certificate, self->tls_key, error);
      if (certificate == NULL)
        return FALSE;
    }

  socket = vb_sockets_listen_tcp (self->listen, error);
  if (socket == NULL)
    return FALSE;

  if (certificate == NULL && !vb_sockets_is_loopback (socket))
    {
      g_set_error (
          error, VB_ERROR, VB_ERROR_INTERNAL,
          _ ("Others could read tokens on %s: set tls-certificate, or listen on 127.0.0.1."),
          self->listen);
      return FALSE;
    }

  vb_acceptor_listen (vb_http_get_acceptor (self->http), socket, certificate, NULL);
  return TRUE;
}

static gboolean
on_look_for_keys (gpointer user_data)
{
  VbBridge *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!vb_token_keys_has_any (self->token_keys))
    return G_SOURCE_CONTINUE;

  self->key_timer = 0;
  if (open_tcp (self, &error))
    vb_log_info (NULL, NULL, NULL, "There is a token key now: listening on %s", self->listen);
  else
    vb_log_warning (NULL, NULL, NULL, "No TCP on %s: %s", self->listen, error->message);
  return G_SOURCE_REMOVE;
}

static gboolean
start_tcp (VbBridge *self, GError **error)
{
  if (self->listen == NULL)
    return TRUE;
  if (self->token_keys != NULL && vb_token_keys_has_any (self->token_keys))
    return open_tcp (self, error);

  vb_log_warning (
      NULL, NULL, NULL, "No TCP on %s until there is a token key of at least %d bytes in %s",
      self->listen, VB_TOKEN_KEY_BYTES_MIN,
      self->token_keys != NULL ? vb_token_keys_get_folder (self->token_keys) : "token-keys");
  if (self->token_keys != NULL)
    self->key_timer = g_timeout_add_seconds (KEYS_LOOK_S, on_look_for_keys, self);
  return TRUE;
}

static gboolean
make_push (VbBridge *self, VbOutbox *outbox, GError **error)
{
  VbPushKey *key;

  if (self->state_folder == NULL)
    return TRUE;
  key = vb_push_key_open (self->state_folder, error);
  if (key == NULL)
    return FALSE;
  if (self->push_allow_loopback)
    vb_log_warning (NULL, NULL, NULL,
                    "allow-loopback is on: push services on this machine are "
                    "reached, too; that is for tests only");

  self->push
      = vb_push_new (self->manager, outbox, key, self->push_contact, self->push_allow_loopback);
  self->context->push = g_object_ref (self->push);
  return TRUE;
}

static gboolean
make_webhook (VbBridge *self, VbOutbox *outbox, GError **error)
{
  VbWebhookSecret *secret;

  if (self->webhook_url == NULL)
    return TRUE;
  secret = vb_webhook_secret_load (self->webhook_secret_file, error);
  if (secret == NULL)
    return FALSE;
  self->webhook = vb_webhook_new (self->manager, outbox, self->webhook_url, secret);
  return TRUE;
}

/* What is sent to those who have no connection. */
static gboolean
make_deliveries (VbBridge *self, GError **error)
{
  VbOutbox *outbox = vb_manager_get_outbox (self->manager);

  return outbox == NULL || (make_push (self, outbox, error) && make_webhook (self, outbox, error));
}

gboolean
vb_bridge_start (VbBridge *self, GError **error)
{
  if (!make_deliveries (self, error) || !start_unix (self, error) || !start_tcp (self, error))
    {
      g_clear_handle_id (&self->key_timer, g_source_remove);
      vb_http_stop (self->http);
      return FALSE;
    }

  if (self->push != NULL)
    vb_push_start (self->push);
  if (self->webhook != NULL)
    vb_webhook_start (self->webhook);
  if (self->mail != NULL)
    vb_mail_start (self->mail);
  return TRUE;
}

void
vb_bridge_stop (VbBridge *self)
{
  g_clear_handle_id (&self->key_timer, g_source_remove);
  if (self->push != NULL)
    vb_push_stop (self->push);
  if (self->webhook != NULL)
    vb_webhook_stop (self->webhook);
  if (self->mail != NULL)
    vb_mail_stop (self->mail);
  vb_http_stop (self->http);
  vb_session_registry_close_all (self->sessions, VB_CLOSE_SHUTTING_DOWN, "shutting down");
}

guint16
vb_bridge_get_tcp_port (VbBridge *self)
{
  return vb_acceptor_get_tcp_port (vb_http_get_acceptor (self->http));
}
