/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbWebhookSecret:
 *
 * What the operator's receiver knows our messages by, as Standard Webhooks says. Constant once
 * loaded.
 */
typedef struct _VbWebhookSecret VbWebhookSecret;

/**
 * vb_webhook_secret_load:
 * @file: one secret a line: "whsec_" and base64, or any other text, whose bytes are the secret
 * @error: (out) (optional): #VB_ERROR
 *
 * All secrets of the file sign each message: to change one, put the new one on a line of its own,
 * and take the old one away when the receiver knows the new one. Blocks.
 *
 * Returns: (transfer full) (nullable): the secrets
 */
VbWebhookSecret *vb_webhook_secret_load (const char *file, GError **error);
void vb_webhook_secret_free (VbWebhookSecret *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbWebhookSecret, vb_webhook_secret_free)

/** vb_webhook_secret_sign: Returns: (transfer full): value of the header webhook-signature */
char *vb_webhook_secret_sign (const VbWebhookSecret *self,
                              const char *id,
                              gint64 timestamp_s,
                              const char *body);

G_END_DECLS
