/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-ahead-tokens.h"

#include "vb-token.h"

/* What clocks that are kept in time differ by. */
#define CLOCKS_DIFFER_S 5

struct _VbAheadTokens
{
  GHashTable *newest;  /* subject → latest iat ahead of the clock, gint64 */
  GHashTable *revoked; /* subject → when, gint64, for as long as it matters */
};

VbAheadTokens *
vb_ahead_tokens_new (void)
{
  VbAheadTokens *self = g_new0 (VbAheadTokens, 1);

  self->newest = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->revoked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
vb_ahead_tokens_free (VbAheadTokens *self)
{
  g_hash_table_unref (self->newest);
  g_hash_table_unref (self->revoked);
  g_free (self);
}

static gboolean
is_past (gpointer subject, gpointer time_s, gpointer before_s)
{
  return *(gint64 *) time_s < *(gint64 *) before_s;
}

static void
set_time (GHashTable *times, const char *subject, gint64 time_s)
{
  g_hash_table_replace (times, g_strdup (subject), g_memdup2 (&time_s, sizeof time_s));
}

void
vb_ahead_tokens_add (VbAheadTokens *self, const char *subject, gint64 issued_at_s, gint64 now_s)
{
  const gint64 *known = g_hash_table_lookup (self->newest, subject);

  if (issued_at_s <= now_s || (known != NULL && *known >= issued_at_s))
    return;

  g_hash_table_foreach_remove (self->newest, is_past, &now_s);
  set_time (self->newest, subject, issued_at_s);
}

gint64
vb_ahead_tokens_revoke (VbAheadTokens *self, const char *subject, gint64 now_s)
{
  const gint64 *newest_s = g_hash_table_lookup (self->newest, subject);
  gint64 before_s = now_s - VB_TOKEN_SKEW_S;

  g_hash_table_foreach_remove (self->revoked, is_past, &before_s);
  set_time (self->revoked, subject, now_s);
  return newest_s != NULL ? MAX (*newest_s, now_s) : now_s;
}

gboolean
vb_ahead_tokens_is_suspect (VbAheadTokens *self,
                            const char *subject,
                            gint64 issued_at_s,
                            gint64 now_s)
{
  const gint64 *revoked_s = g_hash_table_lookup (self->revoked, subject);

  return revoked_s != NULL && now_s <= *revoked_s + VB_TOKEN_SKEW_S
         && issued_at_s > now_s + CLOCKS_DIFFER_S;
}
