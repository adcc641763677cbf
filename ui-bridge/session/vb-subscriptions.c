/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-subscriptions.h"

typedef struct
{
  gboolean all;
  GHashTable *names; /* UUIDs listened to; with @all those left out */
} Entry;

struct _VbSubscriptions
{
  GHashTable *entries; /* listener → Entry */
  GHashTable *by_vps;  /* UUID → set of listeners that have named it */
  GHashTable *all;     /* set of listeners to all */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_hash_table_unref (entry->names);
  g_free (entry);
}

static void
set_unref (gpointer data)
{
  g_hash_table_unref (data);
}

VbSubscriptions *
vb_subscriptions_new (void)
{
  VbSubscriptions *self = g_new0 (VbSubscriptions, 1);

  self->entries = g_hash_table_new_full (NULL, NULL, NULL, entry_free);
  self->by_vps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, set_unref);
  self->all = g_hash_table_new (NULL, NULL);
  return self;
}

void
vb_subscriptions_free (VbSubscriptions *self)
{
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->by_vps);
  g_hash_table_unref (self->all);
  g_free (self);
}

static Entry *
ensure_entry (VbSubscriptions *self, gpointer listener)
{
  Entry *entry = g_hash_table_lookup (self->entries, listener);

  if (entry == NULL)
    {
      entry = g_new0 (Entry, 1);
      entry->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_hash_table_insert (self->entries, listener, entry);
    }

  return entry;
}

static void
add_name (VbSubscriptions *self, gpointer listener, const char *vps)
{
  GHashTable *listeners = g_hash_table_lookup (self->by_vps, vps);

  if (listeners == NULL)
    {
      listeners = g_hash_table_new (NULL, NULL);
      g_hash_table_insert (self->by_vps, g_strdup (vps), listeners);
    }
  g_hash_table_add (listeners, listener);
}

static void
remove_name (VbSubscriptions *self, gpointer listener, const char *vps)
{
  GHashTable *listeners = g_hash_table_lookup (self->by_vps, vps);

  if (listeners != NULL && g_hash_table_remove (listeners, listener)
      && g_hash_table_size (listeners) == 0)
    g_hash_table_remove (self->by_vps, vps);
}

static void
forget (VbSubscriptions *self, gpointer listener)
{
  Entry *entry = g_hash_table_lookup (self->entries, listener);
  GHashTableIter iter;
  gpointer vps;

  if (entry == NULL)
    return;

  g_hash_table_iter_init (&iter, entry->names);
  while (!entry->all && g_hash_table_iter_next (&iter, &vps, NULL))
    remove_name (self, listener, vps);
  g_hash_table_remove (self->all, listener);
  g_hash_table_remove (self->entries, listener);
}

void
vb_subscriptions_add (VbSubscriptions *self, gpointer listener, const char *vps)
{
  Entry *entry;

  if (vps == NULL)
    {
      forget (self, listener);
      ensure_entry (self, listener)->all = TRUE;
      g_hash_table_add (self->all, listener);
      return;
    }

  entry = ensure_entry (self, listener);
  if (entry->all)
    {
      g_hash_table_remove (entry->names, vps);
      return;
    }

  g_hash_table_add (entry->names, g_strdup (vps));
  add_name (self, listener, vps);
}

void
vb_subscriptions_remove (VbSubscriptions *self, gpointer listener, const char *vps)
{
  Entry *entry = g_hash_table_lookup (self->entries, listener);

  if (entry == NULL)
    return;

  if (vps == NULL)
    {
      forget (self, listener);
    }
  else if (entry->all)
    {
      g_hash_table_add (entry->names, g_strdup (vps));
    }
  else
    {
      remove_name (self, listener, vps);
      g_hash_table_remove (entry->names, vps);
    }
}

void
vb_subscriptions_retain (VbSubscriptions *self,
                         gpointer listener,
                         VbSubscriptionsFunc func,
                         gpointer user_data)
{
  Entry *entry = g_hash_table_lookup (self->entries, listener);
  GHashTableIter iter;
  gpointer vps;

  if (entry == NULL || entry->all)
    return;

  g_hash_table_iter_init (&iter, entry->names);
  while (g_hash_table_iter_next (&iter, &vps, NULL))
    if (!func (vps, user_data))
      {
        remove_name (self, listener, vps);
        g_hash_table_iter_remove (&iter);
      }
}

GPtrArray *
vb_subscriptions_collect (VbSubscriptions *self, const char *vps)
{
  GHashTable *named = g_hash_table_lookup (self->by_vps, vps);
  g_autoptr (GPtrArray) found = NULL;
  GHashTableIter iter;
  gpointer listener;

  if (named == NULL && g_hash_table_size (self->all) == 0)
    return NULL;

  found = g_ptr_array_new ();
  g_hash_table_iter_init (&iter, self->all);
  while (g_hash_table_iter_next (&iter, &listener, NULL))
    {
      Entry *entry = g_hash_table_lookup (self->entries, listener);

      if (!g_hash_table_contains (entry->names, vps))
        g_ptr_array_add (found, listener);
    }

  if (named != NULL)
    {
      g_hash_table_iter_init (&iter, named);
      while (g_hash_table_iter_next (&iter, &listener, NULL))
        g_ptr_array_add (found, listener);
    }

  return g_steal_pointer (&found);
}
