/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-delivery.h"

G_BEGIN_DECLS

/**
 * VbOutbox:
 *
 * What is still to be told to those who have no connection. It is the journal's other face: a
 * notification and its entries in the outbox become durable together, in
 * vb_journal_save_operation(). All methods block until the data is on stable storage, are called
 * from worker threads, and are thread-safe.
 */
#define VB_TYPE_OUTBOX (vb_outbox_get_type ())
G_DECLARE_INTERFACE (VbOutbox, vb_outbox, VB, OUTBOX, GObject)

/** VbSubscriptionMatch: Returns: whether @subscription is meant; called in the caller's thread */
typedef gboolean (*VbSubscriptionMatch) (const VbPushSubscription *subscription,
                                         gpointer user_data);

/**
 * VbOutboxInterface:
 * @set_webhook: from now on there are entries for the webhook, or none; without, what waits for it
 *   is forgotten
 * @subscribe: @subscription hears of the VPSs @vps (its own is ignored; "*": all) until @until_us
 *   (since 1970, UTC), besides those it hears already. An endpoint that was another subject's is
 *   theirs no more. %VB_ERROR_RATE_LIMITED when its subject has @maximum others,
 *   %VB_ERROR_FORBIDDEN when its token was taken back. Taking back a token, or all of a subject,
 *   ends what was subscribed with it, in the same transaction
 * @unsubscribe: ends what @match says of the subscriptions of @subject (%NULL: of all), with what
 *   waits for them; @n_ended: (out): how many VPSs of subscriptions that were
 * @save_slots: the VPS has @total slots. When that is not what was saved last, @text is an entry
 *   for the webhook, in the same transaction; what is seen for the first time is no change
 * @list_due: (transfer full) (element-type VbDelivery): at most @limit entries whose time has come
 *   at @now_us, the oldest of each destination and VPS only; @next_us: (out): when to ask again, 0
 *   when nothing waits. Entries in the answer that are still open are answered again
 * @close: @delivery has arrived (@arrived), or is given up
 * @postpone: @delivery is tried again at @until_us; @hold: so is all that goes to the same
 *   destination
 * @end_destination: the subscription of @delivery exists no more; forgets it with all that waits
 *   for it
 */
struct _VbOutboxInterface
{
  GTypeInterface parent_iface;

  gboolean (*set_webhook) (VbOutbox *self, gboolean enabled, GError **error);
  gboolean (*subscribe) (VbOutbox *self,
                         const VbPushSubscription *subscription,
                         const char *const *vps,
                         gint64 until_us,
                         guint maximum,
                         GError **error);
  gboolean (*unsubscribe) (VbOutbox *self,
                           const char *subject,
                           VbSubscriptionMatch match,
                           gpointer user_data,
                           guint *n_ended,
                           GError **error);
  gboolean (
      *save_slots) (VbOutbox *self, const char *vps, guint total, const char *text, GError **error);
  GPtrArray *(*list_due) (VbOutbox *self,
                          VbChannel channel,
                          gint64 now_us,
                          guint limit,
                          gint64 *next_us,
                          GError **error);
  gboolean (*close) (VbOutbox *self, const VbDelivery *delivery, gboolean arrived, GError **error);
  gboolean (*postpone) (VbOutbox *self,
                        const VbDelivery *delivery,
                        gint64 until_us,
                        gboolean hold,
                        GError **error);
  gboolean (*end_destination) (VbOutbox *self, const VbDelivery *delivery, GError **error);
};

gboolean vb_outbox_set_webhook (VbOutbox *self, gboolean enabled, GError **error);
gboolean vb_outbox_subscribe (VbOutbox *self,
                              const VbPushSubscription *subscription,
                              const char *const *vps,
                              gint64 until_us,
                              guint maximum,
                              GError **error);
gboolean vb_outbox_unsubscribe (VbOutbox *self,
                                const char *subject,
                                VbSubscriptionMatch match,
                                gpointer user_data,
                                guint *n_ended,
                                GError **error);
gboolean vb_outbox_save_slots (VbOutbox *self,
                               const char *vps,
                               guint total,
                               const char *text,
                               GError **error);
GPtrArray *vb_outbox_list_due (VbOutbox *self,
                               VbChannel channel,
                               gint64 now_us,
                               guint limit,
                               gint64 *next_us,
                               GError **error);
gboolean
vb_outbox_close (VbOutbox *self, const VbDelivery *delivery, gboolean arrived, GError **error);
gboolean vb_outbox_postpone (VbOutbox *self,
                             const VbDelivery *delivery,
                             gint64 until_us,
                             gboolean hold,
                             GError **error);
gboolean vb_outbox_end_destination (VbOutbox *self, const VbDelivery *delivery, GError **error);

G_END_DECLS
