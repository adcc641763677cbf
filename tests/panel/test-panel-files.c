/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The panel's files over a real libsoup server on loopback. */
#include "http/vb-panel-files.h"

typedef struct
{
  SoupServer *server;
  SoupSession *session;
  guint port;
  VbPanelFiles *files;
} Fixture;

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  Fixture *fixture = user_data;

  vb_panel_files_handle (fixture->files, message, path);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoslist (GUri) uris = NULL;

  fixture->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (fixture->server, NULL, on_request, fixture, NULL);
  fixture->files = vb_panel_files_new (data);
  soup_server_listen_local (fixture->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (fixture->server);
  fixture->port = g_uri_get_port (uris->data);
  fixture->session = soup_session_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  soup_session_abort (fixture->session);
  g_clear_object (&fixture->session);
  soup_server_disconnect (fixture->server);
  g_clear_object (&fixture->server);
  vb_panel_files_free (fixture->files);
}

typedef struct
{
  GBytes *body;
  gboolean done;
} Answer;

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  Answer *answer = user_data;

  answer->body = soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);
  g_assert_no_error (error);
  answer->done = TRUE;
}

/* @name, @value: (nullable): one more request header; Returns: (transfer full): the message with
 * its answer */
static SoupMessage *
ask (Fixture *fixture,
     const char *method,
     const char *path,
     const char *name,
     const char *value,
     GBytes **body)
{
  g_autofree char *uri = g_strdup_printf ("http://127.0.0.1:%u%s", fixture->port, path);
  g_autoptr (SoupMessage) message = soup_message_new (method, uri);
  Answer answer = { NULL, FALSE };

  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (name)
    soup_message_headers_append (soup_message_get_request_headers (message), name, value);
  soup_session_send_and_read_async (fixture->session, message, G_PRIORITY_DEFAULT, NULL, on_answer,
                                    &answer);
  while (!answer.done)
    g_main_context_iteration (NULL, TRUE);
  if (body)
    *body = g_bytes_ref (answer.body);
  g_bytes_unref (answer.body);
  return g_steal_pointer (&message);
}

static const char *
header (SoupMessage *message, const char *name)
{
  return soup_message_headers_get_one (soup_message_get_response_headers (message), name);
}

static void
test_index (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) body = NULL;
  g_autoptr (SoupMessage) message = ask (fixture, "GET", "/panel/", NULL, NULL, &body);
  const char *policy = header (message, "Content-Security-Policy");

  g_assert_cmpuint (soup_message_get_status (message), ==, 200);
  g_assert_cmpstr (header (message, "Content-Type"), ==, "text/html; charset=utf-8");
  g_assert_cmpstr (header (message, "X-Content-Type-Options"), ==, "nosniff");
  g_assert_cmpstr (header (message, "Referrer-Policy"), ==, "no-referrer");
  g_assert_cmpstr (header (message, "Cache-Control"), ==, "no-cache");
  g_assert_true (g_str_has_prefix (policy, "default-src 'self';"));
  g_assert_null (strstr (policy, "unsafe"));
  g_assert_nonnull (
      g_strstr_len (g_bytes_get_data (body, NULL), g_bytes_get_size (body), "<vps-backup-app>"));
}

static void
test_types (Fixture *fixture, gconstpointer data)
{
  static const char *const expected[][2] = {
    { "/panel/index.html", "text/html; charset=utf-8" },
    { "/panel/vps-backup.js", "text/javascript; charset=utf-8" },
    { "/panel/locale/pt-BR.json", "application/json" },
    { "/panel/sw.js", "text/javascript; charset=utf-8" },
    { "/panel/icon.svg", "image/svg+xml" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autoptr (SoupMessage) message = ask (fixture, "GET", expected[i][0], NULL, NULL, NULL);

      g_assert_cmpuint (soup_message_get_status (message), ==, 200);
      g_assert_cmpstr (header (message, "Content-Type"), ==, expected[i][1]);
      g_assert_cmpstr (header (message, "Access-Control-Allow-Origin"), ==, "*");
    }
}

static void
test_caching (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SoupMessage) first = ask (fixture, "GET", "/panel/sw.js", NULL, NULL, NULL);
  const char *etag = header (first, "ETag");
  g_autofree char *weak_among_others = g_strdup_printf ("\"other\", W/%s", etag);
  const char *const fresh[] = { etag, weak_among_others, "*" };

  g_assert_true (g_str_has_prefix (etag, "\""));
  for (gsize i = 0; i < G_N_ELEMENTS (fresh); i++)
    {
      g_autoptr (GBytes) body = NULL;
      g_autoptr (SoupMessage) again
          = ask (fixture, "GET", "/panel/sw.js", "If-None-Match", fresh[i], &body);

      g_assert_cmpuint (soup_message_get_status (again), ==, 304);
      g_assert_cmpuint (g_bytes_get_size (body), ==, 0);
      g_assert_cmpstr (header (again, "ETag"), ==, etag);
    }
  {
    g_autoptr (SoupMessage) stale
        = ask (fixture, "GET", "/panel/sw.js", "If-None-Match", "\"other\"", NULL);

    g_assert_cmpuint (soup_message_get_status (stale), ==, 200);
  }
}

