/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* push.*: notifications for browsers that are not connected. */
#include "core/base/vb-error.h"
#include "delivery/vb-push-subscription.h"
#include "delivery/vb-push.h"
#include "vb-rpc.h"

#define ENDPOINT_LENGTH_MAX 2048
#define LOCALE_LENGTH_MAX 35

/* Returns: (transfer none) (nullable): %NULL when the call was refused, for there is none */
static VbPush *
require_push (VbCall *call)
{
  VbPush *push = vb_call_get_context (call)->push;
  g_autoptr (GError) error = NULL;

  if (push != NULL)
    return push;
  error = g_error_new_literal (
      VB_ERROR, VB_ERROR_NOT_FOUND,
      "This service keeps no journal, so it cannot send push notifications.");
  vb_call_refuse (call, error);
  return NULL;
}

static void
run_key (VbCall *call)
{
  VbPush *push = require_push (call);
  JsonObject *object;

  if (push == NULL)
    return;
  object = json_object_new ();
  json_object_set_string_member (object, "public_key", vb_push_get_public_key (push));
  vb_call_answer (call, object);
}

static void
settle (VbCall *call, gboolean ok, const GError *error)
{
  if (ok)
    vb_call_answer (call, json_object_new ());
  else
    vb_call_refuse (call, error);
}

static void
on_subscribed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = vb_push_subscribe_finish (VB_PUSH (source), result, &error);

  settle (user_data, ok, error);
}

static void
run_subscribe (VbCall *call)
{
  VbPush *push = require_push (call);
  g_autoptr (GError) error = NULL;
  VbPushSubscription *subscription;

  if (push == NULL)
    return;
  subscription = vb_push_subscription_parse (vb_call_get_object (call, "subscription"),
                                             vb_call_get_string (call, "locale"), &error);
  if (subscription == NULL)
    vb_call_refuse (call, error);
  else
    vb_push_subscribe_async (push, vb_call_get_identity (call), subscription,
                             vb_call_get_vps_name (call), on_subscribed, call);
}

static void
on_unsubscribed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = vb_push_unsubscribe_finish (VB_PUSH (source), result, &error);

  settle (user_data, ok, error);
}

static void
run_unsubscribe (VbCall *call)
{
  VbPush *push = require_push (call);

  if (push != NULL)
    vb_push_unsubscribe_async (push, vb_identity_get_subject (vb_call_get_identity (call)),
                               vb_call_get_string (call, "endpoint"), vb_call_get_vps_name (call),
                               on_unsubscribed, call);
}

const VbMethod vb_rpc_push_methods[] = {
  { "push.key", VB_PERMISSION_BACKUP_READ, { { NULL } }, run_key, VB_AUDIT_REFUSED },
  { "push.subscribe",
    VB_PERMISSION_BACKUP_READ,
    { { "subscription", VB_PARAM_OBJECT },
      { "vps", VB_PARAM_VPS_OR_ALL },
      { "locale", VB_PARAM_STRING, TRUE, 1, LOCALE_LENGTH_MAX } },
    run_subscribe },
  { "push.unsubscribe",
    VB_PERMISSION_BACKUP_READ,
    { { "endpoint", VB_PARAM_STRING, FALSE, 1, ENDPOINT_LENGTH_MAX },
      { "vps", VB_PARAM_VPS_NAME_OR_ALL, TRUE } },
    run_unsubscribe },
  { NULL },
};
