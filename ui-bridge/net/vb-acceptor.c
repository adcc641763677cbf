/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "vb-connection-table.h"
#include "vb-fair-stream.h"
#include "vb-listener.h"
#include "core/base/vb-log.h"

/* From the first byte to a whole request, TLS included. */
#define REQUEST_DEADLINE_S 10
/* Descriptors that the rest of the process needs: disks being copied, the journal, the
 * hypervisor. */
#define DESCRIPTORS_RESERVE 512
/* A TCP peer that acknowledges nothing for so long is gone. */
#define SILENCE_MAX_MS 60000
#define CONNECTION_KEY "vb-connection"

static const char too_many[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Connection: close\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n";

/* One listening socket and how its clients are treated. */
typedef struct
{
  VbAcceptor *acceptor; /* owns this */
  VbListener *listener;
  VbCertificate *certificate;
  gboolean has_admin_group;
  gid_t admin_group;
} Listener;

struct _VbAcceptor
{
  GObject parent_instance;

  GPtrArray *listeners;
  GHashTable *connections; /* GSocketConnection, not owned → Connection */
  VbConnectionTable *table;
  VbAddressLimiter *addresses;
  guint max_per_address;
  VbAcceptorFunc func;
  gpointer user_data;
};

/* What an accepted connection counts for. */
typedef struct
{
  VbAcceptor *acceptor;
  VbPeer *peer;
  char *address;   /* its key in the limiter */
  char *forwarded; /* key of the address that a proxy has named, or NULL */
} Connection;

G_DEFINE_FINAL_TYPE (VbAcceptor, vb_acceptor, G_TYPE_OBJECT)

static void
listener_free (gpointer data)
{
  Listener *self = data;

  vb_listener_stop (self->listener);
  g_clear_object (&self->listener);
  g_clear_object (&self->certificate);
  g_free (self);
}

static void
connection_free (gpointer data)
{
  Connection *self = data;

  vb_connection_table_remove (self->acceptor->table, self->peer);
  vb_address_limiter_leave (self->acceptor->addresses, self->address);
  if (self->forwarded != NULL)
    vb_address_limiter_leave (self->acceptor->addresses, self->forwarded);
  g_object_set_data (G_OBJECT (self->peer), CONNECTION_KEY, NULL);
  g_object_unref (self->peer);
  g_free (self->address);
  g_free (self->forwarded);
  g_free (self);
}

static void
on_connection_gone (gpointer data, GObject *connection)
{
  VbAcceptor *self = data;

  g_hash_table_remove (self->connections, connection);
}

static void
vb_acceptor_dispose (GObject *object)
{
  VbAcceptor *self = VB_ACCEPTOR (object);
  GHashTableIter iter;
  gpointer connection;

  vb_acceptor_stop (self);
  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, &connection, NULL))
    {
      g_object_weak_unref (connection, on_connection_gone, self);
      g_hash_table_iter_remove (&iter);
    }
  G_OBJECT_CLASS (vb_acceptor_parent_class)->dispose (object);
}

static void
vb_acceptor_finalize (GObject *object)
{
  VbAcceptor *self = VB_ACCEPTOR (object);

  g_hash_table_unref (self->connections);
  g_clear_pointer (&self->table, vb_connection_table_free);
  vb_address_limiter_free (self->addresses);
  g_ptr_array_unref (self->listeners);
  G_OBJECT_CLASS (vb_acceptor_parent_class)->finalize (object);
}

static void
vb_acceptor_class_init (VbAcceptorClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_acceptor_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_acceptor_finalize;
}

static void
vb_acceptor_init (VbAcceptor *self)
{
  self->listeners = g_ptr_array_new_with_free_func (listener_free);
  self->connections = g_hash_table_new_full (NULL, NULL, NULL, connection_free);
  self->addresses = vb_address_limiter_new ();
}

/* Running out of descriptors would hurt the backups, being full only hurts those who come too
 * late. */
static guint
clamp_to_descriptors (guint max_connections)
{
  struct rlimit limit;
  guint possible;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= G_MAXINT)
    return max_connections;

  possible = (guint) MAX (limit.rlim_cur, 2 * DESCRIPTORS_RESERVE) - DESCRIPTORS_RESERVE;
  if (max_connections <= possible)
    return max_connections;

  vb_log_warning (NULL, NULL, NULL,
                  "Only %u instead of %u connections: the process may open %u files only", possible,
                  max_connections, (guint) limit.rlim_cur);
  return possible;
}

VbAcceptor *
vb_acceptor_new (guint max_connections,
                 guint max_per_address,
                 VbAcceptorFunc func,
                 gpointer user_data)
{
  VbAcceptor *self = g_object_new (VB_TYPE_ACCEPTOR, NULL);

  self->table = vb_connection_table_new (clamp_to_descriptors (max_connections));
  self->max_per_address = max_per_address;
  self->func = func;
  self->user_data = user_data;
  return self;
}

