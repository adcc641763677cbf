/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-outbox.h"

G_DEFINE_INTERFACE (VbOutbox, vb_outbox, G_TYPE_OBJECT)

static void
vb_outbox_default_init (VbOutboxInterface *iface)
{
}

gboolean
vb_outbox_set_webhook (VbOutbox *self, gboolean enabled, GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->set_webhook (self, enabled, error);
}

gboolean
vb_outbox_subscribe (VbOutbox *self,
                     const VbPushSubscription *subscription,
                     const char *const *vps,
                     gint64 until_us,
                     guint maximum,
                     GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->subscribe (self, subscription, vps, until_us, maximum, error);
}

gboolean
vb_outbox_unsubscribe (VbOutbox *self,
                       const char *subject,
                       VbSubscriptionMatch match,
                       gpointer user_data,
                       guint *n_ended,
                       GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->unsubscribe (self, subject, match, user_data, n_ended, error);
}

gboolean
vb_outbox_save_slots (VbOutbox *self,
                      const char *vps,
                      guint total,
                      const char *text,
                      GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->save_slots (self, vps, total, text, error);
}

GPtrArray *
vb_outbox_list_due (VbOutbox *self,
                    VbChannel channel,
                    gint64 now_us,
                    guint limit,
                    gint64 *next_us,
                    GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->list_due (self, channel, now_us, limit, next_us, error);
}

gboolean
vb_outbox_close (VbOutbox *self, const VbDelivery *delivery, gboolean arrived, GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->close (self, delivery, arrived, error);
}

gboolean
vb_outbox_postpone (VbOutbox *self,
                    const VbDelivery *delivery,
                    gint64 until_us,
                    gboolean hold,
                    GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->postpone (self, delivery, until_us, hold, error);
}

gboolean
vb_outbox_end_destination (VbOutbox *self, const VbDelivery *delivery, GError **error)
{
  return VB_OUTBOX_GET_IFACE (self)->end_destination (self, delivery, error);
}