static void
test_head (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GBytes) nothing = NULL;
  g_autoptr (SoupMessage) get
      = ask (fixture, "GET", "/panel/sw.js", "Accept-Encoding", "identity", &whole);
  g_autoptr (SoupMessage) head
      = ask (fixture, "HEAD", "/panel/sw.js", "Accept-Encoding", "identity", &nothing);
  g_autofree char *length = g_strdup_printf ("%" G_GSIZE_FORMAT, g_bytes_get_size (whole));

  g_assert_cmpuint (soup_message_get_status (get), ==, 200);
  g_assert_cmpuint (soup_message_get_status (head), ==, 200);
  g_assert_cmpuint (g_bytes_get_size (nothing), ==, 0);
  g_assert_cmpstr (header (head, "Content-Length"), ==, length);
  g_assert_cmpstr (header (head, "ETag"), ==, header (get, "ETag"));
}

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  static const char *const missing[] = { "/panel/none.js",
                                         "/panel/elements",
                                         "/panel/elements/",
                                         "/panel/../healthz",
                                         "/panel/%2e%2e/%2e%2e/etc/passwd",
                                         "/panel/meson.build",
                                         "/panelx",
                                         "/" };
  static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS" };

  for (gsize i = 0; i < G_N_ELEMENTS (missing); i++)
    {
      g_autoptr (SoupMessage) message = ask (fixture, "GET", missing[i], NULL, NULL, NULL);

      g_assert_cmpuint (soup_message_get_status (message), ==, 404);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (SoupMessage) message = ask (fixture, methods[i], "/panel/", NULL, NULL, NULL);

      g_assert_cmpuint (soup_message_get_status (message), ==, 405);
      g_assert_cmpstr (header (message, "Allow"), ==, "GET, HEAD");
    }
}

static void
test_redirect (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SoupMessage) message = ask (fixture, "GET", "/panel", NULL, NULL, NULL);

  g_assert_cmpuint (soup_message_get_status (message), ==, 308);
  g_assert_cmpstr (header (message, "Location"), ==, "panel/");
}

/* Returns: (transfer full): the address of a file in the folder that the page names */
static char *
address_of (Fixture *fixture, const char *name)
{
  g_autoptr (GBytes) body = NULL;
  g_autoptr (SoupMessage) message = ask (fixture, "GET", "/panel/", NULL, NULL, &body);
  g_autofree char *page = g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  g_autofree char *pattern = g_strdup_printf ("([0-9a-f]{12}/%s)", name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *found = NULL;

  g_assert_true (g_regex_match (regex, page, 0, &match));
  found = g_match_info_fetch (match, 1);
  return g_strconcat ("/panel/", found, NULL);
}

static void
test_for_good (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "core\\.js", "page\\.css" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = address_of (fixture, names[i]);
      g_autoptr (SoupMessage) message = ask (fixture, "GET", path, NULL, NULL, NULL);

      g_assert_cmpuint (soup_message_get_status (message), ==, 200);
      g_assert_cmpstr (header (message, "Cache-Control"), ==,
                       "public, max-age=31536000, immutable");
    }
}

static void
test_gzip (Fixture *fixture, gconstpointer data)
{
  static const char *const refusals[] = { "identity", "zstd", "gzip;q=0", "deflate, gzip; q=0.0" };
  g_autofree char *path = address_of (fixture, "core\\.js");
  g_autoptr (GBytes) packed = NULL;
  g_autoptr (GBytes) plain = NULL;
  g_autoptr (SoupMessage) message = NULL;

  soup_session_remove_feature_by_type (fixture->session, SOUP_TYPE_CONTENT_DECODER);
  message = ask (fixture, "GET", path, "Accept-Encoding", "zstd;q=1.0, gzip;q=0.8", &packed);
  g_assert_cmpstr (header (message, "Content-Encoding"), ==, "gzip");
  g_assert_cmpstr (header (message, "Vary"), ==, "Accept-Encoding");
  g_assert_cmpmem (g_bytes_get_data (packed, NULL), 2, "\x1f\x8b", 2);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autoptr (SoupMessage) other
          = ask (fixture, "GET", path, "Accept-Encoding", refusals[i], NULL);

      g_assert_null (header (other, "Content-Encoding"));
      g_assert_cmpstr (header (other, "ETag"), !=, header (message, "ETag"));
    }
  g_object_unref (ask (fixture, "GET", path, NULL, NULL, &plain));
  g_assert_cmpuint (g_bytes_get_size (packed) * 2, <, g_bytes_get_size (plain));
  /* What an overview takes. */
  g_assert_cmpuint (g_bytes_get_size (packed), <, 27 * 1024);
}

