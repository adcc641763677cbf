/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Push messages as RFC 8291 wants them, and the key of RFC 8292. */
#include <glib/gstdio.h>
#include <string.h>

#include "delivery/vb-ec.h"
#include "core/base/vb-error.h"
#include "delivery/vb-push-crypt.h"
#include "delivery/vb-push-key.h"
#include "auth/vb-token-key.h"

/* RFC 8291, appendix A */
#define PLAINTEXT "When I grow up, I want to be a watermelon"
#define AS_PUBLIC                                                                                  \
  "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
#define AS_PRIVATE "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
#define UA_PUBLIC                                                                                  \
  "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define SALT "DGv6ra1nlYgDCS1FRnbzlw"
#define AUTH "BTBZMqHH6r4Tts7J_aSIgg"
#define BODY                                                                                       \
  "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6"  \
  "TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulc"  \
  "y4a-fN"

static void
decode (const char *text, guchar *bytes, gsize wanted)
{
  g_autoptr (GBytes) decoded = vb_base64url_decode (text, strlen (text));

  g_assert_nonnull (decoded);
  g_assert_cmpuint (g_bytes_get_size (decoded), ==, wanted);
  memcpy (bytes, g_bytes_get_data (decoded, NULL), wanted);
}

static void
test_vector (void)
{
  VbPushSender sender;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = NULL;
  g_autofree char *text = NULL;

  decode (AS_PUBLIC, sender.point, sizeof sender.point);
  decode (AS_PRIVATE, sender.scalar, sizeof sender.scalar);
  decode (SALT, sender.salt, sizeof sender.salt);
  body = vb_push_crypt_encrypt_as (&sender, UA_PUBLIC, AUTH, PLAINTEXT, strlen (PLAINTEXT), &error);
  g_assert_no_error (error);
  text = vb_base64url_encode (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
  g_assert_cmpstr (text, ==, BODY);
}

static void
test_fresh (void)
{
  g_autofree char *longest = g_strnfill (VB_PUSH_PLAINTEXT_BYTES_MAX + 1, 'x');
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) one = vb_push_crypt_encrypt (UA_PUBLIC, AUTH, "hello", 5, &error);
  g_autoptr (GBytes) two = vb_push_crypt_encrypt (UA_PUBLIC, AUTH, "hello", 5, &error);
  g_autoptr (GBytes) full
      = vb_push_crypt_encrypt (UA_PUBLIC, AUTH, longest, VB_PUSH_PLAINTEXT_BYTES_MAX, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (one), ==, 86 + 5 + 17);
  g_assert_false (g_bytes_equal (one, two));
  /* Push services have to take 4096 bytes, and need not take more. */
  g_assert_cmpuint (g_bytes_get_size (full), ==, 4096);
  g_assert_null (
      vb_push_crypt_encrypt (UA_PUBLIC, AUTH, longest, VB_PUSH_PLAINTEXT_BYTES_MAX + 1, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT);
}

static void
test_bad_keys (void)
{
  guchar point[VB_EC_POINT_BYTES];
  g_autofree char *off_curve = NULL;
  g_autofree char *compressed = NULL;
  g_autofree char *hybrid = NULL;

  g_assert_true (vb_push_crypt_check_keys (UA_PUBLIC, AUTH, NULL));
  g_assert_false (vb_push_crypt_check_keys ("", AUTH, NULL));
  g_assert_false (vb_push_crypt_check_keys (UA_PUBLIC, "", NULL));
  g_assert_false (vb_push_crypt_check_keys (UA_PUBLIC "A", AUTH, NULL));
  g_assert_false (vb_push_crypt_check_keys (UA_PUBLIC, AUTH "AA", NULL));
  g_assert_false (vb_push_crypt_check_keys (AUTH, UA_PUBLIC, NULL));
  g_assert_false (vb_push_crypt_check_keys (UA_PUBLIC "=", AUTH, NULL));

  decode (UA_PUBLIC, point, sizeof point);
  point[64] ^= 1;
  off_curve = vb_base64url_encode (point, sizeof point);
  g_assert_false (vb_push_crypt_check_keys (off_curve, AUTH, NULL));
  point[64] ^= 1;
  compressed = vb_base64url_encode (point, 33);
  g_assert_false (vb_push_crypt_check_keys (compressed, AUTH, NULL));
  point[0] = 6;
  hybrid = vb_base64url_encode (point, sizeof point);
  g_assert_false (vb_push_crypt_check_keys (hybrid, AUTH, NULL));
}

/* ---- the key ---- */

typedef struct
{
  char *folder;
  char *file;
} Lab;

static void
set_up (Lab *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("vb-push-XXXXXX", NULL);
  f->file = g_build_filename (f->folder, VB_PUSH_KEY_FILE, NULL);
}

static void
tear_down (Lab *f, gconstpointer data)
{
  g_unlink (f->file);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->file);
  g_free (f->folder);
}

