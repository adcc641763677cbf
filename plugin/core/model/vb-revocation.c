/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-revocation.h"

struct _VbRevocations
{
  GHashTable *subjects; /* name → gint64, s since 1970 */
  GHashTable *tokens;   /* the same */
};

VbRevocation *
vb_revocation_new (gboolean is_token, const char *name, gint64 revoked_at_s)
{
  VbRevocation *self = g_new0 (VbRevocation, 1);

  self->is_token = is_token;
  self->name = g_strdup (name);
  self->revoked_at_s = revoked_at_s;
  return self;
}

void
vb_revocation_free (VbRevocation *self)
{
  g_free (self->name);
  g_free (self);
}

VbRevocations *
vb_revocations_new (void)
{
  VbRevocations *self = g_new0 (VbRevocations, 1);

  self->subjects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->tokens = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
vb_revocations_free (VbRevocations *self)
{
  g_hash_table_unref (self->subjects);
  g_hash_table_unref (self->tokens);
  g_free (self);
}

static gboolean
is_pointless (gpointer name, gpointer revoked_at_s, gpointer now_s)
{
  return *(gint64 *) revoked_at_s + VB_REVOCATION_KEPT_S < *(gint64 *) now_s;
}

void
vb_revocations_add (VbRevocations *self, const VbRevocation *revocation, gint64 now_s)
{
  GHashTable *table = revocation->is_token ? self->tokens : self->subjects;
  const gint64 *known;

  g_hash_table_foreach_remove (self->subjects, is_pointless, &now_s);
  g_hash_table_foreach_remove (self->tokens, is_pointless, &now_s);
  known = g_hash_table_lookup (table, revocation->name);
  if (known == NULL || *known < revocation->revoked_at_s)
    g_hash_table_replace (table, g_strdup (revocation->name),
                          g_memdup2 (&revocation->revoked_at_s, sizeof revocation->revoked_at_s));
}

static gboolean
is_revoked (VbRevocations *self, const char *subject, gint64 issued_at_s)
{
  const gint64 *revoked_at_s = g_hash_table_lookup (self->subjects, subject);
  return revoked_at_s != NULL && issued_at_s <= *revoked_at_s;
}

gboolean
vb_revocations_match (VbRevocations *self,
                      const char *subject,
                      const char *token_id,
                      gint64 issued_at_s)
{
  return is_revoked (self, subject, issued_at_s)
         || is_revoked (self, VB_REVOCATION_EVERYBODY, issued_at_s)
         || (token_id != NULL && g_hash_table_contains (self->tokens, token_id));
}

guint
vb_revocations_get_size (VbRevocations *self)
{
  return g_hash_table_size (self->subjects) + g_hash_table_size (self->tokens);
}
