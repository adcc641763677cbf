/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/base/vb-error.h"
#include "vb-files.h"
#include "core/base/vb-log.h"

#define COMPLAINT_BYTES 2048
#define OUTPUT_BYTES (1024 * 1024)
#define END_TIMEOUT_MS 5000
#define RUN_TIMEOUT_MS (10 * 60 * 1000)

/* Where systemd's protocol puts the first socket that it hands over. */
#define FIRST_LISTEN_FD 3
#define LISTEN_PID "LISTEN_PID="

struct _VbChild
{
  char *name;
  pid_t pid;
  int output; /* memory files that are its stdout and stderr: never full, they never block it */
  int complaints;
};

/* All that the child needs between fork and exec, where memory must not be allocated. */
typedef struct
{
  const char *program;
  char *const *argv;
  char *env[8];
  char listen_pid[32];
  int null_fd;
  int output;
  int complaints;
  int listen_fd;
  const int *images;
  guint n_images;
  pid_t parent;
} Plan;

static void
write_number (char *to, guint number)
{
  char digits[16];
  gsize n = 0;

  do
    digits[n++] = (char) ('0' + number % 10);
  while ((number /= 10) > 0);
  while (n > 0)
    *to++ = digits[--n];
  *to = '\0';
}

G_GNUC_NORETURN static void
become (Plan *plan)
{
  sigset_t none;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != plan->parent)
    _exit (127);
  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);

  dup2 (plan->null_fd, STDIN_FILENO);
  dup2 (plan->output, STDOUT_FILENO);
  dup2 (plan->complaints, STDERR_FILENO);
  if (plan->listen_fd >= 0)
    dup2 (plan->listen_fd, FIRST_LISTEN_FD);
  else
    close (FIRST_LISTEN_FD);
  for (guint i = 0; i < plan->n_images; i++)
    dup2 (plan->images[i], VB_CHILD_FIRST_IMAGE_FD + (int) i);
  close_range (VB_CHILD_FIRST_IMAGE_FD + plan->n_images, ~0U, 0);
  write_number (plan->listen_pid + strlen (LISTEN_PID), (guint) getpid ());

  umask (077);
  if (chdir ("/") == 0)
    execve (plan->program, plan->argv, plan->env);
  _exit (127);
}

/* Out of the way of the numbers that the child's descriptors get. */
static int
dup_high (int fd, guint n_images)
{
  return fcntl (fd, F_DUPFD_CLOEXEC, 64 + (int) n_images);
}

static void
close_all (GArray *fds)
{
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, int, i));
  g_array_unref (fds);
}

/* Returns (transfer full): numbers that are out of the way, or NULL */
static GArray *
dup_images (const int *fds, guint n)
{
  GArray *high = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; i < n; i++)
    {
      int fd = dup_high (fds[i], n);

      if (fd < 0)
        {
          close_all (high);
          return NULL;
        }
      g_array_append_val (high, fd);
    }
  return high;
}

