/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbAheadTokens:
 *
 * Tokens whose `iat` lies ahead of our clock, because that of their issuer is. A revocation takes
 * back what was issued until now by that time; these were issued before it all the same. Main
 * context only.
 */
typedef struct _VbAheadTokens VbAheadTokens;

VbAheadTokens *vb_ahead_tokens_new (void);
void vb_ahead_tokens_free (VbAheadTokens *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbAheadTokens, vb_ahead_tokens_free)

/** vb_ahead_tokens_add: a good token of @subject was presented */
void
vb_ahead_tokens_add (VbAheadTokens *self, const char *subject, gint64 issued_at_s, gint64 now_s);

/** vb_ahead_tokens_revoke: @subject: whose tokens are taken back; Returns: until which `iat`, in s
 * since 1970: @now_s, or later */
gint64 vb_ahead_tokens_revoke (VbAheadTokens *self, const char *subject, gint64 now_s);

/** vb_ahead_tokens_is_suspect: Returns: whether a token that is presented now is further ahead than
 * clocks that are kept in time, just after those of its subject were taken back: it may have been
 * issued before */
gboolean vb_ahead_tokens_is_suspect (VbAheadTokens *self,
                                     const char *subject,
                                     gint64 issued_at_s,
                                     gint64 now_s);

G_END_DECLS
