/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-webhook.h"

#include <string.h>

#include "vb-delivery-queue.h"
#include "core/base/vb-error.h"
#include "json/vb-json-text.h"
#include "protocol/vb-protocol-objects.h"
#include "core/base/vb-log.h"
#include "core/base/vb-worker.h"

/* Of different VPSs; those of one VPS go one after the other. */
#define CONCURRENT_MAX 4

struct _VbWebhook
{
  GObject parent_instance;

  VbManager *manager;
  VbOutbox *outbox;
  char *url;
  VbWebhookSecret *secret;
  VbWorker *worker;
  VbDeliveryQueue *courier;
  GHashTable *totals; /* VPS UUID → total of slots that was given to the outbox */
  gboolean is_stopped;
};

G_DEFINE_FINAL_TYPE (VbWebhook, vb_webhook, G_TYPE_OBJECT)

/* ---- a request ---- */

static char *
make_body (const VbDelivery *delivery, GError **error)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  JsonNode *data;

  if (delivery->notification != NULL)
    {
      data = json_node_alloc ();
      json_node_init_object (data, NULL);
      json_node_take_object (data, vb_json_notification (delivery->notification));
    }
  else
    data = delivery->slots != NULL
               ? vb_json_text_parse (delivery->slots, strlen (delivery->slots), error)
               : NULL;
  if (data == NULL)
    {
      if (error != NULL && *error == NULL)
        g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "there is nothing to be told");
      return NULL;
    }

  json_object_set_string_member (
      object, "event", delivery->notification != NULL ? "notification.added" : "slots.changed");
  json_object_set_string_member (object, "vps", delivery->vps);
  json_object_set_member (object, "data", data);
  vb_json_add_time (object, "created_at", delivery->created_at);
  json_object_set_string_member (object, "id", delivery->key);
  json_node_init_object (node, object);
  return vb_json_text_print (node);
}

static SoupMessage *
make_request (gpointer user_data, const VbDelivery *delivery, gboolean brief, GError **error)
{
  VbWebhook *self = user_data;
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *timestamp = g_strdup_printf ("%" G_GINT64_FORMAT, now_s);
  g_autofree char *body = make_body (delivery, error);
  g_autofree char *signature = NULL;
  g_autoptr (GBytes) bytes = NULL;
  SoupMessageHeaders *headers;
  SoupMessage *message;

  if (body == NULL)
    return NULL;
  signature = vb_webhook_secret_sign (self->secret, delivery->key, now_s, body);
  bytes = g_bytes_new (body, strlen (body));
  message = soup_message_new ("POST", self->url);
  soup_message_set_request_body_from_bytes (message, "application/json", bytes);
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "webhook-id", delivery->key);
  soup_message_headers_replace (headers, "webhook-timestamp", timestamp);
  soup_message_headers_replace (headers, "webhook-signature", signature);
  return message;
}

static VbDeliveryOutcome
judge (guint status, gboolean brief)
{
  if (status >= 200 && status < 300)
    return VB_VERDICT_ARRIVED;
  /* Nothing but trouble of the whole receiver holds up other VPSs. */
  return status == 0 || status == 429 || (status >= 502 && status <= 504) ? VB_VERDICT_HOLD
                                                                          : VB_VERDICT_RETRY;
}

/* ---- slots ---- */

typedef struct
{
  char *vps;
  char *text;
  guint total;
} SlotsCall;

static void
slots_call_free (SlotsCall *call)
{
  g_free (call->vps);
  g_free (call->text);
  g_free (call);
}

static void
save_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbWebhook *self = source;
  const SlotsCall *call = data;
  GError *error = NULL;

  if (vb_outbox_save_slots (self->outbox, call->vps, call->total, call->text, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbWebhook *self = VB_WEBHOOK (source);
  const SlotsCall *call = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      if (!self->is_stopped)
        vb_delivery_queue_wake (self->courier);
      return;
    }
  vb_log_warning (call->vps, NULL, NULL, "Failed to store a change of slots for the webhook: %s",
                  error->message);
  /* With the next change of the VPS, or at the next start. */
  g_hash_table_remove (self->totals, call->vps);
}

