/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "auth/vb-token-keys.h"
#include "core/manager/vb-manager.h"
#include "download/vb-downloads.h"
#include "vb-session.h"

G_BEGIN_DECLS

/**
 * VbSessionRegistry:
 *
 * All open sessions, and what the manager says on its way to those who listen and may hear it. Main
 * context only.
 *
 * Signals:
 *  - "message" (session VbSession, text GBytes): a client has sent a message
 */
#define VB_TYPE_SESSION_REGISTRY (vb_session_registry_get_type ())
G_DECLARE_FINAL_TYPE (VbSessionRegistry, vb_session_registry, VB, SESSION_REGISTRY, GObject)

/** vb_session_registry_new: @token_keys: (nullable): sessions end with the key of their token */
VbSessionRegistry *vb_session_registry_new (VbManager *manager, VbTokenKeys *token_keys);

/** vb_session_registry_set_downloads: @downloads: (nullable): from now on backups can be downloaded
 * there */
void vb_session_registry_set_downloads (VbSessionRegistry *self, VbDownloads *downloads);
/** vb_session_registry_get_downloads: Returns: (transfer none) (nullable) */
VbDownloads *vb_session_registry_get_downloads (VbSessionRegistry *self);

/** vb_session_registry_add: takes in a new session and serves it until it is closed */
void vb_session_registry_add (VbSessionRegistry *self, VbSession *session);
guint vb_session_registry_get_n_sessions (VbSessionRegistry *self);
/** vb_session_registry_close_all: closes every session with @code */
void vb_session_registry_close_all (VbSessionRegistry *self, guint16 code, const char *reason);

/** vb_session_registry_is_revoked: Returns: whether the token that @identity stands for was taken
 * back; those whom the kernel vouches for have none */
gboolean vb_session_registry_is_revoked (VbSessionRegistry *self, VbIdentity *identity);
/** vb_session_registry_revoke_ahead: the tokens of @subject are being taken back; Returns: until
 * which `iat`, see vb_ahead_tokens_revoke() */
gint64 vb_session_registry_revoke_ahead (VbSessionRegistry *self, const char *subject);
/** vb_session_registry_close_revoked: closes every session whose token was taken back, with 4401;
 * @except: is left open for its answer; Returns: how many, @except included */
guint vb_session_registry_close_revoked (VbSessionRegistry *self, VbSession *except);
/** vb_session_registry_close_if_revoked: the same for @session alone */
void vb_session_registry_close_if_revoked (VbSessionRegistry *self, VbSession *session);

/** vb_session_registry_subscribe: @vps: (nullable): UUID, %NULL for all that the session may see,
 * later ones included */
void vb_session_registry_subscribe (VbSessionRegistry *self, VbSession *session, const char *vps);
/** vb_session_registry_unsubscribe: @vps: (nullable): UUID, %NULL for all */
void vb_session_registry_unsubscribe (VbSessionRegistry *self, VbSession *session, const char *vps);

G_END_DECLS
