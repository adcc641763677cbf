/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-bulk-queue.h"

typedef struct
{
  char *name;
  gboolean has_turn;
  GQueue waiting; /* of Item */
} Subject;

typedef struct
{
  Subject *subject;
  char *vps;
  gpointer data;
  gboolean has_turn;
} Item;

struct _VbBulkQueue
{
  guint host_max;
  gboolean each_vps;
  VbBulkFunc func;
  guint n_turns;
  GHashTable *items;    /* data → Item */
  GHashTable *subjects; /* name → Subject, those with items */
  GQueue order;         /* of Subject: who has waited longest for a turn comes first */
  GHashTable *busy_vps; /* set of UUIDs, owned by their items */
};

static void
item_free (gpointer data)
{
  Item *item = data;

  g_free (item->vps);
  g_free (item);
}

static void
subject_free (gpointer data)
{
  Subject *subject = data;

  g_queue_clear (&subject->waiting);
  g_free (subject->name);
  g_free (subject);
}

VbBulkQueue *
vb_bulk_queue_new (guint host_max, gboolean each_vps, VbBulkFunc func)
{
  VbBulkQueue *self = g_rc_box_new0 (VbBulkQueue);

  self->host_max = host_max;
  self->each_vps = each_vps;
  self->func = func;
  self->items = g_hash_table_new_full (NULL, NULL, NULL, item_free);
  self->subjects = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, subject_free);
  self->busy_vps = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->order);
  return self;
}

VbBulkQueue *
vb_bulk_queue_ref (VbBulkQueue *self)
{
  return g_rc_box_acquire (self);
}

static void
bulk_queue_clear (gpointer data)
{
  VbBulkQueue *self = data;

  g_queue_clear (&self->order);
  g_hash_table_unref (self->busy_vps);
  g_hash_table_unref (self->subjects);
  g_hash_table_unref (self->items);
}

void
vb_bulk_queue_unref (VbBulkQueue *self)
{
  g_rc_box_release_full (self, bulk_queue_clear);
}

static gboolean
is_vps_busy (VbBulkQueue *self, const Item *item)
{
  return self->each_vps && item->vps != NULL && g_hash_table_contains (self->busy_vps, item->vps);
}

/* Returns: (nullable): what @subject can have a turn for now */
static Item *
find_ready (VbBulkQueue *self, Subject *subject)
{
  if (subject->has_turn)
    return NULL;

  for (GList *link = subject->waiting.head; link != NULL; link = link->next)
    if (!is_vps_busy (self, link->data))
      return link->data;

  return NULL;
}

static void
give_turn (VbBulkQueue *self, Item *item)
{
  Subject *subject = item->subject;

  item->has_turn = TRUE;
  subject->has_turn = TRUE;
  self->n_turns++;
  g_queue_remove (&subject->waiting, item);
  if (self->each_vps && item->vps != NULL)
    g_hash_table_add (self->busy_vps, item->vps);
}

static Item *
choose (VbBulkQueue *self)
{
  if (self->n_turns >= self->host_max)
    return NULL;

  for (GList *link = self->order.head; link != NULL; link = link->next)
    {
      Item *item = find_ready (self, link->data);

      if (item != NULL)
        return item;
    }

  return NULL;
}

static void
give_turns (VbBulkQueue *self)
{
  Item *item;

  while ((item = choose (self)) != NULL)
    {
      give_turn (self, item);
      self->func (item->data);
    }
}

static Subject *
ensure_subject (VbBulkQueue *self, const char *name)
{
  Subject *subject = g_hash_table_lookup (self->subjects, name);

  if (subject != NULL)
    return subject;

  subject = g_new0 (Subject, 1);
  subject->name = g_strdup (name);
  g_queue_init (&subject->waiting);
  g_hash_table_insert (self->subjects, subject->name, subject);
  g_queue_push_tail (&self->order, subject);
  return subject;
}

gboolean
vb_bulk_queue_push (VbBulkQueue *self, const char *name, const char *vps, gpointer data)
{
  g_autoptr (VbBulkQueue) keep = vb_bulk_queue_ref (self);
  Subject *subject = ensure_subject (self, name);
  Item *item;

  if (subject->waiting.length >= VB_BULK_WAITING_MAX)
    return FALSE;

  item = g_new0 (Item, 1);
  item->subject = subject;
  item->vps = g_strdup (vps);
  item->data = data;
  g_hash_table_insert (self->items, data, item);
  g_queue_push_tail (&subject->waiting, item);
  give_turns (self);
  return TRUE;
}

static void
end_turn (VbBulkQueue *self, Item *item)
{
  item->subject->has_turn = FALSE;
  /* Behind all others that wait. */
  g_queue_remove (&self->order, item->subject);
  g_queue_push_tail (&self->order, item->subject);
  self->n_turns--;
  if (self->each_vps && item->vps != NULL)
    g_hash_table_remove (self->busy_vps, item->vps);
}

void
vb_bulk_queue_done (VbBulkQueue *self, gpointer data)
{
  g_autoptr (VbBulkQueue) keep = vb_bulk_queue_ref (self);
  Item *item = g_hash_table_lookup (self->items, data);
  Subject *subject;

  if (item == NULL)
    return;

  subject = item->subject;
  if (item->has_turn)
    end_turn (self, item);
  else
    g_queue_remove (&subject->waiting, item);
  g_hash_table_remove (self->items, data);

  if (!subject->has_turn && subject->waiting.length == 0)
    {
      g_queue_remove (&self->order, subject);
      g_hash_table_remove (self->subjects, subject->name);
    }
  give_turns (self);
}
