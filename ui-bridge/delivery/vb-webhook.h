/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/manager/vb-manager.h"
#include "core/interfaces/vb-outbox.h"
#include "vb-webhook-secret.h"

G_BEGIN_DECLS

/**
 * VbWebhook:
 *
 * Tells the operator's receiver of every notification and every change of slots: signed, at least
 * once, in order for each VPS. Main context only.
 */
#define VB_TYPE_WEBHOOK (vb_webhook_get_type ())
G_DECLARE_FINAL_TYPE (VbWebhook, vb_webhook, VB, WEBHOOK, GObject)

/** vb_webhook_new: @url: an http or https URL; @secret: (transfer full) */
VbWebhook *
vb_webhook_new (VbManager *manager, VbOutbox *outbox, const char *url, VbWebhookSecret *secret);

/** vb_webhook_start: tells what is waiting, and what will come; vb_webhook_stop() ends that for
 * good */
void vb_webhook_start (VbWebhook *self);
void vb_webhook_stop (VbWebhook *self);

G_END_DECLS
