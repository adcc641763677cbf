/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-layers.h"

/* A write within the same tick of the file system's clock as the one before leaves no trace. */
#define TICK_NS (20 * 1000 * 1000)
#define COARSE_TICK_NS G_GINT64_CONSTANT (2000000000) /* where there are whole seconds only */

static gboolean
is_settled (const VbImageLayer *layer)
{
  gint64 now_ns = g_get_real_time () * 1000;
  gint64 tick_ns = layer->modified_ns % 1000000000 == 0 ? COARSE_TICK_NS : TICK_NS;

  return layer->modified_ns > now_ns || now_ns - layer->modified_ns > tick_ns;
}

GPtrArray *
vb_disk_layers_of (VbImageChain *chain)
{
  g_autoptr (GPtrArray) layers = vb_layers_new ();

  for (guint i = 1; chain != NULL && i < vb_image_chain_get_length (chain); i++)
    {
      const VbImageLayer *from = vb_image_chain_get_layer (chain, i);
      VbLayer *layer;

      if (from->is_block || !is_settled (from))
        return NULL;
      layer = vb_layers_add (layers, from->path);
      layer->inode = from->inode;
      layer->size_bytes = from->size_bytes;
      layer->modified_ns = from->modified_ns;
      layer->changed_ns = from->changed_ns;
    }
  return chain != NULL ? g_steal_pointer (&layers) : NULL;
}
