/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-delivery.h"

const char *
vb_channel_to_string (VbChannel channel)
{
  return channel == VB_CHANNEL_PUSH ? "push" : "webhook";
}

VbPushSubscription *
vb_push_subscription_new (void)
{
  return g_new0 (VbPushSubscription, 1);
}

void
vb_push_subscription_free (VbPushSubscription *self)
{
  g_free (self->endpoint);
  g_free (self->p256dh);
  g_free (self->auth);
  g_free (self->locale);
  g_free (self->subject);
  g_free (self->token_id);
  g_free (self->vps);
  g_free (self);
}

VbDelivery *
vb_delivery_new (void)
{
  return g_new0 (VbDelivery, 1);
}

void
vb_delivery_free (VbDelivery *self)
{
  g_free (self->key);
  g_free (self->vps);
  g_clear_pointer (&self->notification, vb_notification_free);
  g_free (self->slots);
  g_clear_pointer (&self->created_at, g_date_time_unref);
  g_clear_pointer (&self->subscription, vb_push_subscription_free);
  g_free (self);
}
