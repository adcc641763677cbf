/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-push.h"

#include "vb-delivery-queue.h"
#include "core/base/vb-log.h"
#include "vb-push-request.h"
#include "vb-push-subscription.h"
#include "core/base/vb-worker.h"

#define CONCURRENT_MAX 8

struct _VbPush
{
  GObject parent_instance;

  VbManager *manager;
  VbOutbox *outbox;
  VbPushKey *key;
  char *contact;
  VbDestinationPolicy reach;
  VbWorker *worker;
  VbDeliveryQueue *courier;
};

G_DEFINE_FINAL_TYPE (VbPush, vb_push, G_TYPE_OBJECT)

static SoupMessage *
make_request (gpointer user_data, const VbDelivery *delivery, gboolean brief, GError **error)
{
  VbPush *self = user_data;

  return vb_push_request_new (delivery, self->key, self->contact, brief, error);
}

/* ---- who hears what ---- */

typedef struct
{
  VbIdentity *identity;
  VbPushSubscription *subscription;
  GStrv vps;
} Subscribe;

static void
subscribe_free (Subscribe *call)
{
  vb_identity_unref (call->identity);
  vb_push_subscription_free (call->subscription);
  g_strfreev (call->vps);
  g_free (call);
}

static void
subscribe_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbPush *self = source;
  const Subscribe *call = data;
  const gint64 until_us = g_get_real_time () + VB_PUSH_CONFIRM_DAYS * G_TIME_SPAN_DAY;
  GError *error = NULL;

  if (vb_outbox_subscribe (self->outbox, call->subscription, (const char *const *) call->vps,
                           until_us, VB_PUSH_SUBSCRIPTIONS_MAX, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_reach_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  VbPush *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (vb_reach_check_uri_finish (result, &error))
    vb_worker_run (self->worker, task, subscribe_in_thread);
  else
    g_task_return_error (task, error);
}

/* As it stands in the outbox: "*" only for who sees all. */
static GStrv
list_scope (VbIdentity *identity, const char *vps)
{
  const char *const one[] = { vps != NULL ? vps : "*", NULL };
  g_autofree const char **scope = vps == NULL ? vb_identity_list_vps (identity) : NULL;

  return g_strdupv ((char **) (scope != NULL ? (const char *const *) scope : one));
}

void
vb_push_subscribe_async (VbPush *self,
                         VbIdentity *identity,
                         VbPushSubscription *subscription,
                         const char *vps,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GUri) endpoint = vb_push_endpoint_parse (subscription->endpoint);
  Subscribe *call = g_new0 (Subscribe, 1);

  call->identity = vb_identity_ref (identity);
  call->subscription = subscription;
  call->vps = list_scope (identity, vps);
  subscription->subject = g_strdup (vb_identity_get_subject (identity));
  subscription->token_id = g_strdup (vb_identity_get_token_id (identity));
  /* Whom the kernel vouches for has no token to be taken back. */
  subscription->issued_at_s = vb_identity_get_expires_at_s (identity) != 0
                                  ? vb_identity_get_issued_at_s (identity)
                                  : G_MAXINT64;
  g_task_set_source_tag (task, vb_push_subscribe_async);
  g_task_set_task_data (task, call, (GDestroyNotify) subscribe_free);
  vb_reach_check_uri_async (self->reach, endpoint, NULL, on_reach_checked, g_steal_pointer (&task));
}

