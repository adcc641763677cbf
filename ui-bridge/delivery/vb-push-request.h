/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-delivery-queue.h"
#include "vb-push-key.h"

G_BEGIN_DECLS

/**
 * vb_push_request_new:
 * @delivery: what is to be told, and to whom
 * @contact: where push services can reach the operator
 * @brief: leave out all that a browser could ask for
 * @error: (out) (optional): it can never be told
 *
 * Returns: (transfer full) (nullable): the request to the push service (RFC 8030), encrypted (RFC
 * 8291) and authorized (RFC 8292)
 */
SoupMessage *vb_push_request_new (const VbDelivery *delivery,
                                  const VbPushKey *key,
                                  const char *contact,
                                  gboolean brief,
                                  GError **error);

/** vb_push_request_judge: Returns: what the push service's answer means */
VbDeliveryOutcome vb_push_request_judge (guint status, gboolean brief);

G_END_DECLS
