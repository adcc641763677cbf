/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-address-limiter.h"

#include <string.h>

/* Without connections; the others are bounded by the connections that there may be. */
#define IDLE_MAX 4096
#define FAILURES_FREE 5
#define FAILURES_MAX 20
#define FORGIVEN_US (10 * G_USEC_PER_SEC)
#define DELAY_MIN_MS 250
#define DELAY_MAX_MS 5000
#define V6_NETWORK_BYTES 8
#define V4_MAPPED_BYTES 12

typedef struct
{
  guint connections;
  guint failures;
  gint64 failed_at_us; /* when the newest one that still counts is to be counted from */
} Entry;

struct _VbAddressLimiter
{
  GHashTable *entries; /* key → Entry */
};

VbAddressLimiter *
vb_address_limiter_new (void)
{
  VbAddressLimiter *self = g_new0 (VbAddressLimiter, 1);

  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
vb_address_limiter_free (VbAddressLimiter *self)
{
  g_hash_table_unref (self->entries);
  g_free (self);
}

GInetAddress *
vb_address_limiter_unmap (GInetAddress *address)
{
  static const guint8 mapped[V4_MAPPED_BYTES] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && memcmp (bytes, mapped, sizeof mapped) == 0)
    return g_inet_address_new_from_bytes (bytes + V4_MAPPED_BYTES, G_SOCKET_FAMILY_IPV4);

  return g_object_ref (address);
}

char *
vb_address_limiter_key (GInetAddress *address)
{
  g_autoptr (GInetAddress) real = vb_address_limiter_unmap (address);
  g_autoptr (GInetAddress) network = NULL;
  g_autofree char *text = NULL;
  guint8 bytes[16] = { 0 };

  if (g_inet_address_get_family (real) == G_SOCKET_FAMILY_IPV4)
    return g_inet_address_to_string (real);

  memcpy (bytes, g_inet_address_to_bytes (real), V6_NETWORK_BYTES);
  network = g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV6);
  text = g_inet_address_to_string (network);
  return g_strconcat (text, "/64", NULL);
}

gboolean
vb_address_limiter_is_local (GInetAddress *address)
{
  g_autoptr (GInetAddress) real = vb_address_limiter_unmap (address);

  return g_inet_address_get_is_loopback (real);
}

static gboolean
is_idle (gpointer key, gpointer data, gpointer user_data)
{
  const Entry *entry = data;

  return entry->connections == 0;
}

static gboolean
is_forgiven (gpointer key, gpointer data, gpointer user_data)
{
  const Entry *entry = data;
  const gint64 *now_us = user_data;

  return entry->connections == 0
         && *now_us - entry->failed_at_us >= (gint64) entry->failures * FORGIVEN_US;
}

static Entry *
ensure_entry (VbAddressLimiter *self, const char *key)
{
  Entry *entry = g_hash_table_lookup (self->entries, key);

  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      g_hash_table_insert (self->entries, g_strdup (key), entry);
    }

  return entry;
}

gboolean
vb_address_limiter_enter (VbAddressLimiter *self, const char *key, guint maximum)
{
  Entry *entry = ensure_entry (self, key);

  if (entry->connections >= maximum)
    return FALSE;

  entry->connections++;
  return TRUE;
}

void
vb_address_limiter_leave (VbAddressLimiter *self, const char *key)
{
  Entry *entry = g_hash_table_lookup (self->entries, key);

  if (entry == NULL || entry->connections == 0)
    return;

  entry->connections--;
  if (entry->connections == 0 && entry->failures == 0)
    g_hash_table_remove (self->entries, key);
}

static void
make_room (VbAddressLimiter *self, gint64 now_us)
{
  if (g_hash_table_size (self->entries) < IDLE_MAX)
    return;

  /* From so many addresses at once it is no use to be slow with each of them. */
  if (g_hash_table_foreach_remove (self->entries, is_forgiven, &now_us) == 0)
    g_hash_table_foreach_remove (self->entries, is_idle, NULL);
}

static void
forgive (Entry *entry, gint64 now_us)
{
  gint64 n = MIN ((now_us - entry->failed_at_us) / FORGIVEN_US, (gint64) entry->failures);

  entry->failures -= (guint) n;
  entry->failed_at_us += n * FORGIVEN_US;
  if (entry->failures == 0)
    entry->failed_at_us = now_us;
}

guint
vb_address_limiter_fail (VbAddressLimiter *self, const char *key, gint64 now_us)
{
  Entry *entry;
  guint delay_ms;

  make_room (self, now_us);
  entry = ensure_entry (self, key);
  forgive (entry, now_us);
  entry->failures = MIN (entry->failures + 1, FAILURES_MAX);
  if (entry->failures <= FAILURES_FREE)
    return 0;

  delay_ms = DELAY_MIN_MS << (entry->failures - FAILURES_FREE - 1);
  return MIN (delay_ms, DELAY_MAX_MS);
}

guint
vb_address_limiter_get_size (VbAddressLimiter *self)
{
  return g_hash_table_size (self->entries);
}