static VbPeer *
make_peer (const Listener *listener, GSocket *socket)
{
  VbPeer *peer = vb_peer_new (socket, listener->has_admin_group ? &listener->admin_group : NULL);

  vb_peer_set_deadline (peer, REQUEST_DEADLINE_S);
  if (!vb_peer_is_unix (peer))
    {
      g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
      g_socket_set_option (socket, IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MAX_MS, NULL);
    }

  return peer;
}

static GIOStream *
wrap_tls (GSocketConnection *connection, VbCertificate *certificate)
{
  g_autoptr (GError) error = NULL;
  GIOStream *tls = g_tls_server_connection_new (G_IO_STREAM (connection),
                                                vb_certificate_get (certificate), &error);

  if (tls != NULL)
    g_tls_connection_set_require_close_notify (G_TLS_CONNECTION (tls), FALSE);
  else
    vb_log_warning (NULL, NULL, NULL, "TLS does not work: %s", error->message);

  return tls;
}

/* A proxy on this machine speaks for many, and the unix socket for nobody else. */
static gboolean
admit_address (VbAcceptor *self, VbPeer *peer)
{
  return vb_address_limiter_enter (self->addresses, vb_peer_get_key (peer),
                                   vb_peer_is_local (peer) ? G_MAXUINT : self->max_per_address);
}

static void
reject (GSocket *socket)
{
  g_socket_send (socket, too_many, strlen (too_many), NULL, NULL);
  g_socket_close (socket, NULL);
}

static void
add_connection (VbAcceptor *self, GSocketConnection *connection, VbPeer *peer)
{
  Connection *entry = g_new0 (Connection, 1);

  entry->acceptor = self;
  entry->peer = g_object_ref (peer);
  entry->address = g_strdup (vb_peer_get_key (peer));
  vb_connection_table_add (self->table, peer);
  g_hash_table_insert (self->connections, connection, entry);
  g_object_set_data (G_OBJECT (peer), CONNECTION_KEY, entry);
  g_object_weak_ref (G_OBJECT (connection), on_connection_gone, self);
}

static void
on_socket (VbListener *listener, GSocket *socket, gpointer user_data)
{
  const Listener *from = user_data;
  VbAcceptor *self = from->acceptor;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (VbFairStream) fair = NULL;
  g_autoptr (VbPeer) peer = NULL;

  peer = make_peer (from, socket);
  if (!vb_connection_table_has_room (self->table, vb_peer_is_unix (peer))
      || !admit_address (self, peer))
    {
      reject (socket);
      return;
    }

  connection = g_socket_connection_factory_create_connection (socket);
  add_connection (self, connection, peer);
  stream = from->certificate != NULL ? wrap_tls (connection, from->certificate)
                                     : G_IO_STREAM (g_object_ref (connection));
  if (stream == NULL)
    return;

  fair = vb_fair_stream_new (stream, peer);
  self->func (self, G_IO_STREAM (fair), peer, self->user_data);
}

void
vb_acceptor_listen (VbAcceptor *self,
                    GSocket *socket,
                    VbCertificate *certificate,
                    const gid_t *admin_group)
{
  Listener *listener = g_new0 (Listener, 1);

  listener->acceptor = self;
  listener->certificate = certificate != NULL ? g_object_ref (certificate) : NULL;
  listener->has_admin_group = admin_group != NULL;
  if (admin_group != NULL)
    listener->admin_group = *admin_group;
  listener->listener = vb_listener_new (socket, on_socket, listener);
  g_ptr_array_add (self->listeners, listener);
}

guint16
vb_acceptor_get_tcp_port (VbAcceptor *self)
{
  for (guint i = 0; i < self->listeners->len; i++)
    {
      const Listener *listener = g_ptr_array_index (self->listeners, i);
      guint16 port = vb_listener_get_port (listener->listener);

      if (port != 0)
        return port;
    }

  return 0;
}

guint
vb_acceptor_get_n_connections (VbAcceptor *self)
{
  return g_hash_table_size (self->connections);
}

gboolean
vb_acceptor_admit_forwarded (VbAcceptor *self, VbPeer *peer)
{
  Connection *connection = g_object_get_data (G_OBJECT (peer), CONNECTION_KEY);
  const char *key = vb_peer_get_key (peer);
  guint share = MIN (self->max_per_address, vb_connection_table_get_share (self->table));

  if (connection == NULL || connection->forwarded != NULL || strcmp (connection->address, key) == 0)
    return TRUE;
  if (!vb_address_limiter_enter (self->addresses, key, share))
    return FALSE;

  connection->forwarded = g_strdup (key);
  return TRUE;
}

gboolean
vb_acceptor_is_full (VbAcceptor *self, VbPeer *peer)
{
  return vb_connection_table_is_full (self->table, peer);
}

gboolean
vb_acceptor_hold (VbAcceptor *self, VbPeer *peer, const char *subject)
{
  return vb_connection_table_hold (self->table, peer, subject);
}

VbAddressLimiter *
vb_acceptor_get_addresses (VbAcceptor *self)
{
  return self->addresses;
}

void
vb_acceptor_stop (VbAcceptor *self)
{
  g_ptr_array_set_size (self->listeners, 0);
}
