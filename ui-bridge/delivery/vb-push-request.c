/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-push-request.h"

#include <string.h>

#include "core/base/vb-error.h"
#include "json/vb-json-text.h"
#include "protocol/vb-protocol-objects.h"
#include "vb-push-crypt.h"
#include "vb-push-subscription.h"

#define TTL_S (24 * 60 * 60)

/* What the service worker gets. Brief: enough to say what happened, and to ask for the rest. */
static char *
make_payload (const VbDelivery *delivery, gboolean brief)
{
  static const char *const rest[]
      = { "vps_name", "backup", "backup_name", "operation", "reason", "created_at", "read" };
  g_autoptr (JsonNode) node = json_node_alloc ();
  JsonObject *object = vb_json_notification (delivery->notification);

  for (gsize i = 0; brief && i < G_N_ELEMENTS (rest); i++)
    json_object_remove_member (object, rest[i]);
  if (delivery->subscription->locale != NULL)
    json_object_set_string_member (object, "locale", delivery->subscription->locale);
  else
    json_object_set_null_member (object, "locale");

  json_node_init_object (node, object);
  json_object_unref (object);
  return vb_json_text_print (node);
}

static GBytes *
make_body (const VbDelivery *delivery, gboolean brief, GError **error)
{
  g_autofree char *payload = make_payload (delivery, brief);

  if (strlen (payload) > VB_PUSH_PLAINTEXT_BYTES_MAX)
    {
      g_free (payload);
      payload = make_payload (delivery, TRUE);
    }
  return vb_push_crypt_encrypt (delivery->subscription->p256dh, delivery->subscription->auth,
                                payload, strlen (payload), error);
}

static void
add_headers (SoupMessage *message, const VbDelivery *delivery, const char *authorization)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  const gint64 age_s = now_s - g_date_time_to_unix (delivery->created_at);
  const gboolean is_good = delivery->notification->type == VB_NOTIFICATION_BACKUP_COMPLETED
                           || delivery->notification->type == VB_NOTIFICATION_RESTORE_COMPLETED
                           || delivery->notification->type == VB_NOTIFICATION_UNDO_COMPLETED;
  g_autofree char *ttl = g_strdup_printf ("%" G_GINT64_FORMAT, CLAMP (TTL_S - age_s, 60, TTL_S));
  const VbNotification *notification = delivery->notification;
  g_autoptr (GString) topic = g_string_new (
      notification->operation != NULL ? notification->operation : notification->vps);

  soup_message_headers_replace (headers, "Authorization", authorization);
  soup_message_headers_replace (headers, "Content-Encoding", "aes128gcm");
  soup_message_headers_replace (headers, "TTL", ttl);
  soup_message_headers_replace (headers, "Urgency", is_good ? "normal" : "high");
  /* One topic for each operation, or the VPS where there is none: its outcome replaces the word
   * that it stands still. A UUID without its dashes is the 32 characters that a topic may have. */
  g_string_replace (topic, "-", "", 0);
  g_string_truncate (topic, MIN (topic->len, 32));
  soup_message_headers_replace (headers, "Topic", topic->str);
}

SoupMessage *
vb_push_request_new (const VbDelivery *delivery,
                     const VbPushKey *key,
                     const char *contact,
                     gboolean brief,
                     GError **error)
{
  g_autoptr (GUri) endpoint = vb_push_endpoint_parse (delivery->subscription->endpoint);
  g_autoptr (GBytes) body = NULL;
  g_autofree char *origin = NULL;
  g_autofree char *authorization = NULL;
  SoupMessage *message;

  if (endpoint == NULL || delivery->notification == NULL)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "there is nothing to be told");
      return NULL;
    }
  body = make_body (delivery, brief, error);
  if (body == NULL)
    return NULL;

  origin = vb_push_endpoint_get_origin (endpoint);
  authorization = vb_push_key_authorize (key, origin, contact, g_get_real_time () / G_USEC_PER_SEC);
  message = soup_message_new_from_uri ("POST", endpoint);
  soup_message_set_request_body_from_bytes (message, "application/octet-stream", body);
  add_headers (message, delivery, authorization);
  return message;
}

VbDeliveryOutcome
vb_push_request_judge (guint status, gboolean brief)
{
  switch (status)
    {
    case 404:
    case 410:
      return VB_VERDICT_END;
    case 413:
      return brief ? VB_VERDICT_GIVE_UP : VB_VERDICT_SHORTEN;
    case 401:
    case 403:
      /* Our clock may be wrong, or the key was replaced: an operator may still mend that. */
      return VB_VERDICT_RETRY;
    case 0:
    case 408:
    case 429:
      return VB_VERDICT_HOLD;
    default:
      if (status >= 500)
        return VB_VERDICT_HOLD;
      return status >= 200 && status < 300 ? VB_VERDICT_ARRIVED : VB_VERDICT_GIVE_UP;
    }
}
