/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-ec.h"

#include "core/base/vb-error.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#define GROUP "prime256v1"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OSSL_PARAM, OSSL_PARAM_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIGNUM, BN_clear_free)

EVP_PKEY *
vb_ec_import (const guchar *point, const guchar *scalar)
{
  g_autoptr (OSSL_PARAM_BLD) builder = OSSL_PARAM_BLD_new ();
  g_autoptr (EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_name (NULL, "EC", NULL);
  g_autoptr (BIGNUM) number = scalar ? BN_bin2bn (scalar, VB_EC_SCALAR_BYTES, NULL) : NULL;
  g_autoptr (OSSL_PARAM) params = NULL;
  EVP_PKEY *key = NULL;

  OSSL_PARAM_BLD_push_utf8_string (builder, OSSL_PKEY_PARAM_GROUP_NAME, GROUP, 0);
  OSSL_PARAM_BLD_push_octet_string (builder, OSSL_PKEY_PARAM_PUB_KEY, point, VB_EC_POINT_BYTES);
  if (number != NULL)
    OSSL_PARAM_BLD_push_BN (builder, OSSL_PKEY_PARAM_PRIV_KEY, number);
  params = OSSL_PARAM_BLD_to_param (builder);

  if (params == NULL || EVP_PKEY_fromdata_init (context) <= 0
      || EVP_PKEY_fromdata (context, &key, number ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params)
             <= 0)
    return NULL;
  return key;
}

EVP_PKEY *
vb_ec_generate (GError **error)
{
  EVP_PKEY *key = EVP_EC_gen (GROUP);

  if (key == NULL)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "Failed to make a key on P-256");
  return key;
}

gboolean
vb_ec_get_point (EVP_PKEY *key, guchar *point)
{
  char group[32];
  gsize length;

  return EVP_PKEY_get_utf8_string_param (key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                         &length)
         && g_str_equal (group, GROUP)
         && EVP_PKEY_get_octet_string_param (key, OSSL_PKEY_PARAM_PUB_KEY, point, VB_EC_POINT_BYTES,
                                             &length)
         && length == VB_EC_POINT_BYTES && point[0] == VB_EC_UNCOMPRESSED;
}
