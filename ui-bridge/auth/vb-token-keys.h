/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-identity.h"

G_BEGIN_DECLS

/**
 * VbTokenKeys:
 *
 * The folder of token keys as the main context sees it: read each time, so that keys come and go
 * without a restart, but never waited for for long: while its disk hangs, the keys that were read
 * before stand, and no others. Reference-counted; main context only.
 */
typedef struct _VbTokenKeys VbTokenKeys;

/** vb_token_keys_new: @folder: (nullable): %NULL: there are no keys; Returns: (nullable) */
VbTokenKeys *vb_token_keys_new (const char *folder);
VbTokenKeys *vb_token_keys_ref (VbTokenKeys *self);
void vb_token_keys_unref (VbTokenKeys *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbTokenKeys, vb_token_keys_unref)

const char *vb_token_keys_get_folder (VbTokenKeys *self);

/** vb_token_keys_load: as vb_token_key_load() */
GBytes *vb_token_keys_load (VbTokenKeys *self, const char *kid, GError **error);

/** vb_token_keys_has_any: as vb_token_has_keys() */
gboolean vb_token_keys_has_any (VbTokenKeys *self);

/** vb_token_keys_is_gone: as vb_token_key_is_gone(); what cannot be read now is not gone */
gboolean vb_token_keys_is_gone (VbTokenKeys *self, const char *kid, guint64 print);

/** vb_token_keys_list_exposed: as vb_token_key_list_exposed(); (nullable) */
char **vb_token_keys_list_exposed (VbTokenKeys *self);

/** vb_token_keys_verify: as vb_token_verify() */
VbIdentity *
vb_token_keys_verify (VbTokenKeys *self, const char *token, gint64 now_s, GError **error);

G_END_DECLS
