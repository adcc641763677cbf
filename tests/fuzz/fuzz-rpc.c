/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON-RPC frames of a customer, through all of the bridge that is behind the websocket, on a
 * manager that stands on doubles. There is one VPS of theirs and one of somebody else; the
 * permission is to read, so that one input leaves nothing behind for the next. */
#include <libsoup/soup.h>
#include <string.h>
#include <sys/socket.h>

#include "doubles.h"
#include "fuzz.h"
#include "rpc/vb-rpc.h"

#define OWN "0b0a3a5e-1f6c-4f0e-9d7a-6e2a3a1c9f10"
#define FOREIGN "0b0a3a5e-1f6c-4f0e-9d7a-6e2a3a1c9f11"
/* What was refused is kept by the double of the journal. */
#define RUNS_PER_LAB 5000

typedef struct
{
  VbFakeHypervisor *hypervisor;
  VbFakePool *pool;
  VbFakeJournal *journal;
  VbManager *manager;
  VbSessionRegistry *sessions;
  VbRpcContext *context;
  VbSession *session;
  GSocket *client;
  gboolean started;
} Lab;

static Lab lab;
/* Made anew of each input: an input that held it would be echoed, as the "id" of a request is. */
static char *foreign_name;

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (vb_manager_start_finish (VB_MANAGER (source), result, NULL));
  lab.started = TRUE;
}

static gboolean
is_started (gpointer data)
{
  return lab.started;
}

static void
open_session (void)
{
  static const char *const vps[] = { OWN, NULL };
  g_autoptr (VbIdentity) identity
      = vb_identity_new ("fuzzer", VB_PERMISSION_BACKUP_READ, vps, "t", 1, 0);
  g_autoptr (GUri) uri = g_uri_parse ("ws://localhost/", G_URI_FLAGS_NONE, NULL);
  g_autoptr (GSocket) server = NULL;
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (VbPeer) peer = NULL;
  g_autoptr (VbWsStream) guarded = NULL;
  g_autoptr (SoupWebsocketConnection) connection = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  server = g_socket_new_from_fd (fds[0], NULL);
  lab.client = g_socket_new_from_fd (fds[1], NULL);
  g_socket_set_blocking (server, FALSE);
  g_socket_set_blocking (lab.client, FALSE);
  stream = g_socket_connection_factory_create_connection (server);
  peer = vb_peer_new (server, NULL);
  guarded = vb_ws_stream_new (G_IO_STREAM (stream), VB_MESSAGE_BYTES_MAX);
  connection = soup_websocket_connection_new (G_IO_STREAM (guarded), uri,
                                              SOUP_WEBSOCKET_CONNECTION_SERVER, NULL, NULL, NULL);
  lab.session = vb_session_new (connection, guarded, peer, identity);
  vb_session_registry_add (lab.sessions, lab.session);
}

static void
set_up (void)
{
  VbSettings settings
      = { .slots_included = 2, .slots_step = 1, .slots_maximum = 10, .max_concurrent = 2 };

  lab = (Lab){ .hypervisor = vb_fake_hypervisor_new (),
               .pool = vb_fake_pool_new (),
               .journal = vb_fake_journal_new () };
  lab.manager = vb_manager_new (VB_HYPERVISOR (lab.hypervisor), VB_POOL (lab.pool),
                                VB_JOURNAL (lab.journal), &settings);
  lab.sessions = vb_session_registry_new (lab.manager, NULL);
  lab.context = vb_rpc_context_new (lab.manager, lab.sessions, NULL);
  vb_manager_start_async (lab.manager, on_started, NULL);
  vb_fake_wait_until (is_started, NULL, "the manager");
  vb_fake_hypervisor_add (lab.hypervisor, OWN, "own");
  open_session ();
}

static gboolean
is_idle (gpointer data)
{
  return vb_session_get_pending (lab.session) == 0;
}

static void
close_session (void)
{
  vb_session_close (lab.session, 1000, "done");
  g_socket_close (lab.client, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&lab.session);
  g_clear_object (&lab.client);
}

static void
tear_down (void)
{
  close_session ();
  g_clear_pointer (&lab.context, vb_rpc_context_unref);
  g_clear_object (&lab.sessions);
  g_clear_object (&lab.manager);
  g_clear_object (&lab.journal);
  g_clear_object (&lab.pool);
  g_clear_object (&lab.hypervisor);
}

static void
name_foreign (const guint8 *data, gsize size)
{
  g_free (foreign_name);
  foreign_name = g_compute_checksum_for_data (G_CHECKSUM_SHA1, data, size);
  vb_fake_hypervisor_add (lab.hypervisor, FOREIGN, foreign_name);
}

/* Nothing of what comes back may be about somebody else. */
static void
read_answers (void)
{
  char buffer[65536];
  gssize n;

  while ((n = g_socket_receive (lab.client, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_assert_null (memmem (buffer, (gsize) n, foreign_name, strlen (foreign_name)));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static guint runs;

  if (runs++ % RUNS_PER_LAB == 0)
    {
      if (lab.manager != NULL)
        tear_down ();
      set_up ();
    }

  name_foreign (data, size);
  vb_rpc_handle (lab.context, lab.session, (const char *) data, size);
  vb_fake_wait_until (is_idle, NULL, "the answer");
  read_answers ();
  if (!vb_session_is_open (lab.session))
    {
      close_session ();
      open_session ();
    }

  return 0;
}