VbChild *
vb_child_start (const char *const *argv,
                int listen_fd,
                const int *images,
                guint n_images,
                GError **error)
{
  g_autofree char *program = g_find_program_in_path (argv[0]);
  if (program == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The program %s is not installed", argv[0]);
      return NULL;
    }

  g_autoptr (VbChild) self = g_new0 (VbChild, 1);
  self->output = self->complaints = -1;
  self->name = g_strdup (argv[0]);
  self->output = memfd_create ("vps-backup-output", MFD_CLOEXEC);
  self->complaints = memfd_create ("vps-backup-complaints", MFD_CLOEXEC);
  vb_autofd int null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  vb_autofd int high_null = dup_high (null_fd, n_images);
  vb_autofd int high_output = dup_high (self->output, n_images);
  vb_autofd int high_complaints = dup_high (self->complaints, n_images);
  vb_autofd int high_listen = listen_fd >= 0 ? dup_high (listen_fd, n_images) : -1;
  g_autoptr (GArray) high_images = dup_images (images, n_images);
  if (high_null < 0 || high_output < 0 || high_complaints < 0 || high_images == NULL
      || (listen_fd >= 0 && high_listen < 0))
    {
      vb_error_set_errno (error, errno, "Failed to prepare to start %s", argv[0]);
      if (high_images != NULL)
        close_all (g_steal_pointer (&high_images));
      return NULL;
    }

  Plan plan = { .program = program,
                .argv = (char *const *) argv,
                .null_fd = high_null,
                .output = high_output,
                .complaints = high_complaints,
                .listen_fd = high_listen,
                .images = (const int *) (void *) high_images->data,
                .n_images = n_images,
                .parent = getpid (),
                .listen_pid = LISTEN_PID };
  plan.env[0] = (char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  plan.env[1] = (char *) "LC_ALL=C";
  /* qemu-nbd allocates a buffer for each request: let it keep them instead of asking the kernel for
   * new ones. */
  plan.env[2] = (char *) "MALLOC_MMAP_THRESHOLD_=33554432";
  plan.env[3] = (char *) "MALLOC_TRIM_THRESHOLD_=268435456";
  if (listen_fd >= 0)
    {
      plan.env[4] = (char *) "LISTEN_FDS=1";
      plan.env[5] = plan.listen_pid;
    }
  self->pid = fork ();
  if (self->pid == 0)
    become (&plan);
  close_all (g_steal_pointer (&high_images));
  if (self->pid < 0)
    {
      vb_error_set_errno (error, errno, "Failed to start %s", argv[0]);
      return NULL;
    }
  return g_steal_pointer (&self);
}

static char *
read_text (int fd, gsize maximum)
{
  g_autofree char *text = g_malloc (maximum);

  gssize n = pread (fd, text, maximum, 0);
  return g_utf8_make_valid (text, MAX (n, 0));
}

char *
vb_child_dup_complaint (VbChild *self)
{
  return g_strstrip (read_text (self->complaints, COMPLAINT_BYTES));
}

/* Returns: whether it has ended and is reaped */
static gboolean
reap (VbChild *self, int timeout_ms, int *status)
{
  vb_autofd int fd = (int) syscall (SYS_pidfd_open, self->pid, 0);
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  if (fd >= 0)
    poll (&poll_fd, 1, timeout_ms);
  pid_t ended = waitpid (self->pid, status, fd >= 0 ? WNOHANG : 0);
  if (ended < 0)
    *status = -1; /* the host program ignores its children, so nobody can know */
  return ended != 0;
}

gboolean
vb_child_wait (VbChild *self, int timeout_ms, GError **error)
{
  int status = 0;

  gboolean ended = reap (self, timeout_ms, &status);
  if (ended)
    self->pid = 0;
  if (ended && status == 0)
    return TRUE;
  g_autofree char *complaint = vb_child_dup_complaint (self);
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%s %s: %s", self->name,
               ended ? "has failed" : "does not end", complaint);
  return FALSE;
}

char *
vb_child_run (const char *const *argv, const int *images, guint n_images, GError **error)
{
  g_autoptr (VbChild) self = vb_child_start (argv, -1, images, n_images, error);
  if (self == NULL || !vb_child_wait (self, RUN_TIMEOUT_MS, error))
    return NULL;
  return read_text (self->output, OUTPUT_BYTES);
}

void
vb_child_free (VbChild *self)
{
  int status;

  if (self->pid > 0)
    {
      kill (self->pid, SIGKILL);
      if (!reap (self, END_TIMEOUT_MS, &status))
        vb_log_warning (NULL, NULL, NULL, "%s (process %d) hangs and cannot be ended", self->name,
                        (int) self->pid);
    }
  vb_fd_clear (&self->output);
  vb_fd_clear (&self->complaints);
  g_free (self->name);
  g_free (self);
}