gboolean
vb_push_subscribe_finish (VbPush *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* What is to end; members that are NULL match all. */
typedef struct
{
  char *subject;
  char *endpoint;
  char *vps;
  VbIdentity *before;
  VbIdentity *after;
} Ending;

static void
ending_free (Ending *ending)
{
  g_free (ending->subject);
  g_free (ending->endpoint);
  g_free (ending->vps);
  g_clear_pointer (&ending->before, vb_identity_unref);
  g_clear_pointer (&ending->after, vb_identity_unref);
  g_free (ending);
}

static gboolean
hears (VbIdentity *identity, const char *vps)
{
  g_autofree const char **scope = NULL;

  if (!vb_identity_may (identity, VB_PERMISSION_BACKUP_READ))
    return FALSE;
  if (!g_str_equal (vps, "*"))
    return vb_identity_sees (identity, vps);
  scope = vb_identity_list_vps (identity);
  return scope == NULL;
}

static gboolean
is_ending (const VbPushSubscription *subscription, gpointer user_data)
{
  const Ending *ending = user_data;

  if (ending->endpoint != NULL && !g_str_equal (ending->endpoint, subscription->endpoint))
    return FALSE;
  if (ending->vps != NULL && !g_str_equal (ending->vps, subscription->vps))
    return FALSE;
  return ending->before == NULL
         || (hears (ending->before, subscription->vps)
             && !hears (ending->after, subscription->vps));
}

static void
end_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbPush *self = source;
  Ending *ending = data;
  GError *error = NULL;
  guint n_ended;

  if (!vb_outbox_unsubscribe (self->outbox, ending->subject, is_ending, ending, &n_ended, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (n_ended > 0)
    vb_log_info (NULL, NULL, NULL, "%u push subscriptions ended", n_ended);
  g_task_return_boolean (task, TRUE);
}

/* @ending: (transfer full) */
static void
end (VbPush *self, Ending *ending, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, end);
  g_task_set_task_data (task, ending, (GDestroyNotify) ending_free);
  vb_worker_run (self->worker, task, end_in_thread);
}

void
vb_push_unsubscribe_async (VbPush *self,
                           const char *subject,
                           const char *endpoint,
                           const char *vps,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  Ending *ending = g_new0 (Ending, 1);

  ending->subject = g_strdup (subject);
  ending->endpoint = g_strdup (endpoint);
  ending->vps = g_strdup (vps);
  end (self, ending, callback, user_data);
}

gboolean
vb_push_unsubscribe_finish (VbPush *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_narrowed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    vb_log_warning (NULL, NULL, NULL, "Failed to end push subscriptions: %s", error->message);
}

void
vb_push_narrow (VbPush *self, VbIdentity *before, VbIdentity *after)
{
  Ending *ending;

  if (g_strcmp0 (vb_identity_get_subject (before), vb_identity_get_subject (after)) != 0)
    return;
  ending = g_new0 (Ending, 1);
  ending->subject = g_strdup (vb_identity_get_subject (before));
  ending->before = vb_identity_ref (before);
  ending->after = vb_identity_ref (after);
  end (self, ending, on_narrowed, NULL);
}

/* ---- lifecycle ---- */

static void
vb_push_dispose (GObject *object)
{
  VbPush *self = VB_PUSH (object);

  vb_push_stop (self);
  g_clear_object (&self->courier);
  g_clear_object (&self->manager);
  G_OBJECT_CLASS (vb_push_parent_class)->dispose (object);
}

static void
vb_push_finalize (GObject *object)
{
  VbPush *self = VB_PUSH (object);

  g_clear_pointer (&self->worker, vb_worker_free);
  g_clear_pointer (&self->key, vb_push_key_free);
  g_clear_object (&self->outbox);
  g_free (self->contact);
  G_OBJECT_CLASS (vb_push_parent_class)->finalize (object);
}

static void
vb_push_class_init (VbPushClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_push_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_push_finalize;
}

static void
vb_push_init (VbPush *self)
{
  self->worker = vb_worker_new (1);
}

VbPush *
vb_push_new (VbManager *manager,
             VbOutbox *outbox,
             VbPushKey *key,
             const char *contact,
             gboolean allow_loopback)
{
  VbPush *self = g_object_new (VB_TYPE_PUSH, NULL);
  VbChannelOps trade = { .channel = VB_CHANNEL_PUSH,
                         .max_concurrent = CONCURRENT_MAX,
                         .make = make_request,
                         .judge = vb_push_request_judge };

  self->reach = allow_loopback ? VB_REACH_PUBLIC_AND_LOOPBACK : VB_REACH_PUBLIC;
  trade.reach = self->reach;
  self->manager = g_object_ref (manager);
  self->outbox = g_object_ref (outbox);
  self->key = key;
  self->contact = g_strdup (contact);
  self->courier = vb_delivery_queue_new (outbox, &trade, self);
  return self;
}

void
vb_push_start (VbPush *self)
{
  g_signal_connect_swapped (self->manager, "notification-added",
                            G_CALLBACK (vb_delivery_queue_wake), self->courier);
  vb_delivery_queue_wake (self->courier);
}

void
vb_push_stop (VbPush *self)
{
  if (self->courier == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->manager, self->courier);
  vb_delivery_queue_stop (self->courier);
}

const char *
vb_push_get_public_key (VbPush *self)
{
  return vb_push_key_get_public (self->key);
}
