/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manager.h"
#include "vb-push.h"
#include "vb-session.h"

G_BEGIN_DECLS

/**
 * VbHub:
 *
 * All open sessions, and what the manager says on its way to those who listen and may hear it. Main
 * context only.
 */
#define VB_TYPE_HUB (vb_hub_get_type ())
G_DECLARE_FINAL_TYPE (VbHub, vb_hub, VB, HUB, GObject)

/** vb_hub_new: @token_keys: (nullable): folder of token keys, for renewals */
VbHub *vb_hub_new (VbManager *manager, const char *token_keys);

VbManager *vb_hub_get_manager (VbHub *self);
/** vb_hub_get_token_keys: Returns: (transfer none) (nullable) */
const char *vb_hub_get_token_keys (VbHub *self);

/** vb_hub_set_push: @push: (nullable): from now on browsers can subscribe there */
void vb_hub_set_push (VbHub *self, VbPush *push);
/** vb_hub_get_push: Returns: (transfer none) (nullable) */
VbPush *vb_hub_get_push (VbHub *self);

/** vb_hub_add: takes in a new session and serves it until it is closed */
void vb_hub_add (VbHub *self, VbSession *session);
guint vb_hub_get_n_sessions (VbHub *self);
/** vb_hub_close_all: closes every session with @code */
void vb_hub_close_all (VbHub *self, guint16 code, const char *reason);

/** vb_hub_is_revoked: Returns: whether the token that @identity stands for was taken back; those whom
 * the kernel vouches for have none */
gboolean vb_hub_is_revoked (VbHub *self, VbIdentity *identity);
/** vb_hub_close_revoked: closes every session whose token was taken back, with 4401; @except: is left
 * open for its answer; Returns: how many, @except included */
guint vb_hub_close_revoked (VbHub *self, VbSession *except);
/** vb_hub_close_if_revoked: the same for @session alone */
void vb_hub_close_if_revoked (VbHub *self, VbSession *session);

/** vb_hub_subscribe: @vps: (nullable): UUID, %NULL for all that the session may see, later ones
 * included */
void vb_hub_subscribe (VbHub *self, VbSession *session, const char *vps);
/** vb_hub_unsubscribe: @vps: (nullable): UUID, %NULL for all */
void vb_hub_unsubscribe (VbHub *self, VbSession *session, const char *vps);

G_END_DECLS