static char *
print_slots (VbSlots *slots)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = vb_json_slots (slots);

  json_node_init_object (node, object);
  return vb_json_text_print (node);
}

/* The outbox compares with what was told last, also before a restart, so nothing is missed and
 * nothing is told twice. */
static void
note_slots (VbWebhook *self, VbVps *vps)
{
  const char *uuid = vb_vps_get_uuid (vps);
  VbSlots *slots = vb_vps_get_slots (vps);
  const guint total = vb_slots_get_total (slots);
  gpointer known;
  g_autoptr (GTask) task = NULL;
  SlotsCall *call;

  if (g_hash_table_lookup_extended (self->totals, uuid, NULL, &known)
      && GPOINTER_TO_UINT (known) == total)
    return;
  g_hash_table_replace (self->totals, g_strdup (uuid), GUINT_TO_POINTER (total));

  call = g_new0 (SlotsCall, 1);
  call->vps = g_strdup (uuid);
  call->total = total;
  call->text = print_slots (slots);
  task = g_task_new (self, NULL, on_saved, NULL);
  g_task_set_task_data (task, call, (GDestroyNotify) slots_call_free);
  vb_worker_run (self->worker, task, save_in_thread);
}

static void
on_vps_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer user_data)
{
  note_slots (user_data, vps);
}

/* ---- lifecycle ---- */

static void
vb_webhook_dispose (GObject *object)
{
  VbWebhook *self = VB_WEBHOOK (object);

  vb_webhook_stop (self);
  g_clear_object (&self->courier);
  g_clear_object (&self->manager);
  G_OBJECT_CLASS (vb_webhook_parent_class)->dispose (object);
}

static void
vb_webhook_finalize (GObject *object)
{
  VbWebhook *self = VB_WEBHOOK (object);

  g_clear_pointer (&self->worker, vb_worker_free);
  g_clear_pointer (&self->secret, vb_webhook_secret_free);
  g_hash_table_unref (self->totals);
  g_clear_object (&self->outbox);
  g_free (self->url);
  G_OBJECT_CLASS (vb_webhook_parent_class)->finalize (object);
}

static void
vb_webhook_class_init (VbWebhookClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_webhook_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_webhook_finalize;
}

static void
vb_webhook_init (VbWebhook *self)
{
  self->worker = vb_worker_new (1);
  self->totals = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

VbWebhook *
vb_webhook_new (VbManager *manager, VbOutbox *outbox, const char *url, VbWebhookSecret *secret)
{
  static const VbChannelOps trade = { .channel = VB_CHANNEL_WEBHOOK,
                                      .reach = VB_REACH_ANYWHERE,
                                      .max_concurrent = CONCURRENT_MAX,
                                      .make = make_request,
                                      .judge = judge };
  VbWebhook *self = g_object_new (VB_TYPE_WEBHOOK, NULL);

  self->manager = g_object_ref (manager);
  self->outbox = g_object_ref (outbox);
  self->url = g_strdup (url);
  self->secret = secret;
  self->courier = vb_delivery_queue_new (outbox, &trade, self);
  return self;
}

void
vb_webhook_start (VbWebhook *self)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self->manager);

  g_signal_connect (self->manager, "vps-changed", G_CALLBACK (on_vps_changed), self);
  g_signal_connect_swapped (self->manager, "notification-added",
                            G_CALLBACK (vb_delivery_queue_wake), self->courier);
  for (guint i = 0; i < all->len; i++)
    note_slots (self, g_ptr_array_index (all, i));
  vb_delivery_queue_wake (self->courier);
}

void
vb_webhook_stop (VbWebhook *self)
{
  if (self->is_stopped)
    return;
  self->is_stopped = TRUE;
  g_signal_handlers_disconnect_by_data (self->manager, self);
  g_signal_handlers_disconnect_by_data (self->manager, self->courier);
  vb_delivery_queue_stop (self->courier);
}
