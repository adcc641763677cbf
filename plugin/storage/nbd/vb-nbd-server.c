/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-nbd-server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "storage/base/vb-child.h"
#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"

#define BACKLOG 16
#define CLOSE_TIMEOUT_MS (5 * 60 * 1000)
#define SOCKET_NAME "nbd"
#define FOLDER_PREFIX "vps-backup-nbd-"

struct _VbNbdServer
{
  VbChild *child;
  char *folder; /* 0700: the kernel asks for its rights when somebody connects */
  char *socket;
};

/* Removes what earlier processes of ours left there because they were killed: their number is in
 * its name. */
static void
sweep (const char *parent)
{
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir)) != NULL)
    {
      guint64 pid = g_str_has_prefix (name, FOLDER_PREFIX)
                        ? g_ascii_strtoull (name + strlen (FOLDER_PREFIX), NULL, 10)
                        : 0;
      if (pid == 0 || pid > G_MAXINT || kill ((pid_t) pid, 0) == 0 || errno != ESRCH)
        continue;
      g_autofree char *folder = g_build_filename (parent, name, NULL);
      g_autofree char *path = g_build_filename (folder, SOCKET_NAME, NULL);
      unlink (path);
      rmdir (folder);
    }
}

/* /run first: its path is short, it is in memory, and what a crash leaves there is gone with the
 * next boot. */
static gboolean
make_folder (VbNbdServer *self, GError **error)
{
  const char *parents[] = { "/run", g_get_tmp_dir () };

  vb_nbd_server_sweep ();
  for (gsize i = 0; i < G_N_ELEMENTS (parents); i++)
    {
      g_autofree char *folder
          = g_strdup_printf ("%s/" FOLDER_PREFIX "%d-XXXXXX", parents[i], (int) getpid ());
      if (mkdtemp (folder) != NULL)
        {
          self->folder = g_steal_pointer (&folder);
          self->socket = g_build_filename (self->folder, SOCKET_NAME, NULL);
          return TRUE;
        }
    }
  vb_error_set_errno (error, errno, "Failed to create a folder for a socket");
  return FALSE;
}

void
vb_nbd_server_sweep (void)
{
  sweep ("/run");
  sweep (g_get_tmp_dir ());
}

static int
listen_on (const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  vb_autofd int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (strlen (path) >= sizeof address.sun_path)
    errno = ENAMETOOLONG;
  else
    {
      strcpy (address.sun_path, path);
      if (fd >= 0 && bind (fd, (struct sockaddr *) &address, sizeof address) == 0
          && listen (fd, BACKLOG) == 0)
        return g_steal_fd (&fd);
    }
  vb_error_set_errno (error, errno, "Failed to listen on a socket for qemu-nbd");
  return -1;
}

static void
close_images (GArray *fds)
{
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, int, i));
  g_array_unref (fds);
}

/* Returns (transfer full) (element-type gint) (nullable): one descriptor for each image */
static GArray *
open_images (VbImageChain *chain, int flags, GError **error)
{
  g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; i < vb_image_chain_get_length (chain); i++)
    {
      int fd = vb_image_chain_open_layer (chain, i, i == 0 ? flags : O_RDONLY, error);

      if (fd < 0)
        {
          close_images (g_steal_pointer (&fds));
          return NULL;
        }
      g_array_append_val (fds, fd);
    }
  return g_steal_pointer (&fds);
}

static VbChild *
start_on (const char *const *argv, int listen_fd, VbImageChain *chain, int flags, GError **error)
{
  GArray *fds = open_images (chain, flags, error);
  VbChild *child;

  if (fds == NULL)
    return NULL;
  child = vb_child_start (argv, listen_fd, (const int *) (void *) fds->data, fds->len, error);
  close_images (fds);
  return child;
}

/* @options: (array zero-terminated=1) */
static VbNbdServer *
start (VbImageChain *chain, int flags, const char *const *options, GError **error)
{
  g_autoptr (VbNbdServer) self = g_new0 (VbNbdServer, 1);
  if (!make_folder (self, error))
    return NULL;
  /* We listen, qemu-nbd accepts: whoever connects need not know when it is ready. */
  vb_autofd int fd = listen_on (self->socket, error);
  if (fd < 0)
    return NULL;

  g_autofree char *name = vb_image_chain_dup_qemu_name (chain, 0, vb_image_chain_get_length (chain),
                                                        VB_CHILD_FIRST_IMAGE_FD);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_ptr_array_add (argv, (char *) "qemu-nbd");
  g_ptr_array_add (argv, (char *) "--export-name=");
  for (; *options; options++)
    g_ptr_array_add (argv, (char *) *options);
  g_ptr_array_add (argv, (char *) "--");
  g_ptr_array_add (argv, name);
  g_ptr_array_add (argv, NULL);

  self->child = start_on ((const char *const *) argv->pdata, fd, chain, flags, error);
  return self->child ? g_steal_pointer (&self) : NULL;
}

VbNbdServer *
vb_nbd_server_start (VbImageChain *chain, const char *bitmap, GError **error)
{
  g_autofree char *bitmap_option = bitmap ? g_strdup_printf ("--bitmap=%s", bitmap) : NULL;
  const char *options[] = { "--read-only", "--shared=16", bitmap_option, NULL };

  return start (chain, O_RDONLY, options, error);
}

VbNbdServer *
vb_nbd_server_start_writable (VbImageChain *chain, GError **error)
{
  static const char *const options[] = { "--discard=unmap", NULL };

  return start (chain, O_RDWR, options, error);
}

gboolean
vb_nbd_server_wait (VbNbdServer *self, GError **error)
{
  return vb_child_wait (self->child, CLOSE_TIMEOUT_MS, error);
}

const char *
vb_nbd_server_get_socket (VbNbdServer *self)
{
  return self->socket;
}

char *
vb_nbd_server_dup_complaint (VbNbdServer *self)
{
  return vb_child_dup_complaint (self->child);
}

void
vb_nbd_server_free (VbNbdServer *self)
{
  g_clear_pointer (&self->child, vb_child_free);
  if (self->socket)
    unlink (self->socket);
  if (self->folder)
    rmdir (self->folder);
  g_free (self->socket);
  g_free (self->folder);
  g_free (self);
}
