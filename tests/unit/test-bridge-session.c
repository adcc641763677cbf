/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What time does to one open connection, with a clock of the test's own. */
#include <string.h>
#include <sys/socket.h>

#include "session/vb-session.h"
#include "websocket/vb-ws-frame.h"

#define S G_USEC_PER_SEC
#define DEADLINE_US (60 * S)

typedef struct
{
  VbSession *session;
  GSocket *client;
  gint64 begun_us;
} Lab;

static void
set_up (Lab *lab, gconstpointer data)
{
  gint64 expires_at_s = GPOINTER_TO_INT (data) ? g_get_real_time () / S + 1000 : 0;
  g_autoptr (VbIdentity) identity
      = vb_identity_new ("bob", VB_PERMISSION_BACKUP_READ, NULL, "t", 1, expires_at_s);
  g_autoptr (GUri) uri = g_uri_parse ("ws://localhost/", G_URI_FLAGS_NONE, NULL);
  g_autoptr (GSocket) server = NULL;
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (VbPeer) peer = NULL;
  g_autoptr (VbWsStream) guarded = NULL;
  g_autoptr (SoupWebsocketConnection) connection = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  server = g_socket_new_from_fd (fds[0], NULL);
  lab->client = g_socket_new_from_fd (fds[1], NULL);
  g_socket_set_blocking (lab->client, FALSE);
  stream = g_socket_connection_factory_create_connection (server);
  peer = vb_peer_new (server, NULL);
  guarded = vb_ws_stream_new (G_IO_STREAM (stream), VB_MESSAGE_BYTES_MAX);
  connection = soup_websocket_connection_new (G_IO_STREAM (guarded), uri,
                                              SOUP_WEBSOCKET_CONNECTION_SERVER, NULL, NULL, NULL);
  lab->begun_us = g_get_monotonic_time ();
  lab->session = vb_session_new (connection, guarded, peer, identity);
}

static void
tear_down (Lab *lab, gconstpointer data)
{
  vb_session_close (lab->session, 1000, "done");
  g_socket_close (lab->client, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&lab->session);
  g_clear_object (&lab->client);
}

/* Returns: (transfer full): all that is there to be read */
static GByteArray *
receive (Lab *lab)
{
  GByteArray *all = g_byte_array_new ();
  guint8 buffer[65536];
  gssize n;

  while ((n = g_socket_receive (lab->client, (char *) buffer, sizeof buffer, NULL, NULL)) > 0)
    g_byte_array_append (all, buffer, (guint) n);
  return all;
}

/* After so many seconds of a clock on which nothing else happens. */
static gint64
check_after (Lab *lab, gint64 s)
{
  return vb_session_check_clock (lab->session, lab->begun_us + s * S, g_get_real_time () + s * S);
}

static void
assert_received (Lab *lab, const char *bytes, gsize length)
{
  g_autoptr (GByteArray) got = receive (lab);

  g_assert_cmpmem (got->data, got->len, bytes, length);
}

static void
test_an_idle_connection_is_kept_alive (Lab *lab, gconstpointer data)
{
  g_assert_cmpint (check_after (lab, 29), ==, G_MAXINT64);
  assert_received (lab, "", 0);
  check_after (lab, 31);
  assert_received (lab, "\x89\0", 2);
  check_after (lab, 60);
  assert_received (lab, "", 0);
  check_after (lab, 62);
  assert_received (lab, "\x89\0", 2);
  g_assert_true (vb_session_is_open (lab->session));
}

/* One frame more than the sockets take. */
static void
fill (Lab *lab)
{
  g_autofree char *text = g_strnfill (1024 * 1024, 'x');
  g_autoptr (GRefString) frame = vb_ws_frame_new_text (text);

  vb_session_send (lab->session, VB_SEND_ALWAYS, NULL, frame);
}

static void
test_who_reads_nothing_is_cut_off (Lab *lab, gconstpointer data)
{
  fill (lab);
  check_after (lab, 59);
  g_assert_true (vb_session_is_open (lab->session));
  check_after (lab, 63);
  g_assert_false (vb_session_is_open (lab->session));
}

/* The frame comes whole, and what came meanwhile after it, in order. */
static void
test_who_reads_late_gets_all (Lab *lab, gconstpointer data)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GRefString) last = vb_ws_frame_new_text ("last");
  const gsize wanted = 10 + 1024 * 1024 + g_ref_string_length (last);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  fill (lab);
  vb_session_send (lab->session, VB_SEND_ALWAYS, NULL, last);
  /* No ping in the middle of it either. */
  check_after (lab, 31);
  while (all->len < wanted && g_get_monotonic_time () < deadline)
    {
      g_autoptr (GByteArray) some = receive (lab);

      g_byte_array_append (all, some->data, some->len);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpuint (all->len, ==, wanted);
  g_assert_cmpint (all->data[10], ==, 'x');
  g_assert_cmpint (all->data[10 + 1024 * 1024 - 1], ==, 'x');
  g_assert_cmpmem (all->data + wanted - 4, 4, "last", 4);
  check_after (lab, 1000);
  g_assert_true (vb_session_is_open (lab->session));
}

static void
test_its_token_ends (Lab *lab, gconstpointer data)
{
  g_autoptr (GByteArray) warning = NULL;

  check_after (lab, 939);
  g_byte_array_unref (receive (lab));
  check_after (lab, 942);
  warning = receive (lab);
  g_assert_nonnull (memmem (warning->data, warning->len, "session.expiring", 16));
  g_assert_true (vb_session_is_open (lab->session));
  check_after (lab, 1001);
  g_assert_false (vb_session_is_open (lab->session));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define SESSION_TEST(path, func, expires)                                                          \
  g_test_add (path, Lab, GINT_TO_POINTER (expires), set_up, func, tear_down)
  SESSION_TEST ("/session/an-idle-connection-is-kept-alive", test_an_idle_connection_is_kept_alive,
                0);
  SESSION_TEST ("/session/who-reads-nothing-is-cut-off", test_who_reads_nothing_is_cut_off, 0);
  SESSION_TEST ("/session/who-reads-late-gets-all", test_who_reads_late_gets_all, 0);
  SESSION_TEST ("/session/its-token-ends", test_its_token_ends, 1);
  return g_test_run ();
}
