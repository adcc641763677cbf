/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Push subscriptions as browsers, or those who pretend to be one, send them: what is accepted has
 * an endpoint of the web and keys of the right size, and no refusal quotes what was sent. */
#include <string.h>

#include "fuzz.h"
#include "json/vb-json-text.h"
#include "delivery/vb-push-subscription.h"

#define MARK "quoted-mark"

static void
check (JsonObject *object, const char *locale)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbPushSubscription) subscription = vb_push_subscription_parse (object, locale, &error);
  g_autoptr (GUri) endpoint = NULL;
  g_autofree char *origin = NULL;

  g_assert_true ((subscription == NULL) == (error != NULL));
  if (subscription == NULL)
    {
      g_assert_null (strstr (error->message, MARK));
      return;
    }

  endpoint = vb_push_endpoint_parse (subscription->endpoint);
  g_assert_nonnull (endpoint);
  g_assert_true (g_str_equal (g_uri_get_scheme (endpoint), "https")
                 || g_str_equal (g_uri_get_scheme (endpoint), "http"));
  origin = vb_push_endpoint_get_origin (endpoint);
  g_assert_null (strpbrk (origin, " \"\\\r\n"));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (JsonNode) node = vb_json_text_parse ((const char *) data, size, NULL);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    {
      JsonObject *object = json_node_get_object (node);

      check (object, NULL);
      check (object, "de-AT");
    }
  else if (g_utf8_validate ((const char *) data, (gssize) size, NULL)
           && memchr (data, 0, size) == NULL)
    {
      g_autoptr (GUri) endpoint = vb_push_endpoint_parse (text);
      g_autofree char *origin = endpoint != NULL ? vb_push_endpoint_get_origin (endpoint) : NULL;

      g_assert_true ((endpoint == NULL) == (origin == NULL));
    }

  return 0;
}
