/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli-client.h"

G_BEGIN_DECLS

/** VB_CLI_SOCKET: where the service listens unless told otherwise */
#define VB_CLI_SOCKET "/run/vps-backup/vps-backup.sock"
/** VB_CLI_KEYS: where token keys are unless told otherwise */
#define VB_CLI_KEYS "/etc/vps-backup/keys"
/** VB_CLI_POOL: where the pool is unless the config file says otherwise */
#define VB_CLI_POOL "/srv/backups"
/** VB_CLI_URI: the hypervisor unless the config file says otherwise */
#define VB_CLI_URI "qemu:///system"

/**
 * VbCli:
 * @socket: path of the service's socket
 * @json: whether stdout gets the protocol's JSON instead of words
 * @wait: --wait
 * @yes: --yes
 * @stop_first: --stop-first
 * @backup_first: --backup-first
 * @replace_disks: --replace-disks
 * @from: --from
 * @as: --as
 * @discard: --discard
 * @name: (nullable): --name
 * @request_key: (nullable): --request-key
 * @limit: --limit
 * @vps: (nullable): --vps, all of them
 * @permissions: (nullable): --perms
 * @ttl_s: --ttl
 * @subject: (nullable): --sub
 * @keys: (nullable): --keys
 * @key_file: (nullable): --key-file
 * @config: (nullable): --config
 * @pool: (nullable): --pool
 * @into: (nullable): --into
 * @disk: (nullable): --disk
 * @to: (nullable): --to
 * @no_define: --no-define
 * @at: (nullable): --at
 * @keep: --keep, 0 when it is not given
 * @jitter: --jitter, -1 when it is not given
 * @zone: (nullable): --zone
 * @id: (nullable): --id
 * @days: (nullable): --days
 * @every: (nullable): --every
 * @calendar: (nullable): --calendar
 * @keep_daily: --keep-daily, -1 when it is not given, as the next two
 * @keep_weekly: --keep-weekly
 * @keep_monthly: --keep-monthly
 * @off: --off
 * @client: to the service; connects when first used
 *
 * One run of the program: what was asked for, and the way to the service.
 */
typedef struct
{
  char *socket;
  gboolean json;
  gboolean wait;
  gboolean yes;
  gboolean stop_first;
  gboolean backup_first;
  gboolean replace_disks;
  char *from;
  char *as;
  gboolean discard;
  char *name;
  char *request_key;
  int limit;
  char **vps;
  char **permissions;
  int ttl_s;
  char *subject;
  char *keys;
  char *key_file;
  char *config;
  char *pool;
  char *into;
  char *disk;
  char *to;
  gboolean no_define;
  char *at;
  int keep;
  int jitter;
  char *zone;
  char *id;
  char *days;
  char *every;
  char *calendar;
  int keep_daily;
  int keep_weekly;
  int keep_monthly;
  gboolean off;
  VbCliClient *client;
} VbCli;

/**
 * VbCliFunc:
 * @arguments: (array zero-terminated=1): what follows the command, checked for number
 *
 * One command. Returns: %FALSE with @error set, whose kind becomes the exit status
 */
typedef gboolean (*VbCliFunc) (VbCli *self, char **arguments, GError **error);

/* The commands, by the file that has them. */
gboolean vb_cli_list (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_show (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_activity (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_log (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_rpc (VbCli *self, char **arguments, GError **error);

gboolean vb_cli_create (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_restore (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_undo (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_cancel (VbCli *self, char **arguments, GError **error);

gboolean vb_cli_delete (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_rename (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_protect (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_verify (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_slots (VbCli *self, char **arguments, GError **error);

gboolean vb_cli_schedule (VbCli *self, char **arguments, GError **error);

gboolean vb_cli_watch (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_token (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_pool (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_forget (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_doctor (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_download (VbCli *self, char **arguments, GError **error);
gboolean vb_cli_recover (VbCli *self, char **arguments, GError **error);

/** vb_cli_print_json: @object: printed on stdout in one line */
void vb_cli_print_json (JsonObject *object);

/** vb_cli_call: as vb_cli_client_call(), for methods whose result is an object */
JsonObject *vb_cli_call (VbCli *self, const char *method, JsonObject *params, GError **error);

/** vb_cli_params: Returns: (transfer full): params from pairs of name and string, ended by %NULL; a
 * %NULL string is left out */
JsonObject *vb_cli_params (const char *name, ...) G_GNUC_NULL_TERMINATED;

/** vb_cli_get_string: Returns: (transfer none) (nullable): a string member, %NULL when it is null
 * or missing */
const char *vb_cli_get_string (JsonObject *object, const char *name);
/** vb_cli_get_object: Returns: (transfer none) (nullable): an object member, %NULL when it is null
 * or missing */
JsonObject *vb_cli_get_object (JsonObject *object, const char *name);
/** vb_cli_get_array: Returns: (transfer full): an array member, empty when it is missing */
JsonArray *vb_cli_get_array (JsonObject *object, const char *name);
gint64 vb_cli_get_int (JsonObject *object, const char *name);
double vb_cli_get_double (JsonObject *object, const char *name);
gboolean vb_cli_get_boolean (JsonObject *object, const char *name);
/** vb_cli_format_size: Returns: (transfer full) (nullable): a member in bytes as text for people,
 * %NULL when it is null or missing */
char *vb_cli_format_size (JsonObject *object, const char *name);

G_END_DECLS
