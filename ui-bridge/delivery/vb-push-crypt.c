/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names as in RFC 8291: ua is the browser, as is us. */
#include "vb-push-crypt.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <string.h>

#include "core/base/vb-error.h"
#include "auth/vb-token-key.h"

#define RECORD_BYTES 4096
#define SECRET_BYTES 32
#define KEY_BYTES 16
#define NONCE_BYTES 12
#define TAG_BYTES 16
/* salt, record size, length of the key id, key id */
#define HEADER_BYTES (VB_PUSH_SALT_BYTES + 4 + 1 + VB_EC_POINT_BYTES)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF, EVP_KDF_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_KDF_CTX, EVP_KDF_CTX_free)

typedef struct
{
  guchar point[VB_EC_POINT_BYTES];
  guchar auth[VB_PUSH_AUTH_BYTES];
} Browser;

static gboolean
decode (const char *text, guchar *bytes, gsize wanted)
{
  g_autoptr (GBytes) decoded = vb_base64url_decode (text, strlen (text));
  gsize length;
  const void *data = decoded != NULL ? g_bytes_get_data (decoded, &length) : NULL;

  if (data == NULL || length != wanted)
    return FALSE;
  memcpy (bytes, data, wanted);
  return TRUE;
}

/* Returns: (transfer full) (nullable): the browser's public key */
static EVP_PKEY *
read_browser (const char *p256dh, const char *auth, Browser *browser, GError **error)
{
  EVP_PKEY *key = NULL;

  if (decode (p256dh, browser->point, sizeof browser->point)
      && decode (auth, browser->auth, sizeof browser->auth)
      && browser->point[0] == VB_EC_UNCOMPRESSED)
    key = vb_ec_import (browser->point, NULL);
  if (key == NULL)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                         "The keys of the subscription are not those of a browser.");
  return key;
}

gboolean
vb_push_crypt_check_keys (const char *p256dh, const char *auth, GError **error)
{
  Browser browser;
  g_autoptr (EVP_PKEY) key = read_browser (p256dh, auth, &browser, error);

  return key != NULL;
}

static gboolean
derive_secret (EVP_PKEY *ours, EVP_PKEY *theirs, guchar *secret)
{
  g_autoptr (EVP_PKEY_CTX) context = EVP_PKEY_CTX_new (ours, NULL);
  gsize length = SECRET_BYTES;

  return EVP_PKEY_derive_init (context) > 0 && EVP_PKEY_derive_set_peer (context, theirs) > 0
         && EVP_PKEY_derive (context, secret, &length) > 0 && length == SECRET_BYTES;
}

static gboolean
hkdf (const guchar *salt,
      gsize salt_length,
      const guchar *secret,
      const void *info,
      gsize info_length,
      guchar *out,
      gsize out_length)
{
  g_autoptr (EVP_KDF) kdf = EVP_KDF_fetch (NULL, "HKDF", NULL);
  g_autoptr (EVP_KDF_CTX) context = EVP_KDF_CTX_new (kdf);
  const OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string (OSSL_KDF_PARAM_DIGEST, (char *) "SHA256", 0),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_SALT, (void *) salt, salt_length),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_KEY, (void *) secret, SECRET_BYTES),
    OSSL_PARAM_construct_octet_string (OSSL_KDF_PARAM_INFO, (void *) info, info_length),
    OSSL_PARAM_construct_end (),
  };

  return EVP_KDF_derive (context, out, out_length, params) > 0;
}

/* The NUL that ends each of the strings of the RFC is part of them. */
static gboolean
derive_keys (const VbPushSender *sender,
             const Browser *browser,
             const guchar *shared,
             guchar *key,
             guchar *nonce)
{
  static const char key_info[] = "Content-Encoding: aes128gcm";
  static const char nonce_info[] = "Content-Encoding: nonce";
  struct
  {
    char word[sizeof "WebPush: info"];
    guchar ua[VB_EC_POINT_BYTES];
    guchar as[VB_EC_POINT_BYTES];
  } info = { .word = "WebPush: info" };
  guchar ikm[SECRET_BYTES];
  gboolean ok;

  memcpy (info.ua, browser->point, sizeof info.ua);
  memcpy (info.as, sender->point, sizeof info.as);
  ok = hkdf (browser->auth, sizeof browser->auth, shared, &info, sizeof info, ikm, sizeof ikm)
       && hkdf (sender->salt, sizeof sender->salt, ikm, key_info, sizeof key_info, key, KEY_BYTES)
       && hkdf (sender->salt, sizeof sender->salt, ikm, nonce_info, sizeof nonce_info, nonce,
                NONCE_BYTES);
  OPENSSL_cleanse (ikm, sizeof ikm);
  return ok;
}

