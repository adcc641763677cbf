/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-ec.h"

G_BEGIN_DECLS

/** VB_PUSH_PLAINTEXT_BYTES_MAX: longest message that fits into the one record of RFC 8291 */
#define VB_PUSH_PLAINTEXT_BYTES_MAX 3993
#define VB_PUSH_AUTH_BYTES 16
#define VB_PUSH_SALT_BYTES 16

/**
 * VbPushSender:
 * @point: its public key
 * @scalar: its private key
 * @salt: random
 *
 * What the sender brings to one message, never used again.
 */
typedef struct
{
  guchar point[VB_EC_POINT_BYTES];
  guchar scalar[VB_EC_SCALAR_BYTES];
  guchar salt[VB_PUSH_SALT_BYTES];
} VbPushSender;

/**
 * vb_push_crypt_check_keys:
 * @p256dh: the browser's public key, base64url
 * @auth: the browser's secret, base64url
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT
 *
 * Any thread, as all functions here. Returns: whether a message can be encrypted for them; the key
 * is a point on the curve
 */
gboolean vb_push_crypt_check_keys (const char *p256dh, const char *auth, GError **error);

/**
 * vb_push_crypt_encrypt:
 * @p256dh: the browser's public key, base64url
 * @auth: the browser's secret, base64url
 * @plaintext: at most %VB_PUSH_PLAINTEXT_BYTES_MAX bytes
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT
 *
 * Encrypts a message for one browser as RFC 8291 says, content coding aes128gcm.
 *
 * Returns: (transfer full) (nullable): the body of the request to the push service
 */
GBytes *vb_push_crypt_encrypt (const char *p256dh,
                               const char *auth,
                               const char *plaintext,
                               gsize length,
                               GError **error);

/** vb_push_crypt_encrypt_as: as vb_push_crypt_encrypt(), with given keys and salt: for tests */
GBytes *vb_push_crypt_encrypt_as (const VbPushSender *sender,
                                  const char *p256dh,
                                  const char *auth,
                                  const char *plaintext,
                                  gsize length,
                                  GError **error);

G_END_DECLS
