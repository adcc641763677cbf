/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-origin.h"

static void
layer_free (gpointer data)
{
  VbLayer *layer = data;
  g_free (layer->path);
  g_free (layer);
}

GPtrArray *
vb_layers_new (void)
{
  return g_ptr_array_new_with_free_func (layer_free);
}

VbLayer *
vb_layers_add (GPtrArray *layers, const char *path)
{
  VbLayer *layer = g_new0 (VbLayer, 1);
  layer->path = g_strdup (path);
  g_ptr_array_add (layers, layer);
  return layer;
}

static gboolean
is_same_layer (const VbLayer *a, const VbLayer *b)
{
  return a->inode != 0 && a->inode == b->inode && g_str_equal (a->path, b->path)
         && a->size_bytes == b->size_bytes && a->modified_ns == b->modified_ns
         && a->changed_ns == b->changed_ns;
}

gboolean
vb_layers_are_same (const GPtrArray *a, const GPtrArray *b)
{
  if (a == NULL || b == NULL || a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!is_same_layer (g_ptr_array_index (a, i), g_ptr_array_index (b, i)))
      return FALSE;
  return TRUE;
}

VbDiskOrigin *
vb_disk_origin_new (const char *id, const char *path)
{
  VbDiskOrigin *self = g_atomic_rc_box_new0 (VbDiskOrigin);
  self->id = g_strdup (id);
  self->path = g_strdup (path);
  return self;
}

VbDiskOrigin *
vb_disk_origin_ref (VbDiskOrigin *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
origin_clear (gpointer data)
{
  VbDiskOrigin *self = data;
  g_free (self->id);
  g_free (self->path);
  g_strfreev (self->backups);
  g_clear_pointer (&self->layers, g_ptr_array_unref);
}

void
vb_disk_origin_unref (VbDiskOrigin *self)
{
  g_atomic_rc_box_release_full (self, origin_clear);
}
