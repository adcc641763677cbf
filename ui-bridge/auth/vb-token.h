/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-identity.h"

G_BEGIN_DECLS

/** VB_TOKEN_AUDIENCE: what `aud` has to be */
#define VB_TOKEN_AUDIENCE "vps-backup"
/** VB_TOKEN_KEY_BYTES_MIN: shortest key that is used, in bytes */
#define VB_TOKEN_KEY_BYTES_MIN 32
/** VB_TOKEN_LIFETIME_MAX_S: how far ahead `exp` may be */
#define VB_TOKEN_LIFETIME_MAX_S (24 * 60 * 60)
/** VB_TOKEN_SKEW_S: how far the clocks of issuer and host may be apart */
#define VB_TOKEN_SKEW_S 30

/**
 * vb_token_has_keys:
 * @keys_folder: (nullable): folder of key files
 *
 * Returns: whether it holds at least one key that is long enough to be used
 */
gboolean vb_token_has_keys (const char *keys_folder);

/**
 * vb_token_verify:
 * @token: what the client has sent
 * @keys_folder: folder whose files are named by key id and hold the key, all bytes of the file
 * @now_s: the present, s since 1970
 * @error: (out) (optional): %VB_ERROR_FORBIDDEN; its message says what is wrong for the log and
 * holds nothing of the token
 *
 * Checks a JSON Web Token: HS256 and nothing else, the key by `kid`, all claims of the protocol.
 * The folder is read each time, so that keys come and go without a restart. Any thread; reads one
 * small file.
 *
 * Returns: (transfer full) (nullable): who the token stands for
 */
VbIdentity *
vb_token_verify (const char *token, const char *keys_folder, gint64 now_s, GError **error);

/** VbTokenKeyLoad: Returns: (transfer full) (nullable): as vb_token_key_load() does */
typedef GBytes *(*VbTokenKeyLoad) (gpointer keys, const char *kid, GError **error);

/** vb_token_verify_with: as vb_token_verify(), with the key from @load */
VbIdentity *vb_token_verify_with (const char *token,
                                  VbTokenKeyLoad load,
                                  gpointer keys,
                                  gint64 now_s,
                                  GError **error);

/**
 * vb_token_mint:
 * @keys_folder: folder of key files
 * @kid: (nullable): which key; %NULL: the newest file that is long enough
 * @subject: user
 * @permissions: (array zero-terminated=1): words of the protocol
 * @vps: (array zero-terminated=1) (nullable): UUIDs, %NULL for all
 * @lifetime_s: seconds until it expires, 1 to %VB_TOKEN_LIFETIME_MAX_S
 * @now_s: the present, s since 1970
 * @error: (out) (optional): %VB_ERROR_INVALID_ARGUMENT (unknown permission, lifetime, no such key)
 *
 * Makes a token, with a random `jti`. Any thread.
 *
 * Returns: (transfer full) (nullable): the token
 */
char *vb_token_mint (const char *keys_folder,
                     const char *kid,
                     const char *subject,
                     const char *const *permissions,
                     const char *const *vps,
                     gint64 lifetime_s,
                     gint64 now_s,
                     GError **error);

G_END_DECLS
