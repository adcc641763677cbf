/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real bridge over a real manager that stands on doubles. Arguments: folder (for socket and token
 * keys), then key=value of the bridge's settings. Reads commands from stdin, one a line, and
 * answers each with "ok" or an error; says "ready PORT" first. Ends with stdin. */
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doubles.h"
#include "vb-bridge.h"
#include "core/interfaces/vb-outbox.h"
#include "storage/journal/vb-sqlite-journal.h"

typedef struct
{
  VbFakeHypervisor *hypervisor;
  VbFakePool *pool;
  VbFakeJournal *fake_journal; /* NULL with journal=sqlite */
  VbJournal *journal;
  VbManager *manager;
  VbBridge *bridge;
  GMainLoop *loop;
} Host;

typedef struct
{
  const char *name;
  guint n_arguments;
  const char *(*run) (Host *host, char **arguments);
} Command;

static gpointer
find_double (Host *host, const char *name)
{
  if (strcmp (name, "hypervisor") == 0)
    return host->hypervisor;
  return strcmp (name, "pool") == 0 ? (gpointer) host->pool : (gpointer) host->fake_journal;
}

static const char *
run_add (Host *host, char **arguments)
{
  vb_fake_hypervisor_add (host->hypervisor, arguments[0], arguments[1]);
  return "ok";
}

/* add-unsupported UUID NAME: a VPS with a disk that cannot be backed up */
static const char *
run_add_unsupported (Host *host, char **arguments)
{
  VbVpsInfo info = { .uuid = arguments[0],
                     .name = arguments[1],
                     .power = VB_POWER_RUNNING,
                     .slots_total = -1,
                     .unsupported = (char *) "The disk vdb at /secret cannot be backed up." };

  vb_fake_hypervisor_set (host->hypervisor, &info);
  return "ok";
}

static const char *
run_remove (Host *host, char **arguments)
{
  vb_fake_hypervisor_remove (host->hypervisor, arguments[0]);
  return "ok";
}

/* power UUID NAME WORD: an event from outside */
static const char *
run_power (Host *host, char **arguments)
{
  VbVpsInfo info = { .uuid = arguments[0],
                     .name = arguments[1],
                     .power = vb_power_from_string (arguments[2]),
                     .slots_total = -1 };

  vb_fake_hypervisor_set (host->hypervisor, &info);
  return "ok";
}

/* burst UUID N: so many changes of a VPS, each with a name of its own of 1 KiB */
static const char *
run_burst (Host *host, char **arguments)
{
  g_autofree char *padding = g_strnfill (1024, 'x');

  for (int i = 1; i <= atoi (arguments[1]); i++)
    {
      g_autofree char *name = g_strdup_printf ("%d-%s", i, padding);

      vb_fake_hypervisor_add (host->hypervisor, arguments[0], name);
    }
  return "ok";
}

static const char *
run_available (Host *host, char **arguments)
{
  vb_fake_hypervisor_set_available (host->hypervisor, strcmp (arguments[0], "yes") == 0);
  return "ok";
}

static const char *
run_hold (Host *host, char **arguments)
{
  vb_fake_hold (find_double (host, arguments[0]), arguments[1]);
  return "ok";
}

static const char *
run_release (Host *host, char **arguments)
{
  vb_fake_release (find_double (host, arguments[0]), arguments[1]);
  return "ok";
}

static const char *
run_fail (Host *host, char **arguments)
{
  vb_fake_fail (find_double (host, arguments[0]), arguments[1],
                vb_error_code_from_reason (arguments[2]));
  return "ok";
}

static const char *
run_allow (Host *host, char **arguments)
{
  vb_fake_pool_allow (host->pool, g_ascii_strtoull (arguments[0], NULL, 10));
  return "ok";
}

static const char *
run_disk_bytes (Host *host, char **arguments)
{
  vb_fake_hypervisor_set_disk_bytes (host->hypervisor, g_ascii_strtoull (arguments[0], NULL, 10));
  return "ok";
}

static const char *
run_bad_chunks (Host *host, char **arguments)
{
  vb_fake_pool_set_bad_chunks (host->pool, g_ascii_strtoull (arguments[0], NULL, 10));
  return "ok";
}

static const char *
run_stop_bridge (Host *host, char **arguments)
{
  vb_bridge_stop (host->bridge);
  return "ok";
}

static const Command commands[] = {
  { "add", 2, run_add },
  { "add-unsupported", 2, run_add_unsupported },
  { "remove", 1, run_remove },
  { "power", 3, run_power },
  { "burst", 2, run_burst },
  { "available", 1, run_available },
  { "hold", 2, run_hold },
  { "release", 2, run_release },
  { "fail", 3, run_fail },
  { "allow", 1, run_allow },
  { "bad-chunks", 1, run_bad_chunks },
  { "disk-bytes", 1, run_disk_bytes },
  { "stop-bridge", 0, run_stop_bridge },
};

static const char *
run_line (Host *host, const char *line)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);

  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_strcmp0 (words[0], commands[i].name) == 0
        && g_strv_length (words) == commands[i].n_arguments + 1)
      return commands[i].run (host, words + 1);

  return "error: no such command";
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Host *host = user_data;
  g_autofree char *line = g_data_input_stream_read_line_finish_utf8 (G_DATA_INPUT_STREAM (source),
                                                                     result, NULL, NULL);

  if (line == NULL)
    {
      g_main_loop_quit (host->loop);
      return;
    }

  puts (run_line (host, line));
  fflush (stdout);
  g_data_input_stream_read_line_async (G_DATA_INPUT_STREAM (source), G_PRIORITY_DEFAULT, NULL,
                                       on_line, host);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Host *host = user_data;
  g_autoptr (GError) error = NULL;

  if (!vb_manager_start_finish (VB_MANAGER (source), result, &error)
      || !vb_bridge_start (host->bridge, &error))
    {
      printf ("failed %s\n", error->message);
      fflush (stdout);
      g_main_loop_quit (host->loop);
      return;
    }

  printf ("ready %u\n", vb_bridge_get_tcp_port (host->bridge));
  fflush (stdout);
}

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Host *host = user_data;
  g_autoptr (GError) error = NULL;

  if (!vb_manager_stop_finish (VB_MANAGER (source), result, &error))
    g_printerr ("Stopping: %s\n", error->message);
  g_main_loop_quit (host->loop);
}

