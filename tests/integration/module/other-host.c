/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that is not vps-backupd: no GMainLoop, a config of its own, several services one after the
 * other in one process. Usage: other-host MODULE CONFIG ROUNDS. Says on stdout how far it came;
 * exits 1 when the module broke a rule of its header. */
#include <gmodule.h>
#include <libintl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vps-backup-module.h"

extern char **environ;

/* ---- what the module has to leave alone ---- */

static const int watched_signals[]
    = { SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGUSR2, SIGSEGV };

static char *
describe_process (void)
{
  GString *text = g_string_new (NULL);
  g_autofree char *folder = g_get_current_dir ();
  g_autofree char *environment = g_strjoinv (" ", environ);
  const mode_t mask = umask (0);

  umask (mask);
  g_string_append_printf (text, "locale %s\ndomain %s\numask %o\nfolder %s\nenvironment %s\n",
                          setlocale (LC_ALL, NULL), textdomain (NULL), mask, folder, environment);
  for (guint i = 0; i < G_N_ELEMENTS (watched_signals); i++)
    {
      struct sigaction action;

      sigaction (watched_signals[i], NULL, &action);
      g_string_append_printf (text, "signal %d %p\n", watched_signals[i],
                              (void *) action.sa_handler);
    }
  return g_string_free (text, FALSE);
}

/* ---- one service ---- */

static void
on_answer (GObject *service, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
on_status (GObject *service, GParamSpec *pspec, gpointer user_data)
{
  g_autofree char *status = NULL;

  g_object_get (service, "status", &status, NULL);
  printf ("status: %s\n", status);
}

/* @patience: stop after so many turns of the main context, started or not; -1: when it has
 * started */
static gboolean
run_service (const VpsBackupModule *module, const char *config, int patience, GError **error)
{
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  g_autoptr (GError) start_error = NULL;
  g_autoptr (GObject) service = module->create (config, error);

  if (service == NULL)
    return FALSE;
  g_signal_connect (service, "notify::status", G_CALLBACK (on_status), NULL);
  module->start_async (service, on_answer, &started);
  for (int turn = 0; started == NULL && turn != patience; turn++)
    g_main_context_iteration (NULL, TRUE);
  module->stop_async (service, on_answer, &stopped);
  wait_for (&stopped);
  wait_for (&started);

  if (module->start_finish (service, started, &start_error))
    printf ("started\n");
  else if (!g_error_matches (start_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&start_error));
      return FALSE;
    }
  printf ("stopped\n");
  return module->stop_finish (service, stopped, error);
}

/* ---- the module ---- */

static const VpsBackupModule *
load (const char *path, GError **error)
{
  gpointer symbol = NULL;
  GModule *library;

  if (!vps_backup_module_check_process (error))
    return NULL;
  library = g_module_open (path, G_MODULE_BIND_LOCAL);
  if (library == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, g_module_error ());
      return NULL;
    }
  g_module_symbol (library, VPS_BACKUP_MODULE_SYMBOL, &symbol);
  if (!vps_backup_module_check (symbol, error))
    return NULL;
  g_module_make_resident (library);
  return symbol;
}

static int
fail (const char *text)
{
  fprintf (stderr, "%s\n", text);
  return EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  const VpsBackupModule *module;

  setvbuf (stdout, NULL, _IOLBF, 0);
  if (argc != 4)
    return fail ("usage: other-host MODULE CONFIG ROUNDS");
  before = describe_process ();
  module = load (argv[1], &error);
  if (module == NULL)
    return fail (error->message);
  printf ("loaded %s %s\n", module->name, module->version);

  for (int round = 0; round < atoi (argv[3]); round++)
    if (!run_service (module, argv[2], round - 1, &error))
      return fail (error->message);

  after = describe_process ();
  if (strcmp (before, after) != 0)
    {
      fprintf (stderr, "the process is not as it was\nbefore: %s\nafter: %s\n", before, after);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
