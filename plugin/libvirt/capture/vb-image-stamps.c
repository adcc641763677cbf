/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-image-stamps.h"

#include <sys/stat.h>

#include "core/base/vb-error.h"

/* Without the ctime: a new owner or name changes no byte. */
typedef struct
{
  gboolean known;
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified;
} Stamp;

static Stamp
take (const VbImageLayer *layer)
{
  struct stat info;

  if (layer->is_block || stat (layer->path, &info) != 0)
    return (Stamp){ 0 };
  return (Stamp){ TRUE, info.st_dev, info.st_ino, info.st_size, info.st_mtim };
}

static gboolean
is_same (const Stamp *a, const Stamp *b)
{
  return a->known == b->known && a->device == b->device && a->inode == b->inode
         && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec
         && a->modified.tv_nsec == b->modified.tv_nsec;
}

GArray *
vb_image_stamps_take (VbImageChain *chain)
{
  guint n = vb_image_chain_get_length (chain);
  GArray *stamps = g_array_sized_new (FALSE, FALSE, sizeof (Stamp), n);

  for (guint i = 0; i < n; i++)
    {
      Stamp stamp = take (vb_image_chain_get_layer (chain, i));
      g_array_append_val (stamps, stamp);
    }
  return stamps;
}

gboolean
vb_image_stamps_check (VbImageChain *chain, GArray *stamps, GError **error)
{
  for (guint i = 0; i < stamps->len; i++)
    {
      const VbImageLayer *layer = vb_image_chain_get_layer (chain, i);
      Stamp now = take (layer);

      if (is_same (&now, &g_array_index (stamps, Stamp, i)))
        continue;
      g_set_error (error, VB_ERROR, VB_ERROR_DISK_BUSY,
                   "The image %s was changed by another program while it was backed up",
                   layer->path);
      return FALSE;
    }
  return TRUE;
}
