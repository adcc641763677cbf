/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-listener.h"

#include <gio/gunixsocketaddress.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-log.h"

/* Accepted in one go before others get their turn. */
#define ACCEPT_BATCH 32
#define PAUSE_MS 500
#define PAUSE_SHORT_MS 10

struct _VbListener
{
  GObject parent_instance;

  GSocket *socket;
  GSource *source;
  guint pause;
  char *path; /* of a unix socket */
  struct stat info;
  VbListenerFunc func;
  gpointer user_data;
};

G_DEFINE_FINAL_TYPE (VbListener, vb_listener, G_TYPE_OBJECT)

static void start_accepting (VbListener *self);

static void
stop_accepting (VbListener *self)
{
  g_clear_handle_id (&self->pause, g_source_remove);
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

static void
vb_listener_finalize (GObject *object)
{
  VbListener *self = VB_LISTENER (object);

  vb_listener_stop (self);
  g_clear_object (&self->socket);
  g_free (self->path);
  G_OBJECT_CLASS (vb_listener_parent_class)->finalize (object);
}

static void
vb_listener_class_init (VbListenerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_listener_finalize;
}

static void
vb_listener_init (VbListener *self)
{
}

static gboolean
on_pause_over (gpointer user_data)
{
  VbListener *self = user_data;

  self->pause = 0;
  start_accepting (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_incoming (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  g_autoptr (VbListener) self = g_object_ref (user_data);

  for (int i = 0; i < ACCEPT_BATCH && self->source != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, &error);

      if (accepted != NULL)
        {
          g_socket_set_blocking (accepted, FALSE);
          self->func (self, accepted, self->user_data);
          continue;
        }

      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        break;

      /* Out of descriptors, mostly: the connection stays in the backlog and would wake us at once
       * again. */
      vb_log_warning (NULL, NULL, NULL, "Failed to accept a connection, trying again soon: %s",
                      error->message);
      stop_accepting (self);
      self->pause = g_timeout_add (
          g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES) ? PAUSE_MS
                                                                              : PAUSE_SHORT_MS,
          on_pause_over, self);
    }

  return self->source != NULL ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
start_accepting (VbListener *self)
{
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_incoming), self, NULL);
  g_source_attach (self->source, NULL);
}

VbListener *
vb_listener_new (GSocket *socket, VbListenerFunc func, gpointer user_data)
{
  VbListener *self = g_object_new (VB_TYPE_LISTENER, NULL);
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);

  self->socket = g_object_ref (socket);
  self->func = func;
  self->user_data = user_data;
  g_socket_set_blocking (socket, FALSE);

  if (G_IS_UNIX_SOCKET_ADDRESS (address))
    {
      self->path = g_strdup (g_unix_socket_address_get_path (G_UNIX_SOCKET_ADDRESS (address)));
      if (stat (self->path, &self->info) != 0)
        g_clear_pointer (&self->path, g_free);
    }

  start_accepting (self);
  return self;
}

guint16
vb_listener_get_port (VbListener *self)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->socket, NULL);

  return G_IS_INET_SOCKET_ADDRESS (address)
             ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address))
             : 0;
}

void
vb_listener_stop (VbListener *self)
{
  struct stat now;

  stop_accepting (self);
  if (self->path != NULL && stat (self->path, &now) == 0 && now.st_dev == self->info.st_dev
      && now.st_ino == self->info.st_ino)
    unlink (self->path);
  g_clear_pointer (&self->path, g_free);
  g_socket_close (self->socket, NULL);
}
