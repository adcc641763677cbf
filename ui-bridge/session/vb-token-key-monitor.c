/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-token-key-monitor.h"

#include "core/base/vb-log.h"

/* One look at each key, and prints differ only while one replaces another. */
static gboolean
is_gone (GHashTable *looked_at, VbTokenKeys *keys, const char *kid, guint64 print)
{
  g_autofree char *which = g_strdup_printf ("%s %" G_GINT64_MODIFIER "x", kid, print);
  gpointer known;

  if (g_hash_table_lookup_extended (looked_at, which, NULL, &known))
    return GPOINTER_TO_INT (known);

  known = GINT_TO_POINTER (vb_token_keys_is_gone (keys, kid, print));
  g_hash_table_insert (looked_at, g_steal_pointer (&which), known);
  return GPOINTER_TO_INT (known);
}

void
vb_token_key_monitor_check (VbTokenKeys *keys, gpointer *sessions, guint n)
{
  g_autoptr (GHashTable) looked_at = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < n; i++)
    {
      guint64 print;
      const char *kid = vb_identity_get_key (vb_session_get_identity (sessions[i]), &print);

      if (kid != NULL && is_gone (looked_at, keys, kid, print) && vb_session_end_soon (sessions[i]))
        vb_log_info (NULL, NULL, NULL,
                     "The token key %s is gone: the session of %s ends soon unless it is renewed",
                     kid, vb_peer_get_name (vb_session_get_peer (sessions[i])));
    }
}
