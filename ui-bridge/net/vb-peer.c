/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vb-address-limiter.h"

struct _VbPeer
{
  GObject parent_instance;

  GSocket *socket;
  char *name;
  char *key;
  gboolean is_local;
  gboolean is_unix;
  gboolean is_admin;
  gboolean is_cut;
  guint deadline;
};

G_DEFINE_FINAL_TYPE (VbPeer, vb_peer, G_TYPE_OBJECT)

static void
vb_peer_finalize (GObject *object)
{
  VbPeer *self = VB_PEER (object);

  g_clear_handle_id (&self->deadline, g_source_remove);
  g_clear_object (&self->socket);
  g_free (self->name);
  g_free (self->key);
  G_OBJECT_CLASS (vb_peer_parent_class)->finalize (object);
}

static void
vb_peer_class_init (VbPeerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_peer_finalize;
}

static void
vb_peer_init (VbPeer *self)
{
}

static gboolean
is_in_supplementary_groups (int fd, gid_t group)
{
  socklen_t size = 0;
  g_autofree gid_t *groups = NULL;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0 || errno != ERANGE)
    return FALSE;

  groups = g_malloc (size);
  if (getsockopt (fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
    return FALSE;

  for (gsize i = 0; i < size / sizeof *groups; i++)
    if (groups[i] == group)
      return TRUE;

  return FALSE;
}

static void
read_credentials (VbPeer *self, const gid_t *admin_group)
{
  int fd = g_socket_get_fd (self->socket);
  struct ucred credentials;
  socklen_t size = sizeof credentials;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0
      || size != sizeof credentials || credentials.pid == 0)
    {
      self->name = g_strdup ("unix");
      return;
    }

  self->name = g_strdup_printf ("uid:%u", (guint) credentials.uid);
  self->is_admin
      = credentials.uid == 0 || credentials.uid == geteuid ()
        || (admin_group != NULL
            && (credentials.gid == *admin_group || is_in_supplementary_groups (fd, *admin_group)));
}

static void
read_address (VbPeer *self)
{
  g_autoptr (GSocketAddress) remote = g_socket_get_remote_address (self->socket, NULL);
  GInetAddress *address = NULL;

  if (G_IS_INET_SOCKET_ADDRESS (remote))
    address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  if (address == NULL)
    {
      self->name = g_strdup ("unknown");
      self->key = g_strdup ("unknown");
      return;
    }

  vb_peer_set_origin (self, address);
  self->is_local = vb_address_limiter_is_local (address);
}

VbPeer *
vb_peer_new (GSocket *socket, const gid_t *admin_group)
{
  VbPeer *self = g_object_new (VB_TYPE_PEER, NULL);

  self->socket = g_object_ref (socket);
  /* The kernel answers SO_PEERCRED for TCP, too (with nobody): the family decides. */
  self->is_unix = g_socket_get_family (socket) == G_SOCKET_FAMILY_UNIX;
  if (!self->is_unix)
    {
      read_address (self);
      return self;
    }

  read_credentials (self, admin_group);
  self->key = g_strdup (self->name);
  self->is_local = TRUE;
  return self;
}

gboolean
vb_peer_is_unix (VbPeer *self)
{
  return self->is_unix;
}

gboolean
vb_peer_is_admin (VbPeer *self)
{
  return self->is_admin;
}

const char *
vb_peer_get_name (VbPeer *self)
{
  return self->name;
}

void
vb_peer_set_origin (VbPeer *self, GInetAddress *address)
{
  g_autoptr (GInetAddress) real = vb_address_limiter_unmap (address);

  g_free (self->name);
  g_free (self->key);
  self->name = g_inet_address_to_string (real);
  self->key = vb_address_limiter_key (address);
}

const char *
vb_peer_get_key (VbPeer *self)
{
  return self->key;
}

gboolean
vb_peer_is_local (VbPeer *self)
{
  return self->is_local;
}

static gboolean
on_deadline (gpointer user_data)
{
  VbPeer *self = user_data;

  self->deadline = 0;
  vb_peer_cut (self);
  return G_SOURCE_REMOVE;
}

void
vb_peer_set_deadline (VbPeer *self, guint seconds)
{
  g_clear_handle_id (&self->deadline, g_source_remove);
  if (seconds > 0)
    self->deadline = g_timeout_add_seconds (seconds, on_deadline, self);
}

void
vb_peer_limit_sending (VbPeer *self, int bytes)
{
  g_socket_set_option (self->socket, SOL_SOCKET, SO_SNDBUF, bytes, NULL);
}

void
vb_peer_end_sending (VbPeer *self)
{
  if (!g_socket_is_closed (self->socket))
    shutdown (g_socket_get_fd (self->socket), SHUT_WR);
}

void
vb_peer_cut (VbPeer *self)
{
  /* Not closed but shut down: whoever reads from it sees the end and tidies up in its own way. */
  self->is_cut = TRUE;
  if (!g_socket_is_closed (self->socket))
    shutdown (g_socket_get_fd (self->socket), SHUT_RDWR);
}

gboolean
vb_peer_is_cut (VbPeer *self)
{
  return self->is_cut;
}
