/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-push-subscription.h"

#include <libsoup/soup.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"
#include "vb-push-crypt.h"

#define ENDPOINT_LENGTH_MAX 2048
#define LOCALE_LENGTH_MAX 35

static gboolean
is_printable (const char *text)
{
  for (; *text != '\0'; text++)
    if (!g_ascii_isgraph (*text))
      return FALSE;

  return TRUE;
}

static gboolean
is_locale (const char *text)
{
  gsize length = strlen (text);

  if (length == 0 || length > LOCALE_LENGTH_MAX || !g_ascii_isalpha (*text))
    return FALSE;
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && *text != '-' && *text != '_')
      return FALSE;

  return TRUE;
}

GUri *
vb_push_endpoint_parse (const char *endpoint)
{
  g_autoptr (GUri) uri = NULL;

  if (strlen (endpoint) > ENDPOINT_LENGTH_MAX || !is_printable (endpoint))
    return NULL;
  uri = g_uri_parse (endpoint, SOUP_HTTP_URI_FLAGS, NULL);
  if (uri == NULL
      || (!g_str_equal (g_uri_get_scheme (uri), "https")
          && !g_str_equal (g_uri_get_scheme (uri), "http"))
      || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0'
      || g_uri_get_userinfo (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    return NULL;
  return g_steal_pointer (&uri);
}

char *
vb_push_endpoint_get_origin (GUri *endpoint)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (endpoint), -1);

  return g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (endpoint), NULL, host,
                     g_uri_get_port (endpoint), "", NULL, NULL);
}

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT, sentence);
  return FALSE;
}

static gboolean
check (const char *endpoint,
       const char *p256dh,
       const char *auth,
       const char *locale,
       GError **error)
{
  g_autoptr (GUri) uri = endpoint != NULL ? vb_push_endpoint_parse (endpoint) : NULL;

  if (uri == NULL)
    return refuse (error, _ ("The endpoint of the subscription is not an https address; give the "
                             "subscription as the browser has made it."));
  if (p256dh == NULL || auth == NULL)
    return refuse (error, _ ("The subscription has no keys; give it as the browser has made it."));
  if (locale != NULL && !is_locale (locale))
    return refuse (error,
                   _ ("Give a language such as “en” or “pt-BR” for the parameter “locale”."));
  return vb_push_crypt_check_keys (p256dh, auth, error);
}

VbPushSubscription *
vb_push_subscription_parse (JsonObject *object, const char *locale, GError **error)
{
  JsonNode *keys_node = json_object_get_member (object, "keys");
  JsonObject *keys = keys_node != NULL && JSON_NODE_HOLDS_OBJECT (keys_node)
                         ? json_node_get_object (keys_node)
                         : NULL;
  const char *endpoint = vb_json_get_text (object, "endpoint");
  const char *p256dh = keys != NULL ? vb_json_get_text (keys, "p256dh") : NULL;
  const char *auth = keys != NULL ? vb_json_get_text (keys, "auth") : NULL;
  VbPushSubscription *self;

  if (!check (endpoint, p256dh, auth, locale, error))
    return NULL;

  self = vb_push_subscription_new ();
  self->endpoint = g_strdup (endpoint);
  self->p256dh = g_strdup (p256dh);
  self->auth = g_strdup (auth);
  self->locale = g_strdup (locale);
  return self;
}
