/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-token.h"

#include <openssl/crypto.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "json/vb-json-text.h"
#include "vb-token-key.h"

/* Room for a few hundred UUIDs; HTTP headers have to carry it. */
#define TOKEN_LENGTH_MAX (16 * 1024)
#define TEXT_LENGTH_MAX 256

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_FORBIDDEN, what);
  return FALSE;
}

static JsonNode *
decode_part (const char *text, gsize length, GError **error)
{
  g_autoptr (GBytes) bytes = vb_base64url_decode (text, length);
  g_autoptr (JsonNode) node = NULL;
  gsize size;
  const char *data;

  if (bytes == NULL)
    {
      refuse (error, "a part is not base64url");
      return NULL;
    }

  data = g_bytes_get_data (bytes, &size);
  node = data != NULL ? vb_json_text_parse (data, size, NULL) : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    {
      refuse (error, "a part is not a JSON object");
      return NULL;
    }

  return g_steal_pointer (&node);
}

/* Returns: FALSE when the member is there but no string of a sane length; @value is NULL when it is
 * not there. */
static gboolean
get_text (JsonObject *object, const char *name, const char **value, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);

  *value = NULL;
  if (node == NULL)
    return TRUE;

  if (json_node_get_value_type (node) != G_TYPE_STRING
      || strlen (json_node_get_string (node)) > TEXT_LENGTH_MAX)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_FORBIDDEN, "“%s” is not a short string", name);
      return FALSE;
    }

  *value = json_node_get_string (node);
  return TRUE;
}

/* A NumericDate may have a fraction; @value stays as it is when there is none. */
static gboolean
get_time (JsonObject *object, const char *name, gint64 *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  GType type;
  double time_s;

  if (node == NULL)
    return TRUE;

  type = json_node_get_value_type (node);
  time_s = type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : -1;
  if (!(time_s >= 0 && time_s < 9007199254740992.0))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_FORBIDDEN, "“%s” is not a time", name);
      return FALSE;
    }

  *value = (gint64) time_s;
  return TRUE;
}

/* Returns: (transfer full) (nullable): an empty array when the member is not there */
static char **
get_list (JsonObject *object, const char *name, GError **error)
{
  JsonNode *node = json_object_get_member (object, name);
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  JsonArray *array;

  if (node == NULL)
    return g_strv_builder_end (list);

  array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);

      if (json_node_get_value_type (element) != G_TYPE_STRING)
        array = NULL;
      else
        g_strv_builder_add (list, json_node_get_string (element));
    }

  if (array == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_FORBIDDEN, "“%s” is not an array of strings", name);
      return NULL;
    }

  return g_strv_builder_end (list);
}

static gboolean
check_header (JsonObject *header, const char **kid, GError **error)
{
  const char *algorithm;

  if (!get_text (header, "alg", &algorithm, error) || !get_text (header, "kid", kid, error))
    return FALSE;
  if (g_strcmp0 (algorithm, "HS256") != 0)
    return refuse (error, "the algorithm is not HS256");
  if (*kid == NULL)
    return refuse (error, "there is no key id");
  /* "crit" lists extensions that must be understood, and we understand none. */
  if (json_object_has_member (header, "crit"))
    return refuse (error, "it asks for an extension");

  return TRUE;
}

static gboolean
check_signature (const char *token, const char *dot, GBytes *key, GError **error)
{
  g_autoptr (GBytes) given = vb_base64url_decode (dot + 1, strlen (dot + 1));
  guchar wanted[VB_TOKEN_SIGNATURE_BYTES];
  gboolean same;

  vb_token_key_sign (key, token, (gsize) (dot - token), wanted);
  same = given != NULL && g_bytes_get_size (given) == sizeof wanted
         && CRYPTO_memcmp (g_bytes_get_data (given, NULL), wanted, sizeof wanted) == 0;

  return same || refuse (error, "the signature is wrong");
}

static gboolean
check_audience (JsonObject *claims, GError **error)
{
  JsonNode *node = json_object_get_member (claims, "aud");
  g_auto (GStrv) list = NULL;

  if (node != NULL && json_node_get_value_type (node) == G_TYPE_STRING)
    {
      if (strcmp (json_node_get_string (node), VB_TOKEN_AUDIENCE) == 0)
        return TRUE;
      return refuse (error, "it is meant for somebody else");
    }

  list = get_list (claims, "aud", error);
  if (list == NULL)
    return FALSE;

  return g_strv_contains ((const char *const *) list, VB_TOKEN_AUDIENCE)
         || refuse (error, "it is meant for somebody else");
}

