/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "core/model/vb-delivery.h"

G_BEGIN_DECLS

/**
 * vb_push_subscription_parse:
 * @object: what the browser's `PushSubscription.toJSON()` has made
 * @locale: (nullable): language of the reader, a BCP 47 tag
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT, a sentence that quotes nothing of @object
 *
 * Checks all that can be checked without asking anybody: the form of the endpoint (https, or http
 * for tests, which vb_reach_check_uri_async() tells apart), the keys, the locale. Members that are
 * not known are left alone, browsers may add some. Any thread.
 *
 * Returns: (transfer full) (nullable): the subscription, yet of nobody and for no VPS
 */
VbPushSubscription *
vb_push_subscription_parse (JsonObject *object, const char *locale, GError **error);

/** vb_push_endpoint_parse: Returns: (transfer full) (nullable): @endpoint as a request needs it,
 * %NULL when it is no http or https URL of printable characters */
GUri *vb_push_endpoint_parse (const char *endpoint);

/** vb_push_endpoint_get_origin: Returns: (transfer full): scheme, host and port, as tokens for push
 * services name them */
char *vb_push_endpoint_get_origin (GUri *endpoint);

G_END_DECLS
