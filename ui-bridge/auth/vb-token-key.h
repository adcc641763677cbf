/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** VB_TOKEN_SIGNATURE_BYTES: of HMAC with SHA-256 */
#define VB_TOKEN_SIGNATURE_BYTES 32

/**
 * vb_token_key_load:
 * @folder: folder of key files
 * @kid: name of the key: letters, digits, `.`, `_` and `-`, at most 64, no leading dot
 * @error: (out) (optional): %VB_ERROR_FORBIDDEN
 *
 * Returns: (transfer full) (nullable): the key, wiped when freed
 */
GBytes *vb_token_key_load (const char *folder, const char *kid, GError **error);

/** vb_token_key_find_newest: Returns: (transfer full) (nullable): id of the newest usable key in
 * @folder */
char *vb_token_key_find_newest (const char *folder);

/** vb_token_key_list_exposed: Returns: (transfer full) (array zero-terminated=1): ids of keys that
 * everybody may read, or others than their owner may write */
char **vb_token_key_list_exposed (const char *folder);

/** vb_token_key_sign: @signature: (out caller-allocates) (array fixed-size=32): HMAC-SHA256 of
 * @text */
void vb_token_key_sign (GBytes *key, const char *text, gsize length, guchar *signature);

/** vb_token_key_print: Returns: what tells this key from others and gives nothing of it away */
guint64 vb_token_key_print (GBytes *key);
/** vb_token_key_is_gone: Returns: whether the key that had this print was taken away or replaced.
 * Reads one small file */
gboolean vb_token_key_is_gone (const char *folder, const char *kid, guint64 print);

/** vb_base64url_encode: Returns: (transfer full): base64url without padding */
char *vb_base64url_encode (const guchar *data, gsize length);

/**
 * vb_base64url_decode:
 *
 * Returns: (transfer full) (nullable): the bytes; %NULL for padding, a foreign character, a length
 * that cannot be, or unused bits that are not zero: each value has one spelling
 */
GBytes *vb_base64url_decode (const char *text, gsize length);

G_END_DECLS
