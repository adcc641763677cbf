/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The protocol over stdin and stdout, for ssh, Ansible and Cockpit. */
#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"
#include "vb-cli-error.h"
#include "vb-cli-text.h"
#include "vb-cli.h"

/* What the service allows a connection, and a little less. */
#define PENDING_MAX 24
#define BURST 30
#define PER_S 18

typedef struct
{
  VbCli *cli;
  GDataInputStream *input;
  GMainLoop *loop;
  GHashTable *pending; /* set of ids, printed, that are not answered yet */
  char *last_id;       /* of our own request at the end of the input, NULL before */
  double allowed;      /* requests that may be sent now */
  gint64 allowed_at_us;
  gboolean reading;
  guint pause;
  GError *error;
} Rpc;

static void read_next (Rpc *self);

static char *
print_node (JsonNode *node)
{
  return node != NULL ? vb_json_text_print (node) : NULL;
}

/* Returns: (transfer full) (nullable): the printed id, NULL where there is none */
static char *
find_id (const char *text, gsize length)
{
  g_autoptr (JsonNode) node = vb_json_text_parse (text, length, NULL);

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;

  return print_node (json_object_get_member (json_node_get_object (node), "id"));
}

static void
check_end (Rpc *self)
{
  /* Answers to what has no id come before that to our own request. */
  if (self->last_id != NULL && g_hash_table_size (self->pending) == 0)
    g_main_loop_quit (self->loop);
}

static void
on_text (const char *text, gsize length, gpointer user_data)
{
  Rpc *self = user_data;
  g_autofree char *id = find_id (text, length);
  gboolean is_ours = id != NULL && g_strcmp0 (id, self->last_id) == 0;

  if (!is_ours)
    {
      fwrite (text, 1, length, stdout);
      fputc ('\n', stdout);
      fflush (stdout);
    }
  if (id != NULL)
    g_hash_table_remove (self->pending, id);
  check_end (self);
  read_next (self);
}

static void
on_lost (gpointer user_data)
{
  Rpc *self = user_data;

  if (self->error == NULL)
    vb_cli_client_set_lost_error (self->cli->client, &self->error);
  g_main_loop_quit (self->loop);
}

static void
send_last (Rpc *self)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *text = NULL;

  self->last_id = g_strdup_printf ("\"vps-backupctl %s\"", uuid);
  g_hash_table_add (self->pending, g_strdup (self->last_id));
  text = g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"session.info\"}",
                          self->last_id);
  vb_cli_client_send_text (self->cli->client, text);
}

static void
send_line (Rpc *self, const char *line)
{
  char *id = find_id (line, strlen (line));

  if (id != NULL)
    g_hash_table_add (self->pending, id);
  self->allowed -= 1;
  vb_cli_client_send_text (self->cli->client, line);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Rpc *self = user_data;
  g_autofree char *line = NULL;
  gsize length;

  self->reading = FALSE;
  line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, &length,
                                               &self->error);
  if (self->error != NULL)
    {
      g_main_loop_quit (self->loop);
      return;
    }

  if (line == NULL)
    send_last (self);
  else if (!g_utf8_validate_len (line, length, NULL))
    g_set_error_literal (&self->error, VB_CLI_ERROR, VB_CLI_ERROR_FAILED,
                         _ ("The input is not UTF-8 text, one request a line."));
  else if (*g_strstrip (line) != '\0')
    send_line (self, line);

  if (self->error != NULL)
    g_main_loop_quit (self->loop);
  else
    read_next (self);
}

static gboolean
on_pause_over (gpointer user_data)
{
  Rpc *self = user_data;

  self->pause = 0;
  read_next (self);
  return G_SOURCE_REMOVE;
}

static void
refill (Rpc *self)
{
  gint64 now_us = g_get_monotonic_time ();

  self->allowed = MIN (
      BURST, self->allowed + (double) (now_us - self->allowed_at_us) * PER_S / G_USEC_PER_SEC);
  self->allowed_at_us = now_us;
}

/* One that sends more than the service allows is held back here, not thrown out there. */
static void
read_next (Rpc *self)
{
  if (self->reading || self->pause != 0 || self->last_id != NULL
      || g_hash_table_size (self->pending) >= PENDING_MAX)
    return;

  refill (self);
  if (self->allowed < 1)
    {
      self->pause = g_timeout_add (1000 / PER_S + 1, on_pause_over, self);
      return;
    }

  self->reading = TRUE;
  g_data_input_stream_read_line_async (self->input, G_PRIORITY_DEFAULT, NULL, on_line, self);
}

gboolean
vb_cli_rpc (VbCli *self, char **arguments, GError **error)
{
  g_autoptr (GInputStream) standard = g_unix_input_stream_new (STDIN_FILENO, FALSE);
  g_autoptr (GDataInputStream) input = g_data_input_stream_new (standard);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GHashTable) pending = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Rpc rpc = { .cli = self, .input = input, .loop = loop, .pending = pending, .allowed = BURST };

  if (!vb_cli_client_connect (self->client, error))
    return FALSE;

  rpc.allowed_at_us = g_get_monotonic_time ();
  vb_cli_client_set_raw (self->client, on_text, on_lost, &rpc);
  read_next (&rpc);
  g_main_loop_run (loop);

  vb_cli_client_set_raw (self->client, NULL, NULL, NULL);
  g_clear_handle_id (&rpc.pause, g_source_remove);
  g_free (rpc.last_id);
  if (rpc.error != NULL)
    g_propagate_error (error, rpc.error);
  return rpc.error == NULL;
}
