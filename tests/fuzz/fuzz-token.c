/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens: as they come, and with whatever header and claims under a good signature. */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "auth/vb-token-key.h"
#include "auth/vb-token.h"

#define KEY_ID "k"
#define NOW_S 1717000000

static const char key_text[] = "0123456789abcdef0123456789abcdef";

static const char *
get_folder (void)
{
  static char *folder;
  g_autofree char *file = NULL;

  if (folder == NULL)
    {
      folder = g_dir_make_tmp ("vb-fuzz-XXXXXX", NULL);
      file = g_build_filename (folder, KEY_ID, NULL);
      g_assert_true (g_file_set_contents (file, key_text, -1, NULL));
    }

  return folder;
}

/* The input's first line is the header, the rest the claims. */
static char *
sign (const char *text, gsize size)
{
  const char *newline = memchr (text, '\n', size);
  gsize head = newline != NULL ? (gsize) (newline - text) : size;
  gsize rest = newline != NULL ? head + 1 : size;
  g_autofree char *header = vb_base64url_encode ((const guchar *) text, head);
  g_autofree char *claims = vb_base64url_encode ((const guchar *) text + rest, size - rest);
  g_autofree char *plain = g_strconcat (header, ".", claims, NULL);
  g_autoptr (GBytes) key = g_bytes_new_static (key_text, strlen (key_text));
  guchar signature[VB_TOKEN_SIGNATURE_BYTES];
  g_autofree char *encoded = NULL;

  vb_token_key_sign (key, plain, strlen (plain), signature);
  encoded = vb_base64url_encode (signature, sizeof signature);
  return g_strconcat (plain, ".", encoded, NULL);
}

static void
check (const char *token, gboolean is_signed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbIdentity) identity = vb_token_verify (token, get_folder (), NOW_S, &error);

  g_assert_true ((identity == NULL) == (error != NULL));
  if (identity == NULL)
    return;

  g_assert_true (is_signed);
  g_assert_cmpint (vb_identity_get_expires_at_s (identity), >, NOW_S - VB_TOKEN_SKEW_S - 1);
  g_assert_cmpint (vb_identity_get_expires_at_s (identity), <=,
                   NOW_S + VB_TOKEN_LIFETIME_MAX_S + VB_TOKEN_SKEW_S);
  g_assert_cmpint (vb_identity_get_issued_at_s (identity), <=, NOW_S + VB_TOKEN_SKEW_S);
  g_assert_true (vb_identity_is_admin (identity)
                 || !vb_identity_sees (identity, "ffffffff-ffff-4fff-8fff-ffffffffffff")
                 || vb_identity_list_vps (identity) == NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autofree char *token = sign ((const char *) data, size);

  check (text, FALSE);
  check (token, TRUE);
  return 0;
}
