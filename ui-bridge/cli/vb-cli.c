/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vps-backupctl: the operator's command line. */
#include "vb-cli.h"

#include <libintl.h>
#include <locale.h>
#include <string.h>

#include "vb-cli-error.h"
#include "vb-cli-schedule.h"
#include "vb-cli-text.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

typedef enum
{
  OPTIONS_NONE,
  OPTIONS_CREATE,
  OPTIONS_RESTORE,
  OPTIONS_UNDO,
  OPTIONS_LOG,
  OPTIONS_SCHEDULE,
  OPTIONS_TOKEN,
  OPTIONS_RECOVER,
  OPTIONS_CONFIG,
  OPTIONS_DOWNLOAD,
} OptionSet;

typedef struct
{
  const char *name;
  const char *arguments; /* for help */
  const char *summary;
  guint n_min;
  guint n_max;
  OptionSet options;
  VbCliFunc func;
} Command;

static const Command commands[] = {
  { "list", "", N_ ("all VPSs"), 0, 0, OPTIONS_NONE, vb_cli_list },
  { "show", "VPS", N_ ("one VPS and its backups"), 1, 1, OPTIONS_NONE, vb_cli_show },
  { "create", "VPS [--name N] [--wait]", N_ ("make a backup"), 1, 1, OPTIONS_CREATE,
    vb_cli_create },
  { "restore",
    "VPS BACKUP [--wait] [--yes] [--stop-first] [--backup-first] [--replace-disks] [--from VPS]",
    N_ ("go back to a backup"), 2, 2, OPTIONS_RESTORE, vb_cli_restore },
  { "undo", "VPS [--discard] [--wait] [--yes]", N_ ("put back what the last restore has replaced"),
    1, 1, OPTIONS_UNDO, vb_cli_undo },
  { "delete", "VPS BACKUP", N_ ("delete a backup and free its slot"), 2, 2, OPTIONS_NONE,
    vb_cli_delete },
  { "rename", "VPS BACKUP NAME", N_ ("give a backup another name"), 3, 3, OPTIONS_NONE,
    vb_cli_rename },
  { "protect", "VPS BACKUP [off]", N_ ("keep a backup from being deleted"), 2, 3, OPTIONS_NONE,
    vb_cli_protect },
  { "verify", "VPS BACKUP", N_ ("read a backup and compare its checksums"), 2, 2, OPTIONS_NONE,
    vb_cli_verify },
  { "download", "VPS BACKUP --disk DISK --to FILE",
    N_ ("write a disk of a backup to a file, as a qcow2 image"), 2, 2, OPTIONS_DOWNLOAD,
    vb_cli_download },
  { "cancel", "VPS", N_ ("cancel what runs on a VPS"), 1, 1, OPTIONS_NONE, vb_cli_cancel },
  { "slots", "VPS [TOTAL]", N_ ("show or set the number of slots"), 1, 2, OPTIONS_NONE,
    vb_cli_slots },
  { "schedule", VB_CLI_SCHEDULE_ARGUMENTS, N_ ("show or set when backups are made by themselves"),
    1, 3, OPTIONS_SCHEDULE, vb_cli_schedule },
  { "watch", "[VPS]", N_ ("show what happens, as it happens"), 0, 1, OPTIONS_NONE, vb_cli_watch },
  { "log", "[VPS] [--limit N]", N_ ("what was done, and who asked for it, newest first"), 0, 1,
    OPTIONS_LOG, vb_cli_log },
  { "activity", "[VPS] [--limit N]", N_ ("who has done what, newest first"), 0, 1, OPTIONS_LOG,
    vb_cli_activity },
  { "rpc", "", N_ ("JSON-RPC on stdin and stdout, one object a line"), 0, 0, OPTIONS_NONE,
    vb_cli_rpc },
  { "token", "--vps V --perms P --ttl S [--sub S] [--keys DIR | --key-file FILE | --config FILE]",
    N_ ("sign a token with a key of this host"), 0, 0, OPTIONS_TOKEN, vb_cli_token },
  { "pool", "init PATH | check [PATH] | list [PATH]",
    N_ ("make a pool; compare all backups with their checksums; list them"), 1, 2, OPTIONS_NONE,
    vb_cli_pool },
  { "doctor", "[--config FILE]", N_ ("what keeps backups from working here, and what mends it"), 0,
    0, OPTIONS_CONFIG, vb_cli_doctor },
  { "forget", "VPS [--config FILE]", N_ ("let go of a VPS's disks, so that it can be undefined"), 1,
    1, OPTIONS_CONFIG, vb_cli_forget },
  { "recover", "VPS [BACKUP] --into DIR [--as NAME] [--pool PATH | --config FILE] [--no-define]",
    N_ ("bring a VPS back from the pool alone, on a host that has lost it"), 1, 2, OPTIONS_RECOVER,
    vb_cli_recover },
};

/* ---- options ---- */

