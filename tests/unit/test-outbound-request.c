/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to addresses that strangers have given: which are taken, and that nothing but what was
 * checked is ever connected to. */
#include "core/base/vb-error.h"
#include "delivery/vb-pinned-address.h"
#include "delivery/vb-outbound-request.h"
#include "delivery/vb-public-address.h"

#define PAGE "https://push.example:%u/1"

/* For push.example, good for a hundred years. */
static const char certificate_pem[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBnjCCAUSgAwIBAgIUbEx17sDZ7ENFB6WiM1981ER7zTUwCgYIKoZIzj0EAwIw\n"
      "FzEVMBMGA1UEAwwMcHVzaC5leGFtcGxlMCAXDTI2MTEyMzAyNTA1NVoYDzIxMjYx\n"
      "MDMwMDI1MDU1WjAXMRUwEwYDVQQDDAxwdXNoLmV4YW1wbGUwWTATBgcqhkjOPQIB\n"
      "BggqhkjOPQMBBwNCAASYPTuEtKJWR849MygEDqkYGZpSKh5yuIvap84g9IKjkxZD\n"
      "wFwGFpNX3upJ+Et4WHWhp4l+Efw1hakGbp+gHd38o2wwajAdBgNVHQ4EFgQU03AD\n"
      "PRCqdU/a3w2EdzWMQUVqV9owHwYDVR0jBBgwFoAU03ADPRCqdU/a3w2EdzWMQUVq\n"
      "V9owDwYDVR0TAQH/BAUwAwEB/zAXBgNVHREEEDAOggxwdXNoLmV4YW1wbGUwCgYI\n"
      "KoZIzj0EAwIDSAAwRQIhAOueZhcjmPisotyZSEFtB6qc15ymC48rfGknEziiUI5C\n"
      "AiBcYw+iIdAuTc5vYzJUbYR1+xETW3juXp6woAz5Jzi2gw==\n"
      "-----END CERTIFICATE-----\n"
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCbAFbRUmJZ1sq4zL\n"
      "Mri46+MK6xyp/SVd6odTY4Rt+9ihRANCAASYPTuEtKJWR849MygEDqkYGZpSKh5y\n"
      "uIvap84g9IKjkxZDwFwGFpNX3upJ+Et4WHWhp4l+Efw1hakGbp+gHd38\n"
      "-----END PRIVATE KEY-----\n";

/* GnuTLS as client and server in one process makes the leak checker itself crash at exit; what
 * leaks here would do so in the tests of the bridge, too, where it works. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

/* ---- a resolver that answers what a test wants ---- */

#define LAB_TYPE_RESOLVER (lab_resolver_get_type ())
G_DECLARE_FINAL_TYPE (LabResolver, lab_resolver, LAB, RESOLVER, GResolver)

struct _LabResolver
{
  GResolver parent_instance;

  const char *const *answers; /* each for one question, addresses separated by spaces; "" is none */
  guint n_asked;
};

G_DEFINE_FINAL_TYPE (LabResolver, lab_resolver, G_TYPE_RESOLVER)

static void
free_addresses (gpointer list)
{
  g_list_free_full (list, g_object_unref);
}

static void
lab_resolver_lookup_async (GResolver *resolver,
                           const char *name,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  LabResolver *self = LAB_RESOLVER (resolver);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_auto (GStrv) words = NULL;
  GList *list = NULL;

  g_assert_nonnull (self->answers[self->n_asked]);
  words = g_strsplit (self->answers[self->n_asked++], " ", -1);
  for (guint i = 0; words[i] != NULL; i++)
    list = g_list_append (list, g_inet_address_new_from_string (words[i]));
  if (list != NULL)
    g_task_return_pointer (task, list, free_addresses);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "none");
}