static gboolean
check_times (JsonObject *claims, gint64 now_s, gint64 *issued_s, gint64 *expires_s, GError **error)
{
  gint64 not_before_s = 0;

  *issued_s = 0;
  *expires_s = -1;
  if (!get_time (claims, "exp", expires_s, error) || !get_time (claims, "iat", issued_s, error)
      || !get_time (claims, "nbf", &not_before_s, error))
    return FALSE;

  if (*expires_s < 0)
    return refuse (error, "it never expires");
  if (*expires_s + VB_TOKEN_SKEW_S <= now_s)
    return refuse (error, "it has expired");
  if (*expires_s > now_s + VB_TOKEN_LIFETIME_MAX_S + VB_TOKEN_SKEW_S)
    return refuse (error, "it expires more than 24 hours ahead");
  if (not_before_s > now_s + VB_TOKEN_SKEW_S)
    return refuse (error, "it is not valid yet");
  if (*issued_s > now_s + VB_TOKEN_SKEW_S)
    return refuse (error, "it was issued in the future");

  return TRUE;
}

static VbIdentity *
read_claims (JsonObject *claims, gint64 now_s, GError **error)
{
  g_auto (GStrv) vps = NULL;
  g_auto (GStrv) words = NULL;
  const char *subject, *token_id;
  gint64 issued_s, expires_s;
  VbPermissions permissions = VB_PERMISSION_NONE;
  JsonNode *scope = json_object_get_member (claims, "vps");
  gboolean all = scope != NULL && json_node_get_value_type (scope) == G_TYPE_STRING
                 && strcmp (json_node_get_string (scope), "*") == 0;

  if (!check_audience (claims, error) || !check_times (claims, now_s, &issued_s, &expires_s, error)
      || !get_text (claims, "sub", &subject, error) || !get_text (claims, "jti", &token_id, error))
    return NULL;

  if (!all && (vps = get_list (claims, "vps", error)) == NULL)
    return NULL;

  words = get_list (claims, "perms", error);
  if (words == NULL)
    return NULL;
  /* Words that a later version may know give nothing here. */
  for (guint i = 0; words[i] != NULL; i++)
    permissions |= vb_permission_from_string (words[i]);

  return vb_identity_new (subject != NULL ? subject : "", permissions, (const char *const *) vps,
                          token_id, issued_s, expires_s);
}

static GBytes *
load_from_folder (gpointer folder, const char *kid, GError **error)
{
  return vb_token_key_load (folder, kid, error);
}

VbIdentity *
vb_token_verify (const char *token, const char *keys_folder, gint64 now_s, GError **error)
{
  return vb_token_verify_with (token, load_from_folder, (gpointer) keys_folder, now_s, error);
}

VbIdentity *
vb_token_verify_with (const char *token,
                      VbTokenKeyLoad load,
                      gpointer keys,
                      gint64 now_s,
                      GError **error)
{
  g_autoptr (JsonNode) header = NULL;
  g_autoptr (JsonNode) claims = NULL;
  g_autoptr (GBytes) key = NULL;
  const char *kid, *first, *second;
  VbIdentity *identity;

  first = strlen (token) <= TOKEN_LENGTH_MAX ? strchr (token, '.') : NULL;
  second = first != NULL ? strchr (first + 1, '.') : NULL;
  if (second == NULL || strchr (second + 1, '.') != NULL)
    {
      refuse (error, "it is not a token");
      return NULL;
    }

  header = decode_part (token, (gsize) (first - token), error);
  if (header == NULL || !check_header (json_node_get_object (header), &kid, error))
    return NULL;

  /* Nothing of the claims is looked at before the signature is known to be good. */
  key = load (keys, kid, error);
  if (key == NULL || !check_signature (token, second, key, error))
    return NULL;

  claims = decode_part (first + 1, (gsize) (second - first - 1), error);
  identity = claims != NULL ? read_claims (json_node_get_object (claims), now_s, error) : NULL;
  if (identity != NULL)
    vb_identity_set_key (identity, kid, vb_token_key_print (key));
  return identity;
}
