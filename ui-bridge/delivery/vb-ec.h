/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <openssl/evp.h>

G_BEGIN_DECLS

/* OpenSSL's objects, freed by themselves, and keys of the curve P-256. Any thread. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_MD_CTX, EVP_MD_CTX_free)

/** VB_EC_POINT_BYTES: a public key, uncompressed */
#define VB_EC_POINT_BYTES 65
#define VB_EC_SCALAR_BYTES 32
/** VB_EC_UNCOMPRESSED: first byte of such a public key */
#define VB_EC_UNCOMPRESSED 4

/**
 * vb_ec_import:
 * @point: (array fixed-size=65): public key
 * @scalar: (array fixed-size=32) (nullable): private key that goes with it
 *
 * Returns: (transfer full) (nullable): the key; %NULL when @point is not on the curve
 */
EVP_PKEY *vb_ec_import (const guchar *point, const guchar *scalar);

/** vb_ec_generate: Returns: (transfer full) (nullable): a new pair of keys, or @error of
 * #VB_ERROR */
EVP_PKEY *vb_ec_generate (GError **error);

/** vb_ec_get_point: @point: (out caller-allocates) (array fixed-size=65); Returns: whether @key is
 * of P-256 */
gboolean vb_ec_get_point (EVP_PKEY *key, guchar *point);

G_END_DECLS
