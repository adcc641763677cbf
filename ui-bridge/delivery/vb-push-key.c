/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-push-key.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "vb-ec.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"
#include "json/vb-json-text.h"
#include "core/base/vb-log.h"
#include "auth/vb-token-key.h"

/* A push service takes tokens that are good for at most a day. */
#define LIFETIME_S (12 * 60 * 60)
#define SIGNATURE_BYTES (2 * VB_EC_SCALAR_BYTES)
#define FILE_BYTES_MAX 4096

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ECDSA_SIG, ECDSA_SIG_free)

struct _VbPushKey
{
  EVP_PKEY *key;
  char *public_key;
};

/* ---- the file ---- */

static EVP_PKEY *
parse (const char *text, gsize length)
{
  g_autoptr (BIO) bio = BIO_new_mem_buf (text, (int) length);

  return PEM_read_bio_PrivateKey (bio, NULL, NULL, (void *) "");
}

/* @missing: (out): there is no file, which is no error */
static EVP_PKEY *
load (const char *path, gboolean *missing, GError **error)
{
  const int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  char text[FILE_BYTES_MAX];
  EVP_PKEY *key = NULL;
  gssize n;

  *missing = fd < 0 && errno == ENOENT;
  if (*missing)
    return NULL;
  n = fd < 0 ? -1 : TEMP_FAILURE_RETRY (read (fd, text, sizeof text));
  if (n < 0)
    vb_error_set_errno (error, errno, _ ("Failed to read the push key %s"), path);
  if (fd >= 0)
    close (fd);
  if (n < 0)
    return NULL;

  key = parse (text, (gsize) n);
  OPENSSL_cleanse (text, sizeof text);
  if (key == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                 _ ("%s is not a push key; restore it from a copy, or move it away, but then all "
                    "browsers have to subscribe again."),
                 path);
  return key;
}

static gboolean
write_all (int fd, const char *text, gsize length)
{
  while (length > 0)
    {
      gssize n = TEMP_FAILURE_RETRY (write (fd, text, length));

      if (n < 0)
        return FALSE;
      text += n;
      length -= (gsize) n;
    }
  return fsync (fd) == 0;
}

static gboolean
sync_folder (const char *folder)
{
  const int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (fd >= 0)
    close (fd);
  return ok;
}

/* Complete or not there at all, and never readable by others. */
static gboolean
save (EVP_PKEY *key, const char *folder, const char *path, GError **error)
{
  g_autofree char *partial = g_strconcat (path, ".partial", NULL);
  g_autoptr (BIO) bio = BIO_new (BIO_s_secmem ());
  char *text;
  gsize length;
  gboolean ok;
  int fd;

  if (PEM_write_bio_PrivateKey (bio, key, NULL, NULL, 0, NULL, NULL) <= 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to encode the key for %s", path);
      return FALSE;
    }
  length = (gsize) BIO_get_mem_data (bio, &text);

  g_unlink (partial);
  fd = open (partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  ok = fd >= 0 && fchmod (fd, 0600) == 0 && write_all (fd, text, length)
       && g_rename (partial, path) == 0 && sync_folder (folder);
  if (!ok)
    vb_error_set_errno (error, errno, _ ("Failed to write the push key %s"), path);
  if (fd >= 0)
    close (fd);
  return ok;
}

/* ---- public ---- */

VbPushKey *
vb_push_key_open (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, VB_PUSH_KEY_FILE, NULL);
  gboolean missing;
  g_autoptr (EVP_PKEY) key = load (path, &missing, error);
  guchar point[VB_EC_POINT_BYTES];
  VbPushKey *self;

  if (missing)
    {
      key = vb_ec_generate (error);
      if (key == NULL || !save (key, folder, path, error))
        return NULL;
      vb_log_info (NULL, NULL, NULL, "Made a key for push notifications in %s", path);
    }
  if (key == NULL)
    return NULL;
  if (!vb_ec_get_point (key, point))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   _ ("%s is a key of another kind; push services want one of P-256."), path);
      return NULL;
    }

  self = g_new0 (VbPushKey, 1);
  self->key = g_steal_pointer (&key);
  self->public_key = vb_base64url_encode (point, sizeof point);
  return self;
}

void
vb_push_key_free (VbPushKey *self)
{
  EVP_PKEY_free (self->key);
  g_free (self->public_key);
  g_free (self);
}

const char *
vb_push_key_get_public (const VbPushKey *self)
{
  return self->public_key;
}

/* OpenSSL signs in DER, a token wants the two numbers side by side. Returns: (nullable) */
static char *
sign (const VbPushKey *self, const char *text)
{
  g_autoptr (EVP_MD_CTX) context = EVP_MD_CTX_new ();
  g_autoptr (ECDSA_SIG) pair = NULL;
  guchar der[128];
  guchar raw[SIGNATURE_BYTES];
  const guchar *at = der;
  gsize length = sizeof der;

  if (EVP_DigestSignInit (context, NULL, EVP_sha256 (), NULL, self->key) <= 0
      || EVP_DigestSign (context, der, &length, (const guchar *) text, strlen (text)) <= 0)
    return NULL;
  pair = d2i_ECDSA_SIG (NULL, &at, (long) length);
  if (pair == NULL)
    return NULL;
  BN_bn2binpad (ECDSA_SIG_get0_r (pair), raw, VB_EC_SCALAR_BYTES);
  BN_bn2binpad (ECDSA_SIG_get0_s (pair), raw + VB_EC_SCALAR_BYTES, VB_EC_SCALAR_BYTES);
  return vb_base64url_encode (raw, sizeof raw);
}

static char *
make_claims (const char *origin, const char *subject, gint64 now_s)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), NULL);
  JsonObject *object = json_object_new ();
  g_autofree char *text = NULL;

  json_object_set_string_member (object, "aud", origin);
  json_object_set_int_member (object, "exp", now_s + LIFETIME_S);
  /* RFC 8292, 2.1: it SHOULD be there. */
  if (subject != NULL)
    json_object_set_string_member (object, "sub", subject);
  json_node_take_object (node, object);
  text = vb_json_text_print (node);
  return vb_base64url_encode ((const guchar *) text, strlen (text));
}

char *
vb_push_key_authorize (const VbPushKey *self, const char *origin, const char *subject, gint64 now_s)
{
  static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}";
  g_autofree char *head = vb_base64url_encode ((const guchar *) header, strlen (header));
  g_autofree char *claims = make_claims (origin, subject, now_s);
  g_autofree char *text = g_strconcat (head, ".", claims, NULL);
  g_autofree char *signature = sign (self, text);

  /* Without one the push service refuses the message, which is tried again later. */
  return g_strdup_printf ("vapid t=%s.%s, k=%s", text, signature ? signature : "",
                          self->public_key);
}