/* The plaintext, the delimiter of the last record, the tag. */
static gboolean
seal (const guchar *key, const guchar *nonce, const char *plaintext, gsize length, guchar *out)
{
  g_autoptr (EVP_CIPHER_CTX) context = EVP_CIPHER_CTX_new ();
  const guchar delimiter = 2;
  int n;

  return EVP_EncryptInit_ex2 (context, EVP_aes_128_gcm (), key, nonce, NULL) > 0
         && EVP_EncryptUpdate (context, out, &n, (const guchar *) plaintext, (int) length) > 0
         && EVP_EncryptUpdate (context, out + length, &n, &delimiter, 1) > 0
         && EVP_EncryptFinal_ex (context, out + length + 1, &n) > 0
         && EVP_CIPHER_CTX_ctrl (context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + length + 1) > 0;
}

static void
write_header (const VbPushSender *sender, guchar *out)
{
  const guint32 record = GUINT32_TO_BE (RECORD_BYTES);

  memcpy (out, sender->salt, VB_PUSH_SALT_BYTES);
  memcpy (out + VB_PUSH_SALT_BYTES, &record, sizeof record);
  out[VB_PUSH_SALT_BYTES + sizeof record] = VB_EC_POINT_BYTES;
  memcpy (out + HEADER_BYTES - VB_EC_POINT_BYTES, sender->point, VB_EC_POINT_BYTES);
}

static GBytes *
encrypt (const VbPushSender *sender,
         EVP_PKEY *ours,
         const char *p256dh,
         const char *auth,
         const char *plaintext,
         gsize length,
         GError **error)
{
  Browser browser;
  g_autoptr (EVP_PKEY) theirs = read_browser (p256dh, auth, &browser, error);
  guchar shared[SECRET_BYTES], key[KEY_BYTES], nonce[NONCE_BYTES];
  const gsize size = HEADER_BYTES + length + 1 + TAG_BYTES;
  g_autofree guchar *body = NULL;
  gboolean ok;

  if (theirs == NULL)
    return NULL;
  if (length > VB_PUSH_PLAINTEXT_BYTES_MAX)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
                           "The message is too long for a push service.");
      return NULL;
    }

  body = g_malloc (size);
  write_header (sender, body);
  ok = derive_secret (ours, theirs, shared) && derive_keys (sender, &browser, shared, key, nonce)
       && seal (key, nonce, plaintext, length, body + HEADER_BYTES);
  OPENSSL_cleanse (shared, sizeof shared);
  OPENSSL_cleanse (key, sizeof key);
  if (!ok)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to encrypt a push message");
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&body), size);
}

GBytes *
vb_push_crypt_encrypt_as (const VbPushSender *sender,
                          const char *p256dh,
                          const char *auth,
                          const char *plaintext,
                          gsize length,
                          GError **error)
{
  g_autoptr (EVP_PKEY) ours = vb_ec_import (sender->point, sender->scalar);

  g_return_val_if_fail (ours != NULL, NULL);
  return encrypt (sender, ours, p256dh, auth, plaintext, length, error);
}

GBytes *
vb_push_crypt_encrypt (const char *p256dh,
                       const char *auth,
                       const char *plaintext,
                       gsize length,
                       GError **error)
{
  g_autoptr (EVP_PKEY) ours = vb_ec_generate (error);
  VbPushSender sender = { 0 };

  if (ours == NULL)
    return NULL;
  if (!vb_ec_get_point (ours, sender.point) || RAND_bytes (sender.salt, sizeof sender.salt) <= 0)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to get random numbers");
      return NULL;
    }
  return encrypt (&sender, ours, p256dh, auth, plaintext, length, error);
}