/* The shorter one of what is taken; without it, or without the program at build time, the next. */
static void
test_brotli (Fixture *fixture, gconstpointer data)
{
  static const char *const accepted[][2] = {
    { "gzip, deflate, br", "br" },    { "br", "br" },
    { "br;q=0.1, gzip;q=1.0", "br" }, { "BR", "br" },
    { "gzip, br;q=0", "gzip" },       { "br;q=0", NULL },
    { "brotli, bro", NULL },
  };
  g_autofree char *path = address_of (fixture, "core\\.js");
  g_autofree char *hidden = g_strconcat (path, ".br", NULL);
  g_autoptr (SoupMessage) missing = ask (fixture, "GET", hidden, NULL, NULL, NULL);

  g_assert_cmpuint (soup_message_get_status (missing), ==, 404);
  soup_session_remove_feature_by_type (fixture->session, SOUP_TYPE_CONTENT_DECODER);
  for (gsize i = 0; i < G_N_ELEMENTS (accepted); i++)
    {
      const char *expected = accepted[i][1];
      g_autoptr (SoupMessage) message
          = ask (fixture, "GET", path, "Accept-Encoding", accepted[i][0], NULL);

      if (!VB_PANEL_HAS_BROTLI && g_strcmp0 (expected, "br") == 0)
        expected = strstr (accepted[i][0], "gzip") != NULL ? "gzip" : NULL;
      g_assert_cmpstr (header (message, "Content-Encoding"), ==, expected);
      g_assert_cmpstr (header (message, "Vary"), ==, "Accept-Encoding");
    }
}

/* What a client unpacks is what one gets that takes nothing packed. */
static void
test_unpacked (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = address_of (fixture, "core\\.js");
  g_autoptr (GBytes) unpacked = NULL;
  g_autoptr (GBytes) plain = NULL;
  g_autoptr (SoupMessage) message = ask (fixture, "GET", path, NULL, NULL, &unpacked);
  g_autoptr (SoupMessage) other = ask (fixture, "GET", path, "Accept-Encoding", "identity", &plain);

  g_assert_nonnull (header (message, "Content-Encoding"));
  g_assert_null (header (other, "Content-Encoding"));
  g_assert_true (g_bytes_equal (unpacked, plain));
}

static const char *const ancestors[]
    = { "https://billing.example", "https://panel.example:8443", NULL };
static const VbPanelSettings filled = {
  .brand = "Kiste & <Söhne>",
  .accent = "b3261e,ffb4ab",
  .support_url = "https://help.example/?a=1&b=\"2\"",
  .price = "2.50",
  .currency = "CHF",
  .slots_request = "https://shop.example/{vps}/{total}",
  .frame_ancestors = ancestors,
};

static void
test_settings (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) body = NULL;
  g_autoptr (SoupMessage) message = ask (fixture, "GET", "/panel/", NULL, NULL, &body);
  g_autofree char *page = g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));

  g_assert_nonnull (strstr (page, "<title>Kiste &amp; &lt;Söhne&gt;</title>"));
  g_assert_null (strstr (page, "VPS Backup"));
  g_assert_nonnull (strstr (page, "<vps-backup-app price=\"2.50\" currency=\"CHF\" "
                                  "support-url=\"https://help.example/?a=1&amp;b=&quot;2&quot;\" "
                                  "data-accent=\"b3261e,ffb4ab\" "
                                  "data-slots-request=\"https://shop.example/{vps}/{total}\">"));
  g_assert_true (g_str_has_suffix (
      header (message, "Content-Security-Policy"),
      "frame-ancestors 'self' https://billing.example https://panel.example:8443"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/panel-files/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("index", test_index);
  ADD ("types", test_types);
  ADD ("caching", test_caching);
  ADD ("head", test_head);
  ADD ("refusals", test_refusals);
  ADD ("redirect", test_redirect);
  ADD ("for-good", test_for_good);
  ADD ("gzip", test_gzip);
  ADD ("brotli", test_brotli);
  ADD ("unpacked", test_unpacked);
  g_test_add ("/panel-files/settings", Fixture, &filled, set_up, test_settings, tear_down);
  return g_test_run ();
}
