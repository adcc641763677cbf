/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "auth/vb-identity.h"
#include "core/manager/vb-manager.h"
#include "core/interfaces/vb-outbox.h"
#include "vb-push-key.h"

G_BEGIN_DECLS

/** VB_PUSH_SUBSCRIPTIONS_MAX: browsers of one user */
#define VB_PUSH_SUBSCRIPTIONS_MAX 20
/** VB_PUSH_CONFIRM_DAYS: a subscription that was not confirmed for so long ends */
#define VB_PUSH_CONFIRM_DAYS 30

/**
 * VbPush:
 *
 * Web Push: who wants to hear without a connection, and how they are told. A subscription hears of
 * a VPS as long as somebody who may see it confirms it every now and then by subscribing again; it
 * outlives the token that asked for it, but not its revocation. Main context only.
 */
#define VB_TYPE_PUSH (vb_push_get_type ())
G_DECLARE_FINAL_TYPE (VbPush, vb_push, VB, PUSH, GObject)

/**
 * vb_push_new:
 * @key: (transfer full): our key
 * @contact: where push services can reach the operator
 * @allow_loopback: for tests only: push services on this machine, too
 */
VbPush *vb_push_new (VbManager *manager,
                     VbOutbox *outbox,
                     VbPushKey *key,
                     const char *contact,
                     gboolean allow_loopback);

/** vb_push_start: tells what is waiting, and what will come; vb_push_stop() ends that for good */
void vb_push_start (VbPush *self);
void vb_push_stop (VbPush *self);

const char *vb_push_get_public_key (VbPush *self);

/**
 * vb_push_subscribe_async:
 * @identity: who asks
 * @subscription: (transfer full): from vb_push_subscription_parse()
 * @vps: (nullable): UUID of a VPS that exists for them; %NULL: all that do
 */
void vb_push_subscribe_async (VbPush *self,
                              VbIdentity *identity,
                              VbPushSubscription *subscription,
                              const char *vps,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/** vb_push_subscribe_finish: @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT: no public
 * address, %VB_ERROR_RATE_LIMITED: too many subscriptions */
gboolean vb_push_subscribe_finish (VbPush *self, GAsyncResult *result, GError **error);

/** vb_push_unsubscribe_async: @vps: (nullable): only this one; one that does not exist is no
 * error */
void vb_push_unsubscribe_async (VbPush *self,
                                const char *subject,
                                const char *endpoint,
                                const char *vps,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

gboolean vb_push_unsubscribe_finish (VbPush *self, GAsyncResult *result, GError **error);

/** vb_push_narrow: somebody might what @before says, and now may what @after says: what their
 * subscriptions hear and they may not see any more ends. Nothing happens when it is not the same
 * user */
void vb_push_narrow (VbPush *self, VbIdentity *before, VbIdentity *after);

G_END_DECLS
