/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-token-key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "vb-token.h"

#define KEY_BYTES_MAX 4096
#define KID_LENGTH_MAX 64

typedef struct
{
  gsize length;
  guchar bytes[KEY_BYTES_MAX];
} KeyBuffer;

static void
key_buffer_free (gpointer data)
{
  OPENSSL_cleanse (data, sizeof (KeyBuffer));
  g_free (data);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KeyBuffer, key_buffer_free)

static gboolean
kid_is_valid (const char *kid)
{
  gsize length = strlen (kid);

  if (length == 0 || length > KID_LENGTH_MAX || kid[0] == '.')
    return FALSE;

  for (; *kid != '\0'; kid++)
    if (!g_ascii_isalnum (*kid) && strchr ("._-", *kid) == NULL)
      return FALSE;

  return TRUE;
}

static gboolean
read_key (int fd, KeyBuffer *buffer)
{
  struct stat info;

  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || info.st_size > KEY_BYTES_MAX)
    return FALSE;

  while (buffer->length < KEY_BYTES_MAX)
    {
      gssize n = TEMP_FAILURE_RETRY (
          read (fd, buffer->bytes + buffer->length, KEY_BYTES_MAX - buffer->length));

      if (n < 0)
        return FALSE;
      if (n == 0)
        break;
      buffer->length += (gsize) n;
    }

  return buffer->length >= VB_TOKEN_KEY_BYTES_MIN;
}

GBytes *
vb_token_key_load (const char *folder, const char *kid, GError **error)
{
  g_autoptr (KeyBuffer) buffer = NULL;
  g_autofree char *path = NULL;
  KeyBuffer *key;
  gboolean ok;
  int fd;

  if (!kid_is_valid (kid))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_FORBIDDEN, "the key id is not one");
      return NULL;
    }

  /* Not blocking: a FIFO in the folder must not hang us. */
  path = g_build_filename (folder, kid, NULL);
  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_FORBIDDEN, "there is no key “%s”", kid);
      return NULL;
    }

  buffer = g_new0 (KeyBuffer, 1);
  ok = read_key (fd, buffer);
  close (fd);
  if (!ok)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_FORBIDDEN,
                   "the key “%s” is not a file of %d to %d bytes", kid, VB_TOKEN_KEY_BYTES_MIN,
                   KEY_BYTES_MAX);
      return NULL;
    }

  key = g_steal_pointer (&buffer);
  return g_bytes_new_with_free_func (key->bytes, key->length, key_buffer_free, key);
}

char *
vb_token_key_find_newest (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autofree char *newest = NULL;
  gint64 newest_time_s = G_MININT64;
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GBytes) key = vb_token_key_load (folder, name, NULL);
      struct stat info;

      if (key == NULL || stat (path, &info) != 0)
        continue;
      /* Equal times are settled by name, so that the answer does not depend on the folder's
       * order. */
      if (info.st_mtime > newest_time_s
          || (info.st_mtime == newest_time_s && strcmp (name, newest) > 0))
        {
          newest_time_s = info.st_mtime;
          g_free (newest);
          newest = g_strdup (name);
        }
    }

  return g_steal_pointer (&newest);
}

/* Whoever can read a key can sign whatever token they like. */
char **
vb_token_key_list_exposed (const char *folder)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      struct stat info;

      if (kid_is_valid (name) && stat (path, &info) == 0 && S_ISREG (info.st_mode)
          && (info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
        g_strv_builder_add (names, name);
    }

  return g_strv_builder_end (names);
}

gboolean
vb_token_has_keys (const char *keys_folder)
{
  g_autofree char *kid = NULL;

  if (keys_folder != NULL && *keys_folder != '\0')
    kid = vb_token_key_find_newest (keys_folder);

  return kid != NULL;
}

void
vb_token_key_sign (GBytes *key, const char *text, gsize length, guchar *signature)
{
  gsize key_length;
  const guchar *key_data = g_bytes_get_data (key, &key_length);
  gsize n = VB_TOKEN_SIGNATURE_BYTES;

  /* GLib's own: unlike OpenSSL's it needs no provider that may fail to load. */
  GHmac *hmac = g_hmac_new (G_CHECKSUM_SHA256, key_data, key_length);
  g_hmac_update (hmac, (const guchar *) text, (gssize) length);
  g_hmac_get_digest (hmac, signature, &n);
  g_hmac_unref (hmac);
}

guint64
vb_token_key_print (GBytes *key)
{
  static const char text[] = "vps-backup: which key is this?";
  guchar signature[VB_TOKEN_SIGNATURE_BYTES];
  guint64 print;

  vb_token_key_sign (key, text, strlen (text), signature);
  memcpy (&print, signature, sizeof print);
  return print;
}

gboolean
vb_token_key_is_gone (const char *folder, const char *kid, guint64 print)
{
  g_autoptr (GBytes) key = vb_token_key_load (folder, kid, NULL);
  g_autofree char *path = g_build_filename (folder, kid, NULL);
  struct stat info;

  if (key != NULL)
    return vb_token_key_print (key) != print;

  /* What only cannot be read, for want of descriptors for one, is not gone. */
  return stat (path, &info) != 0 && errno == ENOENT;
}

char *
vb_base64url_encode (const guchar *data, gsize length)
{
  char *text = g_base64_encode (data, length);
  char *end = text;

  for (; *end != '\0' && *end != '='; end++)
    {
      if (*end == '+')
        *end = '-';
      else if (*end == '/')
        *end = '_';
    }
  *end = '\0';

  return text;
}

static int
sextet (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

GBytes *
vb_base64url_decode (const char *text, gsize length)
{
  g_autoptr (GByteArray) out = g_byte_array_sized_new ((guint) (length * 3 / 4 + 1));
  guint32 bits = 0;
  guint n_bits = 0;

  if (length % 4 == 1)
    return NULL;

  for (gsize i = 0; i < length; i++)
    {
      int value = sextet (text[i]);

      if (value < 0)
        return NULL;

      bits = (bits << 6) | (guint32) value;
      n_bits += 6;
      if (n_bits >= 8)
        {
          guint8 byte = (guint8) (bits >> (n_bits - 8));

          n_bits -= 8;
          bits &= (1u << n_bits) - 1;
          g_byte_array_append (out, &byte, 1);
        }
    }

  return bits == 0 ? g_byte_array_free_to_bytes (g_steal_pointer (&out)) : NULL;
}
