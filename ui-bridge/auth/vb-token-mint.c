/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-glib/json-glib.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"
#include "vb-token-key.h"
#include "vb-token.h"

static gboolean
check_request (const char *const *permissions, gint64 lifetime_s, GError **error)
{
  if (lifetime_s < 1 || lifetime_s > VB_TOKEN_LIFETIME_MAX_S)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                   _ ("A token can live for 1 to %d seconds."), VB_TOKEN_LIFETIME_MAX_S);
      return FALSE;
    }

  for (; *permissions != NULL; permissions++)
    if (vb_permission_from_string (*permissions) == VB_PERMISSION_NONE)
      {
        g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                     _ ("“%s” is not a permission; the protocol lists them."), *permissions);
        return FALSE;
      }

  return TRUE;
}

static GBytes *
find_key (const char *keys_folder, const char *kid, char **found, GError **error)
{
  g_autofree char *name = kid != NULL ? g_strdup (kid) : vb_token_key_find_newest (keys_folder);
  GBytes *key = name != NULL ? vb_token_key_load (keys_folder, name, NULL) : NULL;

  if (key == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                 _ ("There is no key of at least %d bytes in %s; put one there first."),
                 VB_TOKEN_KEY_BYTES_MIN, keys_folder);
  else
    *found = g_steal_pointer (&name);

  return key;
}

static void
add_list (JsonBuilder *builder, const char *name, const char *const *list)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (; *list != NULL; list++)
    json_builder_add_string_value (builder, *list);
  json_builder_end_array (builder);
}

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_time (JsonBuilder *builder, const char *name, gint64 value_s)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value_s);
}

static char *
encode_object (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = vb_json_text_print (root);
  return vb_base64url_encode ((const guchar *) text, strlen (text));
}

static char *
make_header (const char *kid)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "alg", "HS256");
  add_text (builder, "typ", "JWT");
  add_text (builder, "kid", kid);
  return encode_object (builder);
}

static char *
make_claims (const char *subject,
             const char *const *permissions,
             const char *const *vps,
             gint64 lifetime_s,
             gint64 now_s)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *token_id = g_uuid_string_random ();

  json_builder_begin_object (builder);
  add_text (builder, "aud", VB_TOKEN_AUDIENCE);
  add_text (builder, "sub", subject);
  add_text (builder, "jti", token_id);
  add_time (builder, "iat", now_s);
  add_time (builder, "exp", now_s + lifetime_s);
  if (vps == NULL)
    add_text (builder, "vps", "*");
  else
    add_list (builder, "vps", vps);
  add_list (builder, "perms", permissions);
  return encode_object (builder);
}

char *
vb_token_mint (const char *keys_folder,
               const char *kid,
               const char *subject,
               const char *const *permissions,
               const char *const *vps,
               gint64 lifetime_s,
               gint64 now_s,
               GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *header = NULL;
  g_autofree char *claims = NULL;
  g_autofree char *signed_text = NULL;
  g_autofree char *encoded = NULL;
  g_autoptr (GBytes) key = NULL;
  guchar signature[VB_TOKEN_SIGNATURE_BYTES];

  if (!check_request (permissions, lifetime_s, error))
    return NULL;

  key = find_key (keys_folder, kid, &name, error);
  if (key == NULL)
    return NULL;

  header = make_header (name);
  claims = make_claims (subject, permissions, vps, lifetime_s, now_s);
  signed_text = g_strconcat (header, ".", claims, NULL);
  vb_token_key_sign (key, signed_text, strlen (signed_text), signature);
  encoded = vb_base64url_encode (signature, sizeof signature);
  return g_strconcat (signed_text, ".", encoded, NULL);
}
