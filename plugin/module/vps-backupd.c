/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vps-backupd: the small host manager. It loads the module, gives it a main loop and the service
 * manager's ear. */
#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "vb-host-guard.h"
#include "vb-host-log.h"
#include "vb-host-module.h"
#include "vb-host-notify.h"

#define EXIT_USAGE 2

typedef struct
{
  GMainLoop *loop;
  VbHostNotify *notify;
  const VpsBackupModule *module;
  GObject *service;
  gboolean stopping;
  int exit_status;
} Host;

static int
fail (const GError *error, int status)
{
  fprintf (stderr, "vps-backupd: %s\n", error->message);
  return status;
}

/* ---- running ---- */

static void
on_stopped (GObject *service, GAsyncResult *result, gpointer user_data)
{
  Host *host = user_data;
  g_autoptr (GError) error = NULL;

  if (!host->module->stop_finish (service, result, &error))
    g_warning ("%s", error->message);
  g_main_loop_quit (host->loop);
}

static gboolean
on_stop_signal (gpointer user_data)
{
  Host *host = user_data;

  if (!host->stopping)
    {
      host->stopping = TRUE;
      vb_host_notify_send (host->notify, "STOPPING=1");
      host->module->stop_async (host->service, on_stopped, host);
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer user_data)
{
  g_message ("The config file is read at start only; restart the service to apply changes.");
  return G_SOURCE_CONTINUE;
}

static void
on_started (GObject *service, GAsyncResult *result, gpointer user_data)
{
  Host *host = user_data;
  g_autoptr (GError) error = NULL;

  if (host->module->start_finish (service, result, &error))
    {
      vb_host_notify_send (host->notify, "READY=1");
      return;
    }
  /* When a signal came first, the answer of stop_async() ends the loop. */
  if (host->stopping)
    return;
  host->exit_status = fail (error, EXIT_FAILURE);
  g_main_loop_quit (host->loop);
}

static void
on_status (GObject *service, GParamSpec *pspec, gpointer user_data)
{
  Host *host = user_data;
  g_autofree char *status = NULL;

  g_object_get (service, "status", &status, NULL);
  if (status != NULL)
    vb_host_notify_status (host->notify, status);
}

static int
run (Host *host, const char *config_file)
{
  g_autoptr (GError) error = NULL;
  gulong status_handler;

  host->service = host->module->create (config_file, &error);
  if (host->service == NULL)
    return fail (error, EXIT_FAILURE);

  host->loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGTERM, on_stop_signal, host);
  g_unix_signal_add (SIGINT, on_stop_signal, host);
  g_unix_signal_add (SIGHUP, on_hangup, host);
  status_handler = g_signal_connect (host->service, "notify::status", G_CALLBACK (on_status), host);
  host->module->start_async (host->service, on_started, host);

  g_main_loop_run (host->loop);

  g_signal_handler_disconnect (host->service, status_handler);
  g_clear_object (&host->service);
  g_main_loop_unref (host->loop);
  return host->exit_status;
}

/* ---- process ---- */

/* Thousands of panels are as many descriptors. The usual soft limit of 1,024 is there for programs
 * that use select(), which neither we nor what we are made of does. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;

  limit.rlim_cur = limit.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
    g_warning ("The limit of open files cannot be raised: %s", g_strerror (errno));
}

/* ---- command line ---- */

typedef struct
{
  char *config;
  char *module;
  gboolean version;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->config);
  g_free (options->module);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (int argc, char **argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "Config file", "FILE" },
    { "module", 0, 0, G_OPTION_ARG_FILENAME, &options->module,
      "The module (default: vps-backup.so beside this program, else " VB_MODULE_FOLDER ")",
      "PATH" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Backup slots for the VPSs of this host.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "Unknown argument “%s”",
                   argv[1]);
      return FALSE;
    }
  if (options->config == NULL && !options->version)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "--config FILE is missing; try --help");
      return FALSE;
    }
  return TRUE;
}

/* In the process in front. */
static void
tell (const char *text, gpointer user_data)
{
  vb_host_notify_send (user_data, text);
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  Host host = { .exit_status = EXIT_SUCCESS };

  /* No setlocale(): what we say is English in UTF-8, for it goes to logs and to any client. */
  vb_host_log_install ();
  if (!parse_options (argc, argv, &options, &error))
    return fail (error, EXIT_USAGE);
  if (options.version)
    {
      g_print ("vps-backupd %s\n", VB_VERSION);
      return EXIT_SUCCESS;
    }

  signal (SIGPIPE, SIG_IGN);
  raise_descriptor_limit ();
  host.notify = vb_host_notify_new ();
  vb_host_guard_enter (tell, host.notify);
  path
      = options.module != NULL ? g_strdup (options.module) : vb_host_module_find (VB_MODULE_FOLDER);
  host.module = vb_host_module_load (path, &error);
  host.exit_status = host.module != NULL ? run (&host, options.config) : fail (error, EXIT_FAILURE);
  vb_host_notify_free (host.notify);
  vb_host_guard_leave (host.exit_status);
  return host.exit_status;
}