static GList *
lab_resolver_lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
lab_resolver_class_init (LabResolverClass *klass)
{
  G_RESOLVER_CLASS (klass)->lookup_by_name_async = lab_resolver_lookup_async;
  G_RESOLVER_CLASS (klass)->lookup_by_name_finish = lab_resolver_lookup_finish;
}

static void
lab_resolver_init (LabResolver *self)
{
}

/* ---- a push service ---- */

typedef struct
{
  LabResolver *resolver;
  SoupServer *server;
  guint port;
  guint n_requests;
  GAsyncResult *result;
} Lab;

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  Lab *lab = user_data;

  lab->n_requests++;
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Retry-After",
                                "7");
  soup_server_message_set_status (message, 429, NULL);
}

static void
set_up (Lab *lab, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate
      = g_tls_certificate_new_from_pem (certificate_pem, -1, &error);
  GSList *uris;

  g_assert_no_error (error);
  lab->resolver = g_object_new (LAB_TYPE_RESOLVER, NULL);
  g_resolver_set_default (G_RESOLVER (lab->resolver));
  lab->server = g_object_new (SOUP_TYPE_SERVER, "tls-certificate", certificate, NULL);
  soup_server_add_handler (lab->server, NULL, on_request, lab, NULL);
  soup_server_listen_local (lab->server, 0, SOUP_SERVER_LISTEN_HTTPS | SOUP_SERVER_LISTEN_IPV4_ONLY,
                            &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (lab->server);
  lab->port = (guint) g_uri_get_port (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
}

static void
tear_down (Lab *lab, gconstpointer data)
{
  soup_server_disconnect (lab->server);
  g_clear_object (&lab->server);
  g_clear_object (&lab->resolver);
  g_clear_object (&lab->result);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ((Lab *) user_data)->result = g_object_ref (result);
}

static guint
post (Lab *lab,
      VbDestinationPolicy reach,
      const char *const *answers,
      gint64 *retry_after_s,
      GError **error)
{
  g_autofree char *uri = g_strdup_printf (PAGE, lab->port);
  g_autoptr (SoupMessage) message = soup_message_new ("POST", uri);

  lab->resolver->answers = answers;
  g_clear_object (&lab->result);
  vb_outbound_request_async (message, reach, NULL, on_done, lab);
  while (lab->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return vb_outbound_request_finish (lab->result, retry_after_s, error);
}

/* ---- tests ---- */

static void
test_addresses (void)
{
  const char *const good[]
      = { "1.1.1.1",     "8.8.8.8",         "100.63.0.1",      "100.128.0.1",  "172.32.0.1",
          "192.167.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808" };
  const char *const bad[] = { "0.0.0.0",
                              "0.1.2.3",
                              "10.255.0.1",
                              "100.64.0.1",
                              "100.127.255.255",
                              "127.0.0.1",
                              "127.255.255.254",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.1",
                              "192.0.2.1",
                              "192.88.99.1",
                              "192.168.0.1",
                              "198.18.0.1",
                              "198.51.100.1",
                              "203.0.113.1",
                              "224.0.0.1",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::127.0.0.1",
                              "::ffff:127.0.0.1",
                              "::ffff:8.8.8.8",
                              "64:ff9b::7f00:1",
                              "64:ff9b::a00:1",
                              "64:ff9b:1::808:808",
                              "100::1",
                              "2001::1",
                              "2001:db8::1",
                              "2002:7f00:1::1",
                              "3fff::1",
                              "fc00::1",
                              "fd12:3456::1",
                              "fe80::1",
                              "fec0::1",
                              "ff02::1" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (good[i]);

      g_test_message ("%s", good[i]);
      g_assert_true (vb_public_address_check (address));
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (bad[i]);

      g_test_message ("%s", bad[i]);
      g_assert_false (vb_public_address_check (address));
    }
}

static void
test_not_public (Lab *lab, gconstpointer data)
{
  const char *const answers[]
      = { "127.0.0.1", "10.0.0.1", "1.1.1.1 192.168.0.1", "::1 1.1.1.1", NULL };
  gint64 retry_after_s;

  for (guint i = 0; answers[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      const char *const one[] = { answers[i], NULL };

      lab->resolver->n_asked = 0;
      g_assert_cmpuint (post (lab, VB_REACH_PUBLIC, one, &retry_after_s, &error), ==, 0);
      g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
    }
  g_assert_cmpuint (lab->n_requests, ==, 0);
}

/* What the name says a moment later does not matter: nobody asks again. */
static void
test_asked_once (Lab *lab, gconstpointer data)
{
  const char *const answers[] = { "127.0.0.1", NULL };
  g_autoptr (GError) error = NULL;
  gint64 retry_after_s;

  g_assert_cmpuint (post (lab, VB_REACH_PUBLIC_AND_LOOPBACK, answers, &retry_after_s, &error), ==,
                    429);
  g_assert_no_error (error);
  g_assert_cmpint (retry_after_s, ==, 7);
  g_assert_cmpuint (lab->resolver->n_asked, ==, 1);
  g_assert_cmpuint (lab->n_requests, ==, 1);
}

/* Nothing listens on the first address. */
static void
test_next_address (Lab *lab, gconstpointer data)
{
  const char *const answers[] = { "127.0.0.2 127.0.0.1", NULL };
  g_autoptr (GError) error = NULL;
  gint64 retry_after_s;

  g_assert_cmpuint (post (lab, VB_REACH_PUBLIC_AND_LOOPBACK, answers, &retry_after_s, &error), ==,
                    429);
  g_assert_no_error (error);
}

static void
test_no_answer (Lab *lab, gconstpointer data)
{
  const char *const answers[] = { "", "127.0.0.2", NULL };
  gint64 retry_after_s;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (post (lab, VB_REACH_PUBLIC_AND_LOOPBACK, answers, &retry_after_s, &error),
                        ==, 0);
      g_assert_nonnull (error);
    }
}

static gboolean
on_certificate (SoupMessage *message,
                GTlsCertificate *certificate,
                GTlsCertificateFlags errors,
                gpointer user_data)
{
  *(GTlsCertificateFlags *) user_data = errors;
  return FALSE;
}

static GTlsCertificateFlags
find_errors (Lab *lab, const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GList) addresses = g_list_append (NULL, address);
  g_autoptr (VbPinnedAddress) pinned = vb_pinned_address_new (host, (guint16) lab->port, addresses);
  g_autoptr (SoupSession) session
      = soup_session_new_with_options ("remote-connectable", pinned, NULL);
  g_autofree char *uri = g_strdup_printf ("https://%s:%u/", host, lab->port);
  g_autoptr (SoupMessage) message = soup_message_new ("POST", uri);
  GTlsCertificateFlags errors = 0;

  g_clear_object (&lab->result);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (on_certificate), &errors);
  soup_session_send_async (session, message, G_PRIORITY_DEFAULT, NULL, on_done, lab);
  while (lab->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (soup_session_send_finish (session, lab->result, NULL));
  return errors;
}

/* TLS checks the name that was asked for, though the connection goes to an address. */
static void
test_certificate (Lab *lab, gconstpointer data)
{
  g_assert_cmpuint (find_errors (lab, "push.example"), ==, G_TLS_CERTIFICATE_UNKNOWN_CA);
  g_assert_cmpuint (find_errors (lab, "other.example"), ==,
                    G_TLS_CERTIFICATE_UNKNOWN_CA | G_TLS_CERTIFICATE_BAD_IDENTITY);
}

#define TEST(path, func) g_test_add (path, Lab, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/post/addresses", test_addresses);
  TEST ("/post/not-public", test_not_public);
  TEST ("/post/asked-once", test_asked_once);
  TEST ("/post/next-address", test_next_address);
  TEST ("/post/no-answer", test_no_answer);
  TEST ("/post/certificate", test_certificate);
  return g_test_run ();
}
