/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbPushKey:
 *
 * The key by which push services know this service again (VAPID, RFC 8292). Browsers subscribe to
 * it, so it must not change. Constant once open; any thread.
 */
typedef struct _VbPushKey VbPushKey;

/** VB_PUSH_KEY_FILE: its name in the state folder */
#define VB_PUSH_KEY_FILE "push-key.pem"

/**
 * vb_push_key_open:
 * @folder: the state folder
 * @error: (out) (optional): #VB_ERROR
 *
 * Reads the key, or makes one, for its owner's eyes only (0600), when there is none. A file that is
 * no such key is an error, for a new key would silence all subscriptions. Blocks.
 *
 * Returns: (transfer full) (nullable): the key
 */
VbPushKey *vb_push_key_open (const char *folder, GError **error);
void vb_push_key_free (VbPushKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPushKey, vb_push_key_free)

/** vb_push_key_get_public: Returns: (transfer none): what browsers subscribe with, base64url */
const char *vb_push_key_get_public (const VbPushKey *self);

/**
 * vb_push_key_authorize:
 * @origin: scheme, host and port of the push service
 * @subject: (nullable): where its operators can reach ours, a mailto: or https: URL; there are push
 * services that take nothing without
 * @now_s: the present, s since 1970
 *
 * Returns: (transfer full): value of the Authorization header, good for half a day
 */
char *vb_push_key_authorize (const VbPushKey *self,
                             const char *origin,
                             const char *subject,
                             gint64 now_s);

G_END_DECLS