static void
cli_clear (VbCli *self)
{
  g_free (self->socket);
  g_free (self->name);
  g_free (self->request_key);
  g_strfreev (self->vps);
  g_strfreev (self->permissions);
  g_free (self->subject);
  g_free (self->keys);
  g_free (self->key_file);
  g_free (self->config);
  g_free (self->pool);
  g_free (self->into);
  g_free (self->from);
  g_free (self->as);
  g_free (self->disk);
  g_free (self->to);
  g_free (self->at);
  g_free (self->zone);
  g_free (self->id);
  g_free (self->days);
  g_free (self->every);
  g_free (self->calendar);
  g_clear_object (&self->client);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VbCli, cli_clear)

/* GOption does not copy what it describes. */
static const char *G_GNUC_FORMAT (1) with_default (const char *format, const char *value)
{
  g_autofree char *text = g_strdup_printf (format, value);

  return g_intern_string (text);
}

static void
add_common_options (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &self->socket,
      with_default (_ ("Socket of the service (default: %s)"), VB_CLI_SOCKET), N_ ("PATH") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print the JSON of the protocol"), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_operation_options (GOptionContext *context, VbCli *self, OptionSet set)
{
  const GOptionEntry both[] = {
    { "wait", 0, 0, G_OPTION_ARG_NONE, &self->wait, N_ ("Show progress until it has ended"), NULL },
    { NULL },
  };
  const GOptionEntry create[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &self->name, N_ ("Name of the backup"), N_ ("NAME") },
    { "request-key", 0, 0, G_OPTION_ARG_STRING, &self->request_key,
      N_ ("Repeating a key returns what it started first"), N_ ("KEY") },
    { NULL },
  };
  const GOptionEntry restore[] = {
    { "yes", 0, 0, G_OPTION_ARG_NONE, &self->yes, N_ ("Don't ask"), NULL },
    { "stop-first", 0, 0, G_OPTION_ARG_NONE, &self->stop_first,
      N_ ("Stop the VPS before the copy, not only for the swap"), NULL },
    { "backup-first", 0, 0, G_OPTION_ARG_NONE, &self->backup_first,
      N_ ("Back up the present state before anything is restored"), NULL },
    { "replace-disks", 0, 0, G_OPTION_ARG_NONE, &self->replace_disks,
      N_ ("Overwrite disks in the place of those of the backup"), NULL },
    { "from", 0, 0, G_OPTION_ARG_STRING, &self->from,
      N_ ("The VPS that the backup belongs to, when that is another one"), N_ ("VPS") },
    { NULL },
  };

  const GOptionEntry undo[] = {
    { "yes", 0, 0, G_OPTION_ARG_NONE, &self->yes, N_ ("Don't ask"), NULL },
    { "discard", 0, 0, G_OPTION_ARG_NONE, &self->discard,
      N_ ("Delete what is kept instead of putting it back"), NULL },
    { NULL },
  };
  const GOptionEntry *own = set == OPTIONS_CREATE ? create : set == OPTIONS_UNDO ? undo : restore;

  g_option_context_add_main_entries (context, both, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, own, GETTEXT_PACKAGE);
}

