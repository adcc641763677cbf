/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-outbound-request.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "vb-pinned-address.h"
#include "vb-public-address.h"

#define DEADLINE_S 15
/* Whoever subscribes does not wait long for a name server that does not answer. */
#define CHECK_DEADLINE_S 3

typedef struct
{
  SoupMessage *message;
  VbDestinationPolicy reach;
  SoupSession *session;
  GCancellable *deadline; /* also cancelled by the caller's */
  GCancellable *outer;
  gulong outer_handler;
  guint timer;
  gint64 retry_after_s;
} Post;

/* ---- where a request may go ---- */

static gboolean
refuse (GError **error)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                       _ ("The endpoint has to be an https address of a public push service."));
  return FALSE;
}

static gboolean
may_reach (VbDestinationPolicy reach, GInetAddress *address)
{
  return reach == VB_REACH_ANYWHERE || vb_public_address_check (address)
         || (reach == VB_REACH_PUBLIC_AND_LOOPBACK && g_inet_address_get_is_loopback (address));
}

static gboolean
is_plain (GUri *uri)
{
  return g_str_equal (g_uri_get_scheme (uri), "http");
}

/* Other notations of an address, such as 127.1: not all resolvers see the same in them. */
static gboolean
is_odd_number (const char *host)
{
  const char *dot = strrchr (host, '.');

  return !g_hostname_is_ip_address (host) && g_ascii_isdigit (dot != NULL ? dot[1] : *host);
}

static gboolean
check_form (VbDestinationPolicy reach, GUri *uri, GError **error)
{
  const char *host = g_uri_get_host (uri);
  const gboolean may_be_plain = reach != VB_REACH_PUBLIC;

  if ((g_str_equal (g_uri_get_scheme (uri), "https") || (may_be_plain && is_plain (uri)))
      && host != NULL && *host != '\0' && g_uri_get_userinfo (uri) == NULL
      && (reach == VB_REACH_ANYWHERE || !is_odd_number (host)))
    return TRUE;
  return refuse (error);
}

static gboolean
check_addresses (VbDestinationPolicy reach, GUri *uri, GList *addresses, GError **error)
{
  for (; addresses != NULL; addresses = addresses->next)
    {
      /* Plain http leaves this machine for nobody but the operator. */
      if (!may_reach (reach, addresses->data)
          || (reach == VB_REACH_PUBLIC_AND_LOOPBACK && is_plain (uri)
              && !g_inet_address_get_is_loopback (addresses->data)))
        return refuse (error);
    }
  return TRUE;
}

static void
free_addresses (GList *addresses)
{
  g_list_free_full (addresses, g_object_unref);
}

typedef struct
{
  GUri *uri;
  VbDestinationPolicy reach;
  GCancellable *deadline;
  guint timer;
} Check;

static void
check_free (Check *check)
{
  g_clear_handle_id (&check->timer, g_source_remove);
  g_object_unref (check->deadline);
  g_uri_unref (check->uri);
  g_free (check);
}

static void
on_check_resolved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Check *check = g_task_get_task_data (task);
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, NULL);
  GError *error = NULL;

  if (check_addresses (check->reach, check->uri, addresses, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  free_addresses (addresses);
}

static gboolean
on_check_late (gpointer user_data)
{
  Check *check = user_data;

  check->timer = 0;
  g_cancellable_cancel (check->deadline);
  return G_SOURCE_REMOVE;
}

void
vb_reach_check_uri_async (VbDestinationPolicy reach,
                          GUri *uri,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  GError *error = NULL;
  Check *check;

  g_task_set_source_tag (task, vb_reach_check_uri_async);
  if (!check_form (reach, uri, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  check = g_new0 (Check, 1);
  check->reach = reach;
  check->uri = g_uri_ref (uri);
  check->deadline = g_cancellable_new ();
  check->timer = g_timeout_add_seconds (CHECK_DEADLINE_S, on_check_late, check);
  g_task_set_task_data (task, check, (GDestroyNotify) check_free);
  g_resolver_lookup_by_name_async (resolver, g_uri_get_host (uri), check->deadline,
                                   on_check_resolved, g_steal_pointer (&task));
}

gboolean
vb_reach_check_uri_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- one request ---- */

static void
post_free (Post *post)
{
  g_clear_handle_id (&post->timer, g_source_remove);
  if (post->outer != NULL)
    g_cancellable_disconnect (post->outer, post->outer_handler);
  g_clear_object (&post->outer);
  g_clear_object (&post->deadline);
  g_clear_object (&post->session);
  g_object_unref (post->message);
  g_free (post);
}

static gint64
read_retry_after (SoupMessage *message)
{
  const char *text
      = soup_message_headers_get_one (soup_message_get_response_headers (message), "Retry-After");
  g_autoptr (GDateTime) date = NULL;
  guint64 seconds;

  if (text == NULL)
    return 0;
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &seconds, NULL))
    return (gint64) seconds;
  date = soup_date_time_new_from_http_string (text);
  return date != NULL ? MAX (0, g_date_time_to_unix (date) - g_get_real_time () / G_USEC_PER_SEC)
                      : 0;
}

static void
fail (GTask *task, GError *error)
{
  Post *post = g_task_get_task_data (task);

  if (post->timer == 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&error);
      error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "No answer within %d s", DEADLINE_S);
    }
  g_task_return_error (task, error);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Post *post = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GInputStream) body = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  if (body == NULL)
    {
      fail (task, error);
      return;
    }
  /* Nobody reads the body: a stranger may send any amount of it. */
  soup_session_abort (post->session);
  post->retry_after_s = read_retry_after (post->message);
  g_task_return_int (task, (gssize) soup_message_get_status (post->message));
}