static void
test_key_stays (Lab *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbPushKey) first = vb_push_key_open (f->folder, &error);
  g_autoptr (VbPushKey) second = vb_push_key_open (f->folder, &error);
  GStatBuf info;

  g_assert_no_error (error);
  g_assert_cmpuint (strlen (vb_push_key_get_public (first)), ==, 87);
  g_assert_cmpstr (vb_push_key_get_public (first), ==, vb_push_key_get_public (second));
  g_assert_cmpint (g_stat (f->file, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0600);
}

static void
test_key_unusable (Lab *f, gconstpointer data)
{
  const char *const texts[] = { "", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n",
                                /* Ed25519, RFC 8410 */
                                "-----BEGIN PRIVATE KEY-----\n"
                                "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                "-----END PRIVATE KEY-----\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *left = NULL;

      g_assert_true (g_file_set_contents (f->file, texts[i], -1, NULL));
      g_assert_null (vb_push_key_open (f->folder, &error));
      g_assert_error (error, VB_ERROR, VB_ERROR_INTERNAL);
      g_assert_true (g_file_get_contents (f->file, &left, NULL, NULL));
      g_assert_cmpstr (left, ==, texts[i]);
    }
}

static void
check_signature (const char *token, const char *public_key)
{
  g_auto (GStrv) parts = g_strsplit (token, ".", -1);
  g_autoptr (GBytes) signature = NULL;
  g_autoptr (EVP_PKEY) key = NULL;
  guchar point[VB_EC_POINT_BYTES];

  g_assert_cmpuint (g_strv_length (parts), ==, 3);
  signature = vb_base64url_decode (parts[2], strlen (parts[2]));
  g_assert_cmpuint (g_bytes_get_size (signature), ==, 64);
  decode (public_key, point, sizeof point);
  key = vb_ec_import (point, NULL);
  g_assert_nonnull (key);
}

static void
assert_authorization (Lab *f, const char *subject, const char *wanted)
{
  g_autoptr (VbPushKey) key = vb_push_key_open (f->folder, NULL);
  g_autofree char *text
      = vb_push_key_authorize (key, "https://push.example:8443", subject, 1700000000);
  g_autoptr (GMatchInfo) match = NULL;
  g_autoptr (GRegex) form
      = g_regex_new ("^vapid t=(([^.]+)\\.([^.]+)\\.[^.]+), k=(.+)$", 0, 0, NULL);
  g_autofree char *token = NULL;
  g_autofree char *claims = NULL;
  g_autofree char *public_key = NULL;
  g_autoptr (GBytes) decoded = NULL;
  g_autofree char *json = NULL;

  g_assert_true (g_regex_match (form, text, 0, &match));
  token = g_match_info_fetch (match, 1);
  claims = g_match_info_fetch (match, 3);
  public_key = g_match_info_fetch (match, 4);
  g_assert_cmpstr (public_key, ==, vb_push_key_get_public (key));
  check_signature (token, public_key);
  decoded = vb_base64url_decode (claims, strlen (claims));
  json = g_strndup (g_bytes_get_data (decoded, NULL), g_bytes_get_size (decoded));
  g_assert_cmpstr (json, ==, wanted);
}

static void
test_authorization (Lab *f, gconstpointer data)
{
  assert_authorization (f, "mailto:ops@example.org",
                        "{\"aud\":\"https://push.example:8443\",\"exp\":1700043200,"
                        "\"sub\":\"mailto:ops@example.org\"}");
  assert_authorization (f, NULL, "{\"aud\":\"https://push.example:8443\",\"exp\":1700043200}");
}

#define KEY_TEST(path, func) g_test_add (path, Lab, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/push-crypt/rfc8291-appendix-a", test_vector);
  g_test_add_func ("/push-crypt/fresh", test_fresh);
  g_test_add_func ("/push-crypt/bad-keys", test_bad_keys);
  KEY_TEST ("/push-crypt/key-stays", test_key_stays);
  KEY_TEST ("/push-crypt/key-unusable", test_key_unusable);
  KEY_TEST ("/push-crypt/authorization", test_authorization);
  return g_test_run ();
}
