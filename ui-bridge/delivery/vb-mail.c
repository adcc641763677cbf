/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-mail.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"
#include "core/base/vb-worker.h"

/* A program that has not taken the message by then is killed. */
#define LIMIT_S 60
/* Of one message; how many more there were is told. */
#define REPORTS_MAX 100

struct _VbMail
{
  GObject parent_instance;

  VbManager *manager;
  VbWorker *worker;
  char *program;
  char *from;
  char **to;
  GString *reports; /* that wait for the next message */
  guint n_reports;
  gboolean is_sending;
  gboolean is_stopped;
};

G_DEFINE_FINAL_TYPE (VbMail, vb_mail, G_TYPE_OBJECT)

static void send_waiting (VbMail *self);

/* ---- the text ---- */

static const char *
title_of (VbNotificationType type)
{
  switch (type)
    {
    case VB_NOTIFICATION_BACKUP_FAILED:
      return "Backup Failed";
    case VB_NOTIFICATION_RESTORE_FAILED:
      return "Restore Failed";
    case VB_NOTIFICATION_UNDO_FAILED:
      return "Undo Failed";
    case VB_NOTIFICATION_OPERATION_STALLED:
      return "No Progress";
    case VB_NOTIFICATION_SCHEDULE_SKIPPED:
      return "Automatic Backup Skipped";
    case VB_NOTIFICATION_BACKUP_DAMAGED:
      return "Backup Damaged";
    case VB_NOTIFICATION_JOURNAL_LOST:
      return "Journal Lost";
    case VB_NOTIFICATION_RESTORE_UNFINISHED:
      return "Restore Unfinished";
    case VB_NOTIFICATION_BACKUP_COMPLETED:
    case VB_NOTIFICATION_RESTORE_COMPLETED:
    case VB_NOTIFICATION_UNDO_COMPLETED:
    default:
      return NULL; /* nothing went wrong */
    }
}

/* Names are customers': they stay in their line. */
static void
append_value (GString *text, const char *label, const char *value)
{
  g_autofree char *valid = NULL;

  if (value == NULL || *value == '\0')
    return;
  valid = g_utf8_make_valid (value, -1);
  g_string_append_printf (text, "  %s: ", label);
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    g_string_append_unichar (text,
                             g_unichar_iscntrl (g_utf8_get_char (at)) ? '?' : g_utf8_get_char (at));
  g_string_append_c (text, '\n');
}

static void
append_report (GString *text, const VbNotification *notification)
{
  g_autofree char *at = g_date_time_format_iso8601 (notification->created_at);

  g_string_append_printf (text, "%s\n", title_of (notification->type));
  if (!g_str_equal (notification->vps, VB_NOTIFICATION_HOST))
    {
      append_value (text, "VPS", notification->vps_name);
      append_value (text, "UUID", notification->vps);
    }
  append_value (text, "Backup", notification->backup_name);
  append_value (text, "Backup ID", notification->backup);
  append_value (text, "Operation", notification->operation);
  append_value (text, "Reason", notification->reason);
  append_value (text, "Time", at);
  g_string_append_c (text, '\n');
}

/* No word of a customer's is in a header. */
static GBytes *
make_message (VbMail *self)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *date = g_strdup_printf (
      "%s, %02d %s %d %02d:%02d:%02d +0000",
      &"Mon\0Tue\0Wed\0Thu\0Fri\0Sat\0Sun"[4 * (g_date_time_get_day_of_week (now) - 1)],
      g_date_time_get_day_of_month (now),
      &"Jan\0Feb\0Mar\0Apr\0May\0Jun\0Jul\0Aug\0Sep\0Oct\0Nov\0Dec"
          [4 * (g_date_time_get_month (now) - 1)],
      g_date_time_get_year (now), g_date_time_get_hour (now), g_date_time_get_minute (now),
      g_date_time_get_second (now));
  g_autofree char *to = g_strjoinv (", ", self->to);
  g_autofree char *host
      = g_str_to_ascii (g_get_host_name () != NULL ? g_get_host_name () : "", "C");

  g_strdelimit (host, "\r\n\t ", '-');
  if (self->from != NULL)
    g_string_append_printf (text, "From: %s\n", self->from);
  g_string_append_printf (text,
                          "To: %s\nDate: %s\nSubject: vps-backup on %s: %u %s\n"
                          "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                          "Content-Type: text/plain; charset=utf-8\n"
                          "Content-Transfer-Encoding: 8bit\n\n",
                          to, date, host, self->n_reports,
                          self->n_reports == 1 ? "failure" : "failures");
  g_string_append (text, self->reports->str);
  if (self->n_reports > REPORTS_MAX)
    g_string_append_printf (text, "%u more are in the log.\n", self->n_reports - REPORTS_MAX);
  return g_string_free_to_bytes (text);
}

/* ---- the program, in a thread ---- */

typedef struct
{
  char **arguments;
  GBytes *text;
} MailCall;

static void
mail_call_free (MailCall *call)
{
  g_strfreev (call->arguments);
  g_bytes_unref (call->text);
  g_free (call);
}

typedef struct
{
  GSubprocess *process;
  GError *error;
  gboolean is_late;
  gboolean is_done;
} Run;

