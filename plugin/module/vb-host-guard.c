/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-host-guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a child that has said farewell may take to end: longer than any destructor, shorter than
 * anybody's patience. */
#define FAREWELL_MS 5000

static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

/* What the child sends: a letter and the rest of the message. */
#define TELL 'T'     /* text for the service manager */
#define FAREWELL 'F' /* one byte: the exit status */
#define MAX_MESSAGE 4096

static int to_guard = -1; /* the child's end */

typedef struct
{
  pid_t child;
  int signals;
  int messages; /* -1: the child has closed its end */
  int status;   /* of the farewell, or -1 */
  VbHostGuardTell tell;
  gpointer user_data;
} Guard;

static void
fill_set (sigset_t *set)
{
  sigemptyset (set);
  sigaddset (set, SIGCHLD);
  for (guint i = 0; i < G_N_ELEMENTS (passed_on); i++)
    sigaddset (set, passed_on[i]);
}

/* As the child ended, so that whoever waits for us sees why. */
G_GNUC_NORETURN static void
end_as (int status)
{
  if (!WIFSIGNALED (status))
    _exit (WEXITSTATUS (status));

  sigset_t all;
  prctl (PR_SET_DUMPABLE, 0); /* the child has left a core already */
  signal (WTERMSIG (status), SIG_DFL);
  sigemptyset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  raise (WTERMSIG (status));
  _exit (128 + WTERMSIG (status));
}

/* Returns: whether there may be more */
static gboolean
read_message (Guard *self)
{
  char message[MAX_MESSAGE + 1];
  const gssize n = recv (self->messages, message, MAX_MESSAGE, MSG_DONTWAIT);

  if (n < 0 && errno == EAGAIN)
    return FALSE;
  if (n <= 0)
    {
      close (self->messages);
      self->messages = -1; /* poll() passes over it */
      return FALSE;
    }
  message[n] = '\0';
  if (message[0] == TELL)
    self->tell (message + 1, self->user_data);
  else if (n == 2)
    self->status = (unsigned char) message[1];
  return TRUE;
}

static void
read_signal (Guard *self)
{
  struct signalfd_siginfo info;
  int status;

  if (read (self->signals, &info, sizeof info) != sizeof info)
    return;
  if (info.ssi_signo != SIGCHLD)
    kill (self->child, (int) info.ssi_signo);
  else if (waitpid (self->child, &status, WNOHANG) == self->child)
    {
      while (self->messages >= 0 && read_message (self))
        ;
      end_as (status);
    }
}

G_GNUC_NORETURN static void
stand_by (Guard *self)
{
  while (TRUE)
    {
      struct pollfd polls[] = { { .fd = self->signals, .events = POLLIN },
                                { .fd = self->messages, .events = POLLIN } };
      int n = poll (polls, G_N_ELEMENTS (polls), self->status >= 0 ? FAREWELL_MS : -1);

      if (n == 0)
        _exit (self->status);
      if (n < 0)
        continue;
      if (polls[1].revents != 0)
        read_message (self);
      if (polls[0].revents != 0)
        read_signal (self);
    }
}

void
vb_host_guard_enter (VbHostGuardTell tell, gpointer user_data)
{
  sigset_t set, before;
  int ends[2];
  const pid_t parent = getpid ();

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return;
  fill_set (&set);
  sigprocmask (SIG_BLOCK, &set, &before);
  Guard self = { .status = -1, .messages = ends[0], .tell = tell, .user_data = user_data };
  self.signals = signalfd (-1, &set, SFD_CLOEXEC);
  self.child = self.signals >= 0 ? fork () : -1;
  if (self.child > 0)
    {
      close (ends[1]);
      stand_by (&self);
    }

  sigprocmask (SIG_SETMASK, &before, NULL);
  close (ends[0]);
  if (self.signals >= 0)
    close (self.signals);
  if (self.child < 0)
    {
      close (ends[1]);
      return;
    }
  to_guard = ends[1];
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != parent)
    _exit (EXIT_FAILURE);
}

static void
send_message (char letter, const char *rest, gsize length)
{
  char message[MAX_MESSAGE] = { letter };

  length = MIN (length, MAX_MESSAGE - 1);
  memcpy (message + 1, rest, length);
  if (send (to_guard, message, length + 1, MSG_NOSIGNAL) < 0)
    g_warning ("Failed to notify the front process: %s", g_strerror (errno));
}

gboolean
vb_host_guard_tell (const char *text)
{
  if (to_guard < 0)
    return FALSE;
  send_message (TELL, text, strlen (text));
  return TRUE;
}

void
vb_host_guard_leave (int status)
{
  const char byte = (char) status;

  if (to_guard >= 0)
    send_message (FAREWELL, &byte, 1);
}
