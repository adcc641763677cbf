/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-claim-watch.h"

struct _VbClaimWatch
{
  guint timeout_s;
  GHashTable *seen; /* key → Seen */
};

typedef struct
{
  char *state;
  gint64 since_us; /* unchanged since */
  gint64 looked_us;
  gboolean expired;
} Seen;

static void
seen_free (gpointer data)
{
  Seen *seen = data;
  g_free (seen->state);
  g_free (seen);
}

VbClaimWatch *
vb_claim_watch_new (guint timeout_s)
{
  VbClaimWatch *self = g_new0 (VbClaimWatch, 1);
  self->timeout_s = timeout_s;
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, seen_free);
  return self;
}

void
vb_claim_watch_free (VbClaimWatch *self)
{
  g_hash_table_unref (self->seen);
  g_free (self);
}

static char *
state_of (const VbClaimRecord *record)
{
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT, record->id, record->counter);
}

gboolean
vb_claim_watch_see (VbClaimWatch *self,
                    const char *key,
                    const VbClaimRecord *record,
                    gint64 asked_us,
                    gint64 now_us)
{
  g_autofree char *state = state_of (record);
  gint64 timeout_us = MAX (self->timeout_s, record->timeout_s) * G_USEC_PER_SEC;
  Seen *seen = g_hash_table_lookup (self->seen, key);

  if (seen == NULL)
    {
      seen = g_new0 (Seen, 1);
      g_hash_table_insert (self->seen, g_strdup (key), seen);
    }
  gboolean anew = g_strcmp0 (seen->state, state) != 0 || now_us - seen->looked_us > timeout_us / 2;
  if (anew)
    {
      g_free (seen->state);
      seen->state = g_steal_pointer (&state);
      seen->since_us = now_us;
    }
  seen->looked_us = now_us;
  seen->expired = !anew && asked_us - seen->since_us >= timeout_us;
  return seen->expired;
}

gboolean
vb_claim_watch_is_expired (VbClaimWatch *self, const char *key, const VbClaimRecord *record)
{
  g_autofree char *state = state_of (record);
  const Seen *seen = g_hash_table_lookup (self->seen, key);
  return seen != NULL && seen->expired && g_str_equal (seen->state, state);
}

static gboolean
is_gone (gpointer key, gpointer value, gpointer keys)
{
  return !g_hash_table_contains (keys, key);
}

void
vb_claim_watch_keep (VbClaimWatch *self, GHashTable *keys)
{
  g_hash_table_foreach_remove (self->seen, is_gone, keys);
}
