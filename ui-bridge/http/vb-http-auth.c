/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-http-auth.h"

#include <string.h>

#include "core/base/vb-log.h"
#include "auth/vb-token.h"

#define PROTOCOLS_HEADER "Sec-WebSocket-Protocol"
#define BEARER_PROTOCOL "bearer."
#define BEARER_SCHEME "Bearer "
#define HOST_LENGTH_MAX 300
/* Fits into 63 bits. */
#define CONTENT_LENGTH_DIGITS_MAX 18

/* Returns: (transfer full) (nullable): the subprotocols that the client offers */
static char **
list_protocols (SoupMessageHeaders *headers)
{
  const char *value = soup_message_headers_get_list (headers, PROTOCOLS_HEADER);
  char **list = value != NULL ? g_strsplit (value, ",", -1) : NULL;

  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    g_strstrip (list[i]);

  return list;
}

/* Returns: (transfer full) (nullable): the token. A header given twice comes as one with a comma,
 * which no token has. */
static char *
find_token (SoupMessageHeaders *headers)
{
  const char *authorization = soup_message_headers_get_list (headers, "Authorization");
  g_auto (GStrv) protocols = NULL;

  if (authorization != NULL)
    return g_ascii_strncasecmp (authorization, BEARER_SCHEME, strlen (BEARER_SCHEME)) == 0
               ? g_strstrip (g_strdup (authorization + strlen (BEARER_SCHEME)))
               : g_strdup ("");

  protocols = list_protocols (headers);
  for (guint i = 0; protocols != NULL && protocols[i] != NULL; i++)
    if (g_str_has_prefix (protocols[i], BEARER_PROTOCOL))
      return g_strdup (protocols[i] + strlen (BEARER_PROTOCOL));

  return NULL;
}

gboolean
vb_http_auth_has_token (SoupMessageHeaders *headers)
{
  g_autofree char *token = find_token (headers);

  return token != NULL;
}

void
vb_http_auth_take_origin (SoupMessageHeaders *headers, VbPeer *peer, const char *const *proxies)
{
  const char *value = soup_message_headers_get_list (headers, "X-Forwarded-For");
  const char *last;
  g_autoptr (GInetAddress) address = NULL;
  g_autofree char *text = NULL;

  if (value == NULL || proxies == NULL || vb_peer_is_unix (peer)
      || !g_strv_contains (proxies, vb_peer_get_name (peer)))
    return;

  last = strrchr (value, ',');
  text = g_strstrip (g_strdup (last != NULL ? last + 1 : value));
  address = g_inet_address_new_from_string (text);
  if (address != NULL)
    vb_peer_set_origin (peer, address);
}

/* A name, an address, or an IPv6 address in brackets, and a port. Two of them would come as one
 * with a comma, and two readers of the same request might each believe another. */
gboolean
vb_http_auth_check_host (SoupMessageHeaders *headers)
{
  const char *host = soup_message_headers_get_list (headers, "Host");

  if (host == NULL || *host == '\0' || strlen (host) > HOST_LENGTH_MAX)
    return FALSE;

  for (; *host != '\0'; host++)
    if (!g_ascii_isalnum (*host) && strchr (".-_:[]", *host) == NULL)
      return FALSE;

  return TRUE;
}

gboolean
vb_http_auth_check_length (SoupMessageHeaders *headers)
{
  const char *length = soup_message_headers_get_list (headers, "Content-Length");
  gsize n_digits = length != NULL ? strspn (length, "0123456789") : 0;

  return length == NULL
         || (n_digits > 0 && length[n_digits] == '\0' && n_digits <= CONTENT_LENGTH_DIGITS_MAX);
}

/* Nothing that we answer has a body: what announces one is meant for two readers, of whom one is to
 * be fooled. Given twice, a header comes as one with a comma. */
gboolean
vb_http_auth_check_framing (SoupMessageHeaders *headers)
{
  static const char *const once[]
      = { "Content-Length", "Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Version" };
  const char *length = soup_message_headers_get_list (headers, "Content-Length");

  for (gsize i = 0; i < G_N_ELEMENTS (once); i++)
    {
      const char *value = soup_message_headers_get_list (headers, once[i]);

      if (value != NULL && strchr (value, ',') != NULL)
        return FALSE;
    }

  return (length == NULL || strcmp (length, "0") == 0)
         && soup_message_headers_get_list (headers, "Transfer-Encoding") == NULL;
}

VbIdentity *
vb_http_auth_identify (SoupMessageHeaders *headers,
                       VbPeer *peer,
                       VbTokenKeys *token_keys,
                       guint *status)
{
  g_autofree char *token = find_token (headers);
  g_autoptr (GError) error = NULL;
  VbIdentity *identity;

  if (vb_peer_is_unix (peer) && !vb_peer_is_admin (peer))
    {
      vb_log_info (NULL, NULL, NULL, "Refused %s on the socket: no administrator",
                   vb_peer_get_name (peer));
      *status = SOUP_STATUS_FORBIDDEN;
      return NULL;
    }

  if (vb_peer_is_unix (peer) && token == NULL)
    return vb_identity_new (vb_peer_get_name (peer), VB_PERMISSION_ADMIN, NULL, NULL, 0, 0);

  *status = SOUP_STATUS_UNAUTHORIZED;
  if (token == NULL || token_keys == NULL)
    return NULL;

  identity = vb_token_keys_verify (token_keys, token, g_get_real_time () / G_USEC_PER_SEC, &error);
  if (identity == NULL)
    vb_log_info (NULL, NULL, NULL, "Refused a token from %s: %s", vb_peer_get_name (peer),
                 error->message);

  return identity;
}

/* "host", "host:port" or "[v6]:port" in lower case, without the port that the scheme implies. */
static char *
normalise_authority (const char *authority, gboolean is_https)
{
  g_autofree char *lower = g_ascii_strdown (authority, -1);
  const char *port = is_https ? ":443" : ":80";

  if (g_str_has_suffix (lower, port))
    lower[strlen (lower) - strlen (port)] = '\0';

  return g_steal_pointer (&lower);
}

/* The scheme is not compared: behind a proxy that does TLS the page is https and we are not. */
static gboolean
is_same_origin (const char *origin, const char *host)
{
  gboolean is_https = g_ascii_strncasecmp (origin, "https://", 8) == 0;
  g_autofree char *ours = NULL;
  g_autofree char *theirs = NULL;

  if (host == NULL || (!is_https && g_ascii_strncasecmp (origin, "http://", 7) != 0))
    return FALSE;

  ours = normalise_authority (host, is_https);
  theirs = normalise_authority (strstr (origin, "://") + 3, is_https);
  return strcmp (ours, theirs) == 0;
}

gboolean
vb_http_auth_check_origin (SoupMessageHeaders *headers, const char *const *allowed)
{
  const char *origin = soup_message_headers_get_list (headers, "Origin");

  if (origin == NULL || is_same_origin (origin, soup_message_headers_get_list (headers, "Host")))
    return TRUE;

  for (; allowed != NULL && *allowed != NULL; allowed++)
    if (g_ascii_strcasecmp (origin, *allowed) == 0)
      return TRUE;

  return FALSE;
}

gboolean
vb_http_auth_choose_protocol (SoupMessageHeaders *headers, const char **protocol)
{
  g_auto (GStrv) list = list_protocols (headers);

  *protocol = NULL;
  if (list == NULL)
    return TRUE;

  if (!g_strv_contains ((const char *const *) list, VB_SUBPROTOCOL))
    return FALSE;

  *protocol = VB_SUBPROTOCOL;
  return TRUE;
}
