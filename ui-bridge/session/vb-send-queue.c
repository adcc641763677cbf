/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-send-queue.h"

typedef struct
{
  VbSendKind kind;
  char *vps; /* NULL for VB_SEND_ALWAYS */
  char *text;
  gsize length;
} Item;

struct _VbSendQueue
{
  GQueue items;
  GHashTable *latest[VB_SEND_PROGRESS
                     + 1]; /* UUID → link of what can be replaced; NULL while there is none */
  gsize bytes;
  gsize limit_bytes;
};

static void
item_free (gpointer data)
{
  Item *item = data;

  g_free (item->vps);
  g_ref_string_release (item->text);
  g_free (item);
}

VbSendQueue *
vb_send_queue_new (gsize limit_bytes)
{
  VbSendQueue *self = g_new0 (VbSendQueue, 1);

  g_queue_init (&self->items);
  self->limit_bytes = limit_bytes;
  return self;
}

static void
drop_tables (VbSendQueue *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->latest); i++)
    g_clear_pointer (&self->latest[i], g_hash_table_unref);
}

void
vb_send_queue_free (VbSendQueue *self)
{
  drop_tables (self);
  g_queue_clear_full (&self->items, item_free);
  g_free (self);
}

/* Returns: (transfer full): the item, no longer in the queue */
static Item *
unlink_item (VbSendQueue *self, GList *link)
{
  Item *item = link->data;

  if (item->vps != NULL)
    g_hash_table_remove (self->latest[item->kind], item->vps);
  self->bytes -= item->length;
  g_queue_delete_link (&self->items, link);
  return item;
}

static void
drop_older (VbSendQueue *self, VbSendKind kind, const char *vps)
{
  GList *link = self->latest[kind] != NULL ? g_hash_table_lookup (self->latest[kind], vps) : NULL;

  if (link != NULL)
    item_free (unlink_item (self, link));
}

static void
drop_all_progress (VbSendQueue *self)
{
  GList *next;

  for (GList *link = self->items.head; link != NULL; link = next)
    {
      next = link->next;
      if (((Item *) link->data)->kind == VB_SEND_PROGRESS)
        item_free (unlink_item (self, link));
    }
}

static void
append (VbSendQueue *self, VbSendKind kind, const char *vps, char *text)
{
  Item *item = g_new0 (Item, 1);

  item->kind = kind;
  item->text = g_ref_string_acquire (text);
  item->length = g_ref_string_length (text);
  self->bytes += item->length;
  g_queue_push_tail (&self->items, item);
  if (kind == VB_SEND_ALWAYS)
    return;

  item->vps = g_strdup (vps);
  if (self->latest[kind] == NULL)
    self->latest[kind] = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (self->latest[kind], item->vps, self->items.tail);
}

static gboolean
has_room (VbSendQueue *self, gsize length)
{
  return self->bytes == 0 || self->bytes + length <= self->limit_bytes;
}

gboolean
vb_send_queue_push (VbSendQueue *self, VbSendKind kind, const char *vps, char *text)
{
  gsize length = g_ref_string_length (text);

  g_return_val_if_fail (kind == VB_SEND_ALWAYS || vps != NULL, FALSE);

  /* The newer one goes to the end, not to the old one's place: events in between would otherwise
   * come after it with a smaller seq. */
  if (kind != VB_SEND_ALWAYS)
    drop_older (self, kind, vps);

  if (!has_room (self, length))
    drop_all_progress (self);
  if (!has_room (self, length))
    return kind == VB_SEND_PROGRESS;

  append (self, kind, vps, text);
  return TRUE;
}

char *
vb_send_queue_pop (VbSendQueue *self)
{
  Item *item;
  char *text;

  if (self->items.head == NULL)
    return NULL;

  item = unlink_item (self, self->items.head);
  text = g_ref_string_acquire (item->text);
  item_free (item);
  if (self->items.head == NULL)
    drop_tables (self);

  return text;
}

gboolean
vb_send_queue_is_empty (VbSendQueue *self)
{
  return self->items.head == NULL;
}

gsize
vb_send_queue_get_bytes (VbSendQueue *self)
{
  return self->bytes;
}

void
vb_send_queue_set_limit (VbSendQueue *self, gsize limit_bytes)
{
  self->limit_bytes = limit_bytes;
}