static const char *
find_setting (char **arguments, const char *name)
{
  gsize length = strlen (name);

  for (; *arguments != NULL; arguments++)
    if (strncmp (*arguments, name, length) == 0 && (*arguments)[length] == '=')
      return *arguments + length + 1;

  return "";
}

static VbBridge *
make_bridge (Host *host, const char *folder, char **arguments)
{
  g_autofree char *socket = g_build_filename (folder, "run", "socket", NULL);
  g_autofree char *keys = g_build_filename (folder, "keys", NULL);
  g_auto (GStrv) origins = g_strsplit (find_setting (arguments, "allowed-origins"), ";", -1);
  g_auto (GStrv) proxies = g_strsplit (find_setting (arguments, "trusted-proxies"), ";", -1);
  const char *max_connections = find_setting (arguments, "max-connections");
  const char *max_per_address = find_setting (arguments, "max-per-address");
  g_auto (GStrv) mail_to = g_strsplit (find_setting (arguments, "mail-to"), ";", -1);
  VbBridgeSettings settings = {
    .files_enabled = TRUE,
    .socket = socket,
    .socket_group = find_setting (arguments, "socket-group"),
    .listen = find_setting (arguments, "listen"),
    .tls_certificate = find_setting (arguments, "tls-certificate"),
    .tls_key = find_setting (arguments, "tls-key"),
    .token_keys = keys,
    .allowed_origins = (const char *const *) origins,
    .trusted_proxies = (const char *const *) proxies,
    .max_connections = *max_connections != '\0' ? (guint) atoi (max_connections) : 4096,
    .max_per_address = *max_per_address != '\0' ? (guint) atoi (max_per_address) : 256,
    .state_folder = folder,
    .push_contact = find_setting (arguments, "push-subject"),
    .push_allow_loopback = *find_setting (arguments, "push-allow-loopback") != '\0',
    .webhook_url = find_setting (arguments, "webhook-url"),
    .webhook_secret_file = find_setting (arguments, "webhook-secret-file"),
    .mail_program = find_setting (arguments, "mail-program"),
    .mail_from = "backup@example.org",
    .mail_to = (const char *const *) mail_to,
  };

  return vb_bridge_new (host->manager, &settings);
}

/* journal=sqlite: one in the folder, which outlives the process. */
static void
make_journal (Host *host, const char *folder, char **arguments)
{
  g_autofree char *file = g_build_filename (folder, "journal.sqlite", NULL);
  const gboolean has_webhook = *find_setting (arguments, "webhook-url") != '\0';
  g_autoptr (GError) error = NULL;

  if (*find_setting (arguments, "journal") == '\0')
    {
      host->fake_journal = vb_fake_journal_new ();
      host->journal = VB_JOURNAL (g_object_ref (host->fake_journal));
      return;
    }
  host->journal = VB_JOURNAL (vb_sqlite_journal_new (file, &error));
  if (error == NULL)
    vb_outbox_set_webhook (VB_OUTBOX (host->journal), has_webhook, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  VbSettings settings = { .slots_included = 2,
                          .slots_step = 1,
                          .slots_maximum = 10,
                          .max_concurrent = 2,
                          .stall_timeout_s = 1800,
                          .freeze_timeout_s = 5 };
  Host host = { 0 };

  g_return_val_if_fail (argc >= 2, 2);
  if (*find_setting (argv + 2, "max-concurrent") != '\0')
    settings.max_concurrent = (guint) atoi (find_setting (argv + 2, "max-concurrent"));
  if (*find_setting (argv + 2, "stall-timeout") != '\0')
    settings.stall_timeout_s = (guint) atoi (find_setting (argv + 2, "stall-timeout"));
  /* Standard output is for answers. */
  g_log_writer_default_set_use_stderr (TRUE);

  host.hypervisor = vb_fake_hypervisor_new ();
  if (*find_setting (argv + 2, "vps") != '\0')
    vb_fake_hypervisor_add (host.hypervisor, find_setting (argv + 2, "vps"),
                            "there from the start");
  host.pool = vb_fake_pool_new ();
  make_journal (&host, argv[1], argv + 2);
  host.manager = vb_manager_new (VB_HYPERVISOR (host.hypervisor), VB_POOL (host.pool), host.journal,
                                 &settings);
  host.bridge = make_bridge (&host, argv[1], argv + 2);
  host.loop = g_main_loop_new (NULL, FALSE);
  vb_manager_start_async (host.manager, on_started, &host);
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, NULL, on_line, &host);
  g_main_loop_run (host.loop);

  vb_bridge_stop (host.bridge);
  vb_manager_stop_async (host.manager, on_stopped, &host);
  g_main_loop_run (host.loop);
  /* What is being closed ends in its own time; nothing of it may be left. */
  while (g_main_context_iteration (NULL, FALSE))
    ;

  g_clear_object (&host.bridge);
  g_clear_object (&host.manager);
  g_clear_object (&host.journal);
  g_clear_object (&host.fake_journal);
  g_clear_object (&host.pool);
  g_clear_object (&host.hypervisor);
  g_main_loop_unref (host.loop);
  return 0;
}