static gboolean
on_any_certificate (SoupMessage *message,
                    GTlsCertificate *certificate,
                    GTlsCertificateFlags errors,
                    gpointer user_data)
{
  return TRUE;
}

/* @addresses: (nullable): the only ones it may go to, all checked */
static void
send_to (GTask *task, GList *addresses)
{
  Post *post = g_task_get_task_data (task);
  GUri *uri = soup_message_get_uri (post->message);
  g_autoptr (VbPinnedAddress) pinned = NULL;
  guint16 port = (guint16) (g_uri_get_port (uri) > 0 ? g_uri_get_port (uri)
                            : is_plain (uri)         ? 80
                                                     : 443);

  if (addresses != NULL)
    pinned = vb_pinned_address_new (g_uri_get_host (uri), port, addresses);
  if (addresses != NULL && g_inet_address_get_is_loopback (addresses->data))
    g_signal_connect (post->message, "accept-certificate", G_CALLBACK (on_any_certificate), NULL);

  post->session = soup_session_new_with_options ("remote-connectable", pinned, "proxy-resolver",
                                                 NULL, "user-agent", "vps-backup/" VB_VERSION,
                                                 "timeout", DEADLINE_S, NULL);
  soup_message_add_flags (post->message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_async (post->session, post->message, G_PRIORITY_DEFAULT, post->deadline,
                           on_sent, g_object_ref (task));
}

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Post *post = g_task_get_task_data (task);
  GError *error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  if (addresses == NULL
      || !check_addresses (post->reach, soup_message_get_uri (post->message), addresses, &error))
    fail (task, error);
  else
    send_to (task, addresses);
  free_addresses (addresses);
}

static gboolean
on_late (gpointer user_data)
{
  Post *post = user_data;

  post->timer = 0;
  g_cancellable_cancel (post->deadline);
  return G_SOURCE_REMOVE;
}

static void
on_outer_cancelled (GCancellable *outer, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

void
vb_outbound_request_async (SoupMessage *message,
                           VbDestinationPolicy reach,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  Post *post = g_new0 (Post, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, vb_outbound_request_async);
  g_task_set_task_data (task, post, (GDestroyNotify) post_free);
  post->message = g_object_ref (message);
  post->reach = reach;
  post->deadline = g_cancellable_new ();
  post->timer = g_timeout_add_seconds (DEADLINE_S, on_late, post);
  if (cancellable != NULL)
    {
      post->outer = g_object_ref (cancellable);
      post->outer_handler = g_cancellable_connect (cancellable, G_CALLBACK (on_outer_cancelled),
                                                   g_object_ref (post->deadline), g_object_unref);
    }

  if (!check_form (reach, soup_message_get_uri (message), &error))
    g_task_return_error (task, error);
  else if (reach == VB_REACH_ANYWHERE)
    send_to (task, NULL);
  else
    g_resolver_lookup_by_name_async (resolver, g_uri_get_host (soup_message_get_uri (message)),
                                     post->deadline, on_resolved, g_steal_pointer (&task));
}

guint
vb_outbound_request_finish (GAsyncResult *result, gint64 *retry_after_s, GError **error)
{
  Post *post = g_task_get_task_data (G_TASK (result));
  gssize status = g_task_propagate_int (G_TASK (result), error);

  *retry_after_s = post->retry_after_s;
  return status > 0 ? (guint) status : 0;
}