static void
add_token_options (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "vps", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->vps,
      N_ ("VPS it is for, or *; may be repeated"), N_ ("VPS") },
    { "perms", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->permissions,
      N_ ("What it allows, separated by commas"), N_ ("PERMISSIONS") },
    { "ttl", 0, 0, G_OPTION_ARG_INT, &self->ttl_s, N_ ("How long it is valid"), N_ ("SECONDS") },
    { "sub", 0, 0, G_OPTION_ARG_STRING, &self->subject, N_ ("User it is for (default: you)"),
      N_ ("USER") },
    { "keys", 0, 0, G_OPTION_ARG_FILENAME, &self->keys,
      with_default (_ ("Folder of keys; the newest is used (default: %s)"), VB_CLI_KEYS),
      N_ ("DIR") },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &self->key_file, N_ ("The key to be used"),
      N_ ("FILE") },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &self->config,
      N_ ("Config file that names the folder"), N_ ("FILE") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_recover_options (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "into", 0, 0, G_OPTION_ARG_FILENAME, &self->into, N_ ("Folder for the disks"), N_ ("DIR") },
    { "as", 0, 0, G_OPTION_ARG_STRING, &self->as,
      N_ ("Make it a new VPS, with a UUID and MAC addresses of its own"), N_ ("NAME") },
    { "pool", 0, 0, G_OPTION_ARG_FILENAME, &self->pool,
      N_ ("The pool (default: what the config file says)"), N_ ("PATH") },
    { "no-define", 0, 0, G_OPTION_ARG_NONE, &self->no_define,
      N_ ("Write the definition, but don't ask libvirt to take it"), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_download_options (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "disk", 0, 0, G_OPTION_ARG_STRING, &self->disk, N_ ("Which disk, such as vda"), N_ ("DISK") },
    { "to", 0, 0, G_OPTION_ARG_FILENAME, &self->to, N_ ("Where to write it"), N_ ("FILE") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_config_option (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &self->config, N_ ("Config file of the service"),
      N_ ("FILE") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_log_options (GOptionContext *context, VbCli *self)
{
  const GOptionEntry entries[] = {
    { "limit", 0, 0, G_OPTION_ARG_INT, &self->limit, N_ ("How many at most"), N_ ("N") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

/* ---- one command ---- */

static GOptionContext *
make_command_context (VbCli *self, const Command *command)
{
  g_autofree char *parameters = g_strdup_printf ("%s %s", command->name, command->arguments);
  GOptionContext *context = g_option_context_new (parameters);

  g_option_context_set_summary (context, _ (command->summary));
  add_common_options (context, self);
  if (command->options == OPTIONS_CREATE || command->options == OPTIONS_RESTORE
      || command->options == OPTIONS_UNDO)
    add_operation_options (context, self, command->options);
  else if (command->options == OPTIONS_TOKEN)
    add_token_options (context, self);
  else if (command->options == OPTIONS_LOG)
    add_log_options (context, self);
  else if (command->options == OPTIONS_SCHEDULE)
    vb_cli_schedule_add_options (context, self);
  else if (command->options == OPTIONS_DOWNLOAD)
    add_download_options (context, self);
  else if (command->options == OPTIONS_RECOVER)
    add_recover_options (context, self);
  if (command->options == OPTIONS_RECOVER || command->options == OPTIONS_CONFIG)
    add_config_option (context, self);
  return context;
}

static const Command *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
  return NULL;
}

/* "--" stands before arguments that begin with a dash; GOption leaves it there. */
static void
drop_separator (int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++)
    if (g_str_equal (argv[i], "--"))
      {
        memmove (&argv[i], &argv[i + 1], (*argc - i) * sizeof *argv);
        (*argc)--;
        return;
      }
}

static gboolean
run_command (VbCli *self, const Command *command, int argc, char **argv, GError **error)
{
  g_autoptr (GOptionContext) context = make_command_context (self, command);
  guint n_arguments;

  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  drop_separator (&argc, argv);
  n_arguments = argc - 1;
  if (n_arguments < command->n_min || n_arguments > command->n_max)
    return vb_cli_error_set_usage (error, _ ("usage: vps-backupctl %s %s"), command->name,
                                   command->arguments);

  self->client = vb_cli_client_new (self->socket != NULL ? self->socket : VB_CLI_SOCKET);
  return command->func (self, argv + 1, error);
}

/* ---- the program ---- */

static char *
describe_commands (void)
{
  GString *text = g_string_new (_ ("Commands:"));

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "\n  %s %s\n      %s", commands[i].name, commands[i].arguments,
                            _ (commands[i].summary));
  g_string_append_printf (
      text, "\n\n%s",
      _ ("VPS is a UUID or a domain name; BACKUP is an id, the beginning of one, or “latest”.\n"
         "Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 service not reachable."));
  return g_string_free (text, FALSE);
}

static gboolean
run (VbCli *self, int argc, char **argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (_ ("COMMAND …"));
  g_autofree char *description = describe_commands ();
  gboolean version = FALSE;
  const Command *command;
  const GOptionEntry entries[] = {
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Print the version"), NULL },
    { NULL },
  };

  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_set_summary (context, _ ("Backup slots of the VPSs of this host."));
  g_option_context_set_description (context, description);
  add_common_options (context, self);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (version)
    {
      vb_cli_print (stdout, "vps-backupctl %s\n", VB_VERSION);
      return TRUE;
    }
  if (argc < 2)
    return vb_cli_error_set_usage (error, _ ("A command is missing; try --help"));

  command = find_command (argv[1]);
  if (command == NULL)
    return vb_cli_error_set_usage (error, _ ("Unknown command “%s”; try --help"), argv[1]);
  return run_command (self, command, argc - 1, argv + 1, error);
}

/* Scripts that asked for JSON get the refusal as the protocol has it, too. */
static void
report (VbCli *self, const GError *error)
{
  JsonObject *refusal = self->client != NULL ? vb_cli_client_get_refusal (self->client) : NULL;

  if (self->json && refusal != NULL && vb_cli_error_status (error) == VB_CLI_ERROR_REFUSED)
    {
      g_autoptr (JsonObject) output = json_object_new ();

      json_object_set_object_member (output, "error", json_object_ref (refusal));
      vb_cli_print_json (output);
    }
  if (error->domain == VB_ERROR && error->code != VB_ERROR_INVALID_ARGUMENT)
    vb_cli_print (stderr, "vps-backupctl: %s (%s)\n", error->message,
                  vb_error_reason (error->code));
  else
    vb_cli_print (stderr, "vps-backupctl: %s\n", error->message);
}

int
main (int argc, char **argv)
{
  g_auto (VbCli) self = { .jitter = -1, .keep_daily = -1, .keep_weekly = -1, .keep_monthly = -1 };
  g_autoptr (GError) error = NULL;
  const char *folder;

  setlocale (LC_ALL, "");
  /* As gettext(1) has it: catalogues that are not installed. */
  folder = g_getenv ("TEXTDOMAINDIR");
  bindtextdomain (GETTEXT_PACKAGE, folder != NULL ? folder : VB_LOCALE_FOLDER);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  vb_i18n_enable ();

  if (!run (&self, argc, argv, &error))
    report (&self, error);
  return vb_cli_error_status (error);
}
