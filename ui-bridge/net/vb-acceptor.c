/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "vb-listener.h"
#include "core/base/vb-log.h"

/* From the first byte to a whole request, TLS included. */
#define REQUEST_DEADLINE_S 10
/* Kept free for the unix socket: whoever fills the TCP port must not lock the administrators out.
 */
#define UNIX_RESERVE 16
/* Descriptors that the rest of the process needs: disks being copied, the journal, the hypervisor.
 */
#define DESCRIPTORS_RESERVE 512
/* A TCP peer that acknowledges nothing for so long is gone. */
#define SILENCE_MAX_MS 60000

static const char too_many[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Connection: close\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n";

/* One listening socket and how to treat who comes through it. */
typedef struct
{
  VbAcceptor *door; /* owns this */
  VbListener *listener;
  VbCertificate *certificate;
  gboolean has_admin_group;
  gid_t admin_group;
} Entrance;

struct _VbAcceptor
{
  GObject parent_instance;

  GPtrArray *entrances;
  GHashTable *connections; /* GSocketConnection, not owned → key of its address */
  VbAddressLimiter *addresses;
  guint max_connections;
  guint max_per_address;
  VbAcceptorFunc func;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (VbAcceptor, vb_acceptor, G_TYPE_OBJECT)

static void
entrance_free (gpointer data)
{
  Entrance *entrance = data;

  vb_listener_stop (entrance->listener);
  g_clear_object (&entrance->listener);
  g_clear_object (&entrance->certificate);
  g_free (entrance);
}

static void
on_connection_gone (gpointer data, GObject *connection)
{
  VbAcceptor *self = data;

  vb_address_limiter_leave (self->addresses, g_hash_table_lookup (self->connections, connection));
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
  vb_address_limiter_free (self->addresses);
  g_ptr_array_unref (self->entrances);
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
  self->entrances = g_ptr_array_new_with_free_func (entrance_free);
  self->connections = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->addresses = vb_address_limiter_new ();
}

/* Running out of descriptors would hurt the backups, being full only hurts those who come too late.
 */
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

  self->max_connections = clamp_to_descriptors (max_connections);
  self->max_per_address = max_per_address;
  self->func = func;
  self->user_data = user_data;
  return self;
}

static VbPeer *
make_peer (const Entrance *entrance, GSocket *socket)
{
  VbPeer *peer = vb_peer_new (socket, entrance->has_admin_group ? &entrance->admin_group : NULL);

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

static gboolean
is_full (VbAcceptor *self, GSocket *socket)
{
  guint reserve = g_socket_get_family (socket) == G_SOCKET_FAMILY_UNIX ? UNIX_RESERVE : 0;

  return g_hash_table_size (self->connections) >= self->max_connections + reserve;
}

/* A proxy on this machine speaks for many, and the unix socket for nobody else. */
static gboolean
enter (VbAcceptor *self, VbPeer *peer)
{
  return vb_address_limiter_enter (self->addresses, vb_peer_get_key (peer),
                                   vb_peer_is_local (peer) ? G_MAXUINT : self->max_per_address);
}

static void
turn_away (GSocket *socket)
{
  g_socket_send (socket, too_many, strlen (too_many), NULL, NULL);
  g_socket_close (socket, NULL);
}

static void
on_socket (VbListener *listener, GSocket *socket, gpointer user_data)
{
  const Entrance *entrance = user_data;
  VbAcceptor *self = entrance->door;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GIOStream) stream = NULL;
  g_autoptr (VbPeer) peer = NULL;

  if (is_full (self, socket))
    {
      turn_away (socket);
      return;
    }

  peer = make_peer (entrance, socket);
  if (!enter (self, peer))
    {
      turn_away (socket);
      return;
    }

  connection = g_socket_connection_factory_create_connection (socket);
  g_hash_table_insert (self->connections, connection, g_strdup (vb_peer_get_key (peer)));
  g_object_weak_ref (G_OBJECT (connection), on_connection_gone, self);
  stream = entrance->certificate != NULL ? wrap_tls (connection, entrance->certificate)
                                         : G_IO_STREAM (g_object_ref (connection));
  if (stream != NULL)
    self->func (self, stream, peer, self->user_data);
}

void
vb_acceptor_listen (VbAcceptor *self,
                    GSocket *socket,
                    VbCertificate *certificate,
                    const gid_t *admin_group)
{
  Entrance *entrance = g_new0 (Entrance, 1);

  entrance->door = self;
  entrance->certificate = certificate != NULL ? g_object_ref (certificate) : NULL;
  entrance->has_admin_group = admin_group != NULL;
  if (admin_group != NULL)
    entrance->admin_group = *admin_group;
  entrance->listener = vb_listener_new (socket, on_socket, entrance);
  g_ptr_array_add (self->entrances, entrance);
}

guint16
vb_acceptor_get_tcp_port (VbAcceptor *self)
{
  for (guint i = 0; i < self->entrances->len; i++)
    {
      const Entrance *entrance = g_ptr_array_index (self->entrances, i);
      guint16 port = vb_listener_get_port (entrance->listener);

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

VbAddressLimiter *
vb_acceptor_get_addresses (VbAcceptor *self)
{
  return self->addresses;
}

void
vb_acceptor_stop (VbAcceptor *self)
{
  g_ptr_array_set_size (self->entrances, 0);
}
