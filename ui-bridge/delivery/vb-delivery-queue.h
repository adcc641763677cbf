/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-outbox.h"
#include "vb-outbound-request.h"

G_BEGIN_DECLS

/**
 * VbDeliveryOutcome:
 * @VB_VERDICT_ARRIVED: done
 * @VB_VERDICT_GIVE_UP: this message will never be taken
 * @VB_VERDICT_RETRY: try this message again later
 * @VB_VERDICT_HOLD: the destination has trouble: try all that goes there later
 * @VB_VERDICT_SHORTEN: too long: try again at once with less
 * @VB_VERDICT_END: the destination exists no more
 *
 * What an answer means.
 */
typedef enum
{
  VB_VERDICT_ARRIVED,
  VB_VERDICT_GIVE_UP,
  VB_VERDICT_RETRY,
  VB_VERDICT_HOLD,
  VB_VERDICT_SHORTEN,
  VB_VERDICT_END,
} VbDeliveryOutcome;

/**
 * VbChannelOps:
 * @channel: what it takes from the outbox
 * @reach: where its requests may go
 * @max_concurrent: requests at a time
 * @make: (transfer full): the request for a delivery; @brief: as short as possible; %NULL with
 * error gives the delivery up
 * @judge: what status @status (0: no answer) means
 *
 * What couriers of a channel do differently.
 */
typedef struct
{
  VbChannel channel;
  VbDestinationPolicy reach;
  guint max_concurrent;
  SoupMessage *(*make) (gpointer user_data,
                        const VbDelivery *delivery,
                        gboolean brief,
                        GError **error);
  VbDeliveryOutcome (*judge) (guint status, gboolean brief);
} VbChannelOps;

/**
 * VbDeliveryQueue:
 *
 * Empties one channel of the outbox: at least once each, in order for each VPS of a destination,
 * again after growing pauses when it did not work, until the message is a day old. Main context
 * only.
 */
#define VB_TYPE_DELIVERY_QUEUE (vb_delivery_queue_get_type ())
G_DECLARE_FINAL_TYPE (VbDeliveryQueue, vb_delivery_queue, VB, DELIVERY_QUEUE, GObject)

/** vb_delivery_queue_new: @trade: (transfer none): copied; @user_data: for its functions, has to
 * outlive vb_delivery_queue_stop() */
VbDeliveryQueue *
vb_delivery_queue_new (VbOutbox *outbox, const VbChannelOps *trade, gpointer user_data);

/** vb_delivery_queue_wake: there may be something in the outbox */
void vb_delivery_queue_wake (VbDeliveryQueue *self);

/** vb_delivery_queue_stop: cuts what is under way, which stays in the outbox; for good */
void vb_delivery_queue_stop (VbDeliveryQueue *self);

G_END_DECLS