static gboolean
on_late (gpointer user_data)
{
  Run *run = user_data;

  run->is_late = TRUE;
  g_subprocess_force_exit (run->process);
  return G_SOURCE_REMOVE;
}

static void
on_communicated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  g_subprocess_communicate_finish (G_SUBPROCESS (source), result, NULL, NULL, &run->error);
  run->is_done = TRUE;
}

static void
finish_run (Run *run, GTask *task)
{
  if (run->is_late)
    g_task_return_new_error (task, VB_ERROR, VB_ERROR_INTERNAL,
                             "The program has not taken the message in %d s", LIMIT_S);
  else if (g_subprocess_get_if_exited (run->process)
           && g_subprocess_get_exit_status (run->process) == 0)
    g_task_return_boolean (task, TRUE);
  else if (g_subprocess_get_if_exited (run->process))
    g_task_return_new_error (task, VB_ERROR, VB_ERROR_INTERNAL, "The program ended with status %d",
                             g_subprocess_get_exit_status (run->process));
  else
    g_task_return_new_error (task, VB_ERROR, VB_ERROR_INTERNAL, "The program was killed");
}

static void
send_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const MailCall *call = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GSource) timer = g_timeout_source_new_seconds (LIMIT_S);
  GError *error = NULL;
  Run run = { NULL };

  g_main_context_push_thread_default (context);
  run.process = g_subprocess_newv ((const char *const *) call->arguments,
                                   G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE
                                       | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                                   &error);
  if (run.process == NULL)
    {
      g_task_return_error (task, error);
      g_main_context_pop_thread_default (context);
      return;
    }
  g_source_set_callback (timer, on_late, &run, NULL);
  g_source_attach (timer, context);
  g_subprocess_communicate_async (run.process, call->text, NULL, on_communicated, &run);
  while (!run.is_done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
  g_main_context_pop_thread_default (context);
  /* One that does not want to read all of it may say why by its status. */
  g_clear_error (&run.error);
  g_subprocess_wait (run.process, NULL, NULL);
  finish_run (&run, task);
  g_object_unref (run.process);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbMail *self = VB_MAIL (source);
  g_autoptr (GError) error = NULL;

  self->is_sending = FALSE;
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    vb_log_warning (NULL, NULL, NULL, "Failed to send mail with %s: %s", self->program,
                    error->message);
  send_waiting (self);
}

static char **
make_arguments (VbMail *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, self->program);
  g_strv_builder_add (builder, "-i"); /* a lone dot does not end it */
  if (self->from != NULL)
    {
      g_strv_builder_add (builder, "-f");
      g_strv_builder_add (builder, self->from);
    }
  g_strv_builder_add (builder, "--");
  g_strv_builder_addv (builder, (const char **) self->to);
  return g_strv_builder_end (builder);
}

static void
send_waiting (VbMail *self)
{
  g_autoptr (GTask) task = NULL;
  MailCall *call;

  if (self->is_stopped || self->is_sending || self->n_reports == 0)
    return;
  call = g_new0 (MailCall, 1);
  call->arguments = make_arguments (self);
  call->text = make_message (self);
  g_string_truncate (self->reports, 0);
  self->n_reports = 0;
  self->is_sending = TRUE;
  task = g_task_new (self, NULL, on_sent, NULL);
  g_task_set_task_data (task, call, (GDestroyNotify) mail_call_free);
  vb_worker_run (self->worker, task, send_in_thread);
}

static void
on_notification (VbManager *manager, const VbNotification *notification, gpointer user_data)
{
  VbMail *self = user_data;

  if (title_of (notification->type) == NULL)
    return;
  if (++self->n_reports <= REPORTS_MAX)
    append_report (self->reports, notification);
  send_waiting (self);
}

/* ---- lifecycle ---- */

static void
vb_mail_dispose (GObject *object)
{
  VbMail *self = VB_MAIL (object);

  vb_mail_stop (self);
  g_clear_object (&self->manager);
  G_OBJECT_CLASS (vb_mail_parent_class)->dispose (object);
}

static void
vb_mail_finalize (GObject *object)
{
  VbMail *self = VB_MAIL (object);

  g_clear_pointer (&self->worker, vb_worker_free);
  g_string_free (self->reports, TRUE);
  g_strfreev (self->to);
  g_free (self->from);
  g_free (self->program);
  G_OBJECT_CLASS (vb_mail_parent_class)->finalize (object);
}

static void
vb_mail_class_init (VbMailClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_mail_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_mail_finalize;
}

static void
vb_mail_init (VbMail *self)
{
  self->worker = vb_worker_new (1);
  self->reports = g_string_new (NULL);
}

VbMail *
vb_mail_new (VbManager *manager, const char *program, const char *from, const char *const *to)
{
  VbMail *self = g_object_new (VB_TYPE_MAIL, NULL);

  self->manager = g_object_ref (manager);
  self->program = g_strdup (program);
  self->from = g_strdup (from);
  self->to = g_strdupv ((char **) to);
  return self;
}

void
vb_mail_start (VbMail *self)
{
  g_signal_connect (self->manager, "notification-added", G_CALLBACK (on_notification), self);
}

void
vb_mail_stop (VbMail *self)
{
  if (self->is_stopped)
    return;
  self->is_stopped = TRUE;
  g_signal_handlers_disconnect_by_data (self->manager, self);
}
