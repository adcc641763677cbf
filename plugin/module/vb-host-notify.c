/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-host-notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vb-host-guard.h"

struct _VbHostNotify
{
  int descriptor; /* -1: nobody listens */
  struct sockaddr_un address;
  socklen_t address_length;
  guint watchdog_source;
};

static gboolean
feed_watchdog (gpointer user_data)
{
  vb_host_notify_send (user_data, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

static void
set_address (VbHostNotify *self, const char *path)
{
  const gsize length = strlen (path);

  /* "@name" is the abstract socket whose name begins with a NUL. */
  if ((*path != '/' && *path != '@') || length < 2 || length > sizeof self->address.sun_path)
    return;
  self->address.sun_family = AF_UNIX;
  memcpy (self->address.sun_path, path, length);
  if (*path == '@')
    self->address.sun_path[0] = '\0';
  self->address_length = offsetof (struct sockaddr_un, sun_path) + length;
  self->descriptor = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void
start_watchdog (VbHostNotify *self)
{
  const char *interval_text = g_getenv ("WATCHDOG_USEC");
  const char *pid_text = g_getenv ("WATCHDOG_PID");
  guint64 interval_us;
  guint64 pid;

  if (interval_text == NULL
      || !g_ascii_string_to_unsigned (interval_text, 10, 1, G_MAXINT64, &interval_us, NULL))
    return;
  if (pid_text != NULL
      && (!g_ascii_string_to_unsigned (pid_text, 10, 1, G_MAXINT, &pid, NULL)
          || (pid_t) pid != getpid ()))
    return;
  self->watchdog_source
      = g_timeout_add (CLAMP (interval_us / 2000, 1, G_MAXINT), feed_watchdog, self);
}

VbHostNotify *
vb_host_notify_new (void)
{
  VbHostNotify *self = g_new0 (VbHostNotify, 1);
  const char *path = g_getenv ("NOTIFY_SOCKET");

  self->descriptor = -1;
  if (path != NULL)
    set_address (self, path);
  if (self->descriptor >= 0)
    start_watchdog (self);

  g_unsetenv ("NOTIFY_SOCKET");
  g_unsetenv ("WATCHDOG_USEC");
  g_unsetenv ("WATCHDOG_PID");
  return self;
}

void
vb_host_notify_free (VbHostNotify *self)
{
  g_clear_handle_id (&self->watchdog_source, g_source_remove);
  if (self->descriptor >= 0)
    close (self->descriptor);
  g_free (self);
}

void
vb_host_notify_send (VbHostNotify *self, const char *state)
{
  if (self->descriptor < 0 || vb_host_guard_tell (state))
    return;
  if (sendto (self->descriptor, state, strlen (state), MSG_NOSIGNAL,
              (const struct sockaddr *) &self->address, self->address_length)
      < 0)
    g_warning ("Failed to notify the service manager of “%s”: %s", state, g_strerror (errno));
}

void
vb_host_notify_status (VbHostNotify *self, const char *text)
{
  g_autofree char *state = g_strconcat ("STATUS=", text, NULL);

  g_strdelimit (state, "\n", ' ');
  vb_host_notify_send (self, state);
}
