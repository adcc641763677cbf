/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_REVOCATION_KEPT_S: after so long every token that was issued before has expired: 24 hours and
 * clocks that differ */
#define VB_REVOCATION_KEPT_S (24 * 60 * 60 + 120)

/** VB_REVOCATION_EVERYBODY: the name of all users: every token issued until then is taken back */
#define VB_REVOCATION_EVERYBODY "*"

/**
 * VbRevocation:
 * @is_token: whether @name is that of a token (`jti`), else of a user (`sub`)
 * @name: who or what may come in no more
 * @revoked_at_s: since when, s since 1970
 *
 * Takes back one token, or all that a user was issued until then. Plain data.
 */
typedef struct
{
  gboolean is_token;
  char *name;
  gint64 revoked_at_s;
} VbRevocation;

VbRevocation *vb_revocation_new (gboolean is_token, const char *name, gint64 revoked_at_s);
void vb_revocation_free (VbRevocation *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbRevocation, vb_revocation_free)

/**
 * VbRevocations:
 *
 * All revocations that still matter. Not thread-safe.
 */
typedef struct _VbRevocations VbRevocations;

VbRevocations *vb_revocations_new (void);
void vb_revocations_free (VbRevocations *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbRevocations, vb_revocations_free)

/** vb_revocations_add: @revocation: copied; also forgets those that have become pointless at
 * @now_s */
void vb_revocations_add (VbRevocations *self, const VbRevocation *revocation, gint64 now_s);

/**
 * vb_revocations_match:
 * @subject: `sub` of a token, "" without
 * @token_id: (nullable): its `jti`
 * @issued_at_s: its `iat`, 0 without: then it counts as old
 *
 * Returns: whether that token was taken back. A token is, whenever it was issued; a user's tokens
 * are when they were issued in the second of the revocation or before it
 */
gboolean vb_revocations_match (VbRevocations *self,
                               const char *subject,
                               const char *token_id,
                               gint64 issued_at_s);

guint vb_revocations_get_size (VbRevocations *self);

G_END_DECLS
