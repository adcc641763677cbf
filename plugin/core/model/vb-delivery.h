/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-notification.h"

G_BEGIN_DECLS

/**
 * VbChannel:
 * @VB_CHANNEL_PUSH: browsers, through their vendors' push services; one destination a subscription
 * @VB_CHANNEL_WEBHOOK: the operator's own receiver; at most one destination
 *
 * Ways in which the outbox is emptied.
 */
typedef enum
{
  VB_CHANNEL_PUSH,
  VB_CHANNEL_WEBHOOK,
} VbChannel;

const char *vb_channel_to_string (VbChannel channel);

/**
 * VbPushSubscription:
 * @endpoint: URL at the push service; there is one subscription for each
 * @p256dh: the browser's public key, base64url
 * @auth: the browser's secret, base64url
 * @locale: (nullable): language of the reader
 * @subject: whose it is
 * @token_id: (nullable): `jti` of the token that asked for it
 * @issued_at_s: when that was issued, s since 1970, 0 if that is unknown
 * @vps: UUID that it hears of, or "*"; in a list each VPS is an entry of its own
 *
 * A browser that wants to hear. Plain data that may be passed between threads.
 */
typedef struct
{
  char *endpoint;
  char *p256dh;
  char *auth;
  char *locale;
  char *subject;
  char *token_id;
  gint64 issued_at_s;
  char *vps;
} VbPushSubscription;

VbPushSubscription *vb_push_subscription_new (void);
void vb_push_subscription_free (VbPushSubscription *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPushSubscription, vb_push_subscription_free)

/**
 * VbDelivery:
 * @id: of the entry
 * @key: what the receiver knows it by, the same at every attempt
 * @vps: UUID
 * @notification: (nullable): what is to be told
 * @slots: (nullable): text of a change of slots, when it is no notification
 * @created_at: UTC
 * @attempts: failed ones so far
 * @destination: where it goes; entries of a destination and a VPS go one after the other
 * @destination_failures: how often in a row it has been held
 * @subscription: (nullable): %VB_CHANNEL_PUSH only; without its VPS
 *
 * One entry of the outbox. Plain data that may be passed between threads.
 */
typedef struct
{
  gint64 id;
  char *key;
  char *vps;
  VbNotification *notification;
  char *slots;
  GDateTime *created_at;
  guint attempts;
  gint64 destination;
  guint destination_failures;
  VbPushSubscription *subscription;
} VbDelivery;

VbDelivery *vb_delivery_new (void);
void vb_delivery_free (VbDelivery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDelivery, vb_delivery_free)

G_END_DECLS
