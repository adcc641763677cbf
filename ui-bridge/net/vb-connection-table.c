/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-connection-table.h"

typedef struct
{
  VbPeer *peer;
  GList *passing; /* its link there, NULL once it is held */
  char *subject;  /* whose share it counts for */
} Entry;

struct _VbConnectionTable
{
  guint max_connections;
  GHashTable *entries; /* VbPeer → Entry */
  GQueue passing;      /* VbPeer, oldest first */
  GHashTable *by_subject;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->peer);
  g_free (entry->subject);
  g_free (entry);
}

VbConnectionTable *
vb_connection_table_new (guint max_connections)
{
  VbConnectionTable *self = g_new0 (VbConnectionTable, 1);

  self->max_connections = max_connections;
  self->entries = g_hash_table_new_full (NULL, NULL, NULL, entry_free);
  self->by_subject = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->passing);
  return self;
}

void
vb_connection_table_free (VbConnectionTable *self)
{
  g_queue_clear (&self->passing);
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->by_subject);
  g_free (self);
}

static guint
get_n_held (VbConnectionTable *self)
{
  return g_hash_table_size (self->entries) - self->passing.length;
}

static guint
get_limit (VbConnectionTable *self, gboolean is_unix)
{
  return self->max_connections + (is_unix ? VB_CONNECTION_UNIX_RESERVE : 0);
}

static void
stop_passing (VbConnectionTable *self, Entry *entry)
{
  if (entry->passing != NULL)
    g_queue_delete_link (&self->passing, entry->passing);
  entry->passing = NULL;
}

gboolean
vb_connection_table_has_room (VbConnectionTable *self, gboolean is_unix)
{
  GList *oldest;

  if (g_hash_table_size (self->entries) < get_limit (self, is_unix) + VB_CONNECTION_RESERVE)
    return TRUE;

  /* One that is cut already still counts until it is gone. */
  for (oldest = self->passing.head; oldest != NULL; oldest = oldest->next)
    if (!vb_peer_is_cut (oldest->data))
      break;
  if (oldest == NULL)
    return FALSE;

  vb_peer_cut (oldest->data);
  return TRUE;
}

void
vb_connection_table_add (VbConnectionTable *self, VbPeer *peer)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->peer = g_object_ref (peer);
  g_queue_push_tail (&self->passing, peer);
  entry->passing = self->passing.tail;
  g_hash_table_insert (self->entries, peer, entry);
}

static void
change_subject (VbConnectionTable *self, const char *subject, int change)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_subject, subject));

  n = (guint) ((int) n + change);
  if (n == 0)
    g_hash_table_remove (self->by_subject, subject);
  else
    g_hash_table_insert (self->by_subject, g_strdup (subject), GUINT_TO_POINTER (n));
}

void
vb_connection_table_remove (VbConnectionTable *self, VbPeer *peer)
{
  Entry *entry = g_hash_table_lookup (self->entries, peer);

  if (entry == NULL)
    return;

  stop_passing (self, entry);
  if (entry->subject != NULL)
    change_subject (self, entry->subject, -1);
  g_hash_table_remove (self->entries, peer);
}

gboolean
vb_connection_table_is_full (VbConnectionTable *self, VbPeer *peer)
{
  return get_n_held (self) >= get_limit (self, vb_peer_is_unix (peer));
}

guint
vb_connection_table_get_share (VbConnectionTable *self)
{
  guint n_held = get_n_held (self);
  guint n_free = n_held < self->max_connections ? self->max_connections - n_held : 0;

  return MAX (n_free, VB_CONNECTION_SHARE_MIN);
}

gboolean
vb_connection_table_hold (VbConnectionTable *self, VbPeer *peer, const char *subject)
{
  Entry *entry = g_hash_table_lookup (self->entries, peer);

  if (entry == NULL || vb_connection_table_is_full (self, peer))
    return FALSE;

  if (subject != NULL
      && GPOINTER_TO_UINT (g_hash_table_lookup (self->by_subject, subject))
             >= vb_connection_table_get_share (self))
    return FALSE;

  stop_passing (self, entry);
  if (subject != NULL && entry->subject == NULL)
    {
      entry->subject = g_strdup (subject);
      change_subject (self, subject, 1);
    }
  return TRUE;
}

guint
vb_connection_table_get_size (VbConnectionTable *self)
{
  return g_hash_table_size (self->entries);
}
