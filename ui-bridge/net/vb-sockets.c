/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sockets.h"

#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

/* A thousand panels that come back at once after a restart must not be turned away. */
#define BACKLOG 1024

static gboolean
remove_stale (const char *path, GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) probe = NULL;
  g_autoptr (GError) problem = NULL;
  struct stat info;

  if (lstat (path, &info) != 0)
    return TRUE;

  if (!S_ISSOCK (info.st_mode))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   _ ("%s is in the way and is not a socket; move it elsewhere."), path);
      return FALSE;
    }

  probe
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (probe == NULL)
    return FALSE;

  g_socket_set_blocking (probe, FALSE);
  if (g_socket_connect (probe, address, NULL, &problem)
      || !g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   _ ("Another service listens on %s; stop it first."), path);
      return FALSE;
    }

  if (unlink (path) != 0 && errno != ENOENT)
    {
      vb_error_set_errno (error, errno, _ ("Failed to remove the old socket %s"), path);
      return FALSE;
    }

  return TRUE;
}

static gboolean
set_owner (const char *path, const gid_t *group, GError **error)
{
  if (group == NULL)
    return TRUE;

  if (chown (path, (uid_t) -1, *group) != 0 || chmod (path, 0660) != 0)
    {
      vb_error_set_errno (error, errno, _ ("Failed to give the socket %s to its group"), path);
      return FALSE;
    }

  return TRUE;
}

GSocket *
vb_sockets_listen_unix (const char *path, const gid_t *group, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GSocket) socket = NULL;

  if (strlen (path) >= sizeof ((struct sockaddr_un *) NULL)->sun_path)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   _ ("The path %s is too long for a socket; choose a shorter one."), path);
      return NULL;
    }

  if (g_mkdir_with_parents (folder, 0755) != 0)
    {
      vb_error_set_errno (error, errno, _ ("Failed to create the folder %s"), folder);
      return NULL;
    }

  address = g_unix_socket_address_new (path);
  if (!remove_stale (path, address, error))
    return NULL;

  socket
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (socket == NULL)
    return NULL;

  /* Before bind: the file is never open to others, not for an instant, and the process's umask is
   * not ours to change. */
  if (fchmod (g_socket_get_fd (socket), 0600) != 0)
    {
      vb_error_set_errno (error, errno, _ ("Failed to close the socket %s to others"), path);
      return NULL;
    }

  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, address, FALSE, error) || !set_owner (path, group, error)
      || !g_socket_listen (socket, error))
    {
      g_prefix_error (error, _ ("Listening on %s: "), path);
      return NULL;
    }

  return g_steal_pointer (&socket);
}

static GSocketAddress *
parse_address (const char *text, GError **error)
{
  g_autoptr (GSocketConnectable) parsed = g_network_address_parse (text, 0, NULL);
  GNetworkAddress *address = G_NETWORK_ADDRESS (parsed);
  const char *host = address != NULL ? g_network_address_get_hostname (address) : NULL;
  GSocketAddress *result = NULL;

  if (g_strcmp0 (host, "localhost") == 0)
    host = "127.0.0.1";
  if (host != NULL)
    result = g_inet_socket_address_new_from_string (host, g_network_address_get_port (address));
  if (result == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                 _ ("“%s” is not an address to listen on; write it like 127.0.0.1:8006."), text);

  return result;
}

GSocket *
vb_sockets_listen_tcp (const char *text, GError **error)
{
  g_autoptr (GSocketAddress) address = parse_address (text, error);
  g_autoptr (GSocket) socket = NULL;

  if (address == NULL)
    return NULL;

  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                         G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL)
    return NULL;

  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    {
      g_prefix_error (error, _ ("Listening on %s: "), text);
      return NULL;
    }

  return g_steal_pointer (&socket);
}

gboolean
vb_sockets_is_loopback (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);

  return G_IS_INET_SOCKET_ADDRESS (address)
         && g_inet_address_get_is_loopback (
             g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

gboolean
vb_sockets_find_group (const char *name, gid_t *gid, GError **error)
{
  gsize size = 1024;
  g_autofree char *buffer = NULL;
  struct group entry, *found = NULL;
  int result;

  do
    {
      size *= 2;
      buffer = g_realloc (buffer, size);
      result = getgrnam_r (name, &entry, buffer, size, &found);
  } while (result == ERANGE && size < 1024 * 1024);

  if (found == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   _ ("There is no group “%s”; create it or change socket-group."), name);
      return FALSE;
    }

  *gid = found->gr_gid;
  return TRUE;
}
