/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-image-chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vb-error.h"
#include "vb-i18n.h"
#include "vb-image-header.h"
#include "vb-safe-open.h"
#include "vb-trusted-path.h"

/* As libvirt: more is a circle. */
#define MAX_LAYERS 200

struct _VbImageChain
{
  GPtrArray *layers; /* (element-type VbImageLayer) */
  gboolean can_hold_bitmaps;
  gboolean has_snapshots;
};

VbImageLayer *
vb_image_layer_new (const char *path, const char *format)
{
  VbImageLayer *self = g_new0 (VbImageLayer, 1);

  self->path = g_strdup (path);
  self->format = g_strdup (format);
  return self;
}

void
vb_image_layer_free (VbImageLayer *self)
{
  g_free (self->path);
  g_free (self->format);
  g_free (self);
}

static void
chain_clear (gpointer data)
{
  VbImageChain *self = data;

  g_ptr_array_unref (self->layers);
}

VbImageChain *
vb_image_chain_ref (VbImageChain *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
vb_image_chain_unref (VbImageChain *self)
{
  g_atomic_rc_box_release_full (self, chain_clear);
}

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, sentence);
  return FALSE;
}

/* --- looking --- */

/* Never waits for the other end of a FIFO. */
static int
open_image (const char *path, int flags, struct stat *info, GError **error)
{
  int fd = vb_safe_open_resolved (path, flags | O_NONBLOCK | O_NOCTTY);

  if (fd >= 0 && fstat (fd, info) == 0 && (S_ISREG (info->st_mode) || S_ISBLK (info->st_mode)))
    return fd;
  if (fd >= 0)
    {
      close (fd);
      refuse (error, _ ("A disk image is neither a file nor a block device."));
    }
  else if (errno == ENXIO)
    refuse (error, _ ("A disk image is neither a file nor a block device."));
  else if (errno == ENOENT)
    g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING, "The image %s is missing", path);
  else
    vb_error_set_errno (error, errno, "Failed to open the image %s", path);
  return -1;
}

static gint64
to_ns (const struct timespec *time)
{
  return (gint64) time->tv_sec * G_GINT64_CONSTANT (1000000000) + time->tv_nsec;
}

static VbImageHeader *
look_at (VbImageLayer *layer, GError **error)
{
  g_autofree char *path = vb_trusted_path_resolve (layer->path, error);
  g_autoptr (VbImageHeader) header = NULL;
  struct stat info;
  int fd;

  if (path == NULL)
    return NULL;
  fd = open_image (path, O_RDONLY, &info, error);
  if (fd < 0)
    return NULL;
  g_free (layer->path);
  layer->path = g_steal_pointer (&path);
  layer->device = info.st_dev;
  layer->inode = info.st_ino;
  layer->is_block = S_ISBLK (info.st_mode);
  layer->allocated_bytes = S_ISREG (info.st_mode) ? (guint64) info.st_blocks * 512 : 0;
  layer->size_bytes = (guint64) info.st_size;
  layer->modified_ns = to_ns (&info.st_mtim);
  layer->changed_ns = to_ns (&info.st_ctim);
  header = g_strcmp0 (layer->format, "qcow2") == 0 ? vb_image_header_read (fd, error)
                                                   : g_new0 (VbImageHeader, 1);
  close (fd);
  if (header != NULL && header->has_data_file)
    {
      refuse (error, _ ("A disk image keeps its data in another file, which cannot be backed up."));
      return NULL;
    }
  return g_steal_pointer (&header);
}

static gboolean
is_known (VbImageChain *self, const VbImageLayer *layer)
{
  for (guint i = 0; i < self->layers->len; i++)
    {
      const VbImageLayer *other = g_ptr_array_index (self->layers, i);

      if (other->device == layer->device && other->inode == layer->inode && !layer->is_block)
        return TRUE;
    }
  return self->layers->len >= MAX_LAYERS;
}

static gboolean
is_known_format (const VbImageLayer *layer, GError **error)
{
  return g_strcmp0 (layer->format, "qcow2") == 0 || g_strcmp0 (layer->format, "raw") == 0
         || refuse (error, _ ("A disk image rests on another one whose format is not known."));
}

static gboolean
add (VbImageChain *self, VbImageLayer *layer, VbImageHeader **header, GError **error)
{
  *header = is_known_format (layer, error) ? look_at (layer, error) : NULL;
  if (*header != NULL && is_known (self, layer))
    {
      refuse (error, _ ("A disk image rests on itself."));
      g_clear_pointer (header, vb_image_header_free);
    }
  if (*header == NULL)
    {
      vb_image_layer_free (layer);
      return FALSE;
    }
  if (self->layers->len == 0)
    {
      self->can_hold_bitmaps = (*header)->is_qcow2 && (*header)->version >= 3;
      self->has_snapshots = (*header)->n_snapshots > 0;
    }
  g_ptr_array_add (self->layers, layer);
  return TRUE;
}

/* --- a header's word --- */

/* Returns: (transfer full) (nullable): absolute path of what the header calls @name */
static char *
local_path (const char *name, const char *image)
{
  g_autofree char *folder = g_path_get_dirname (image);
  const char *colon;

  if (g_str_has_prefix (name, "file:"))
    name += strlen ("file:");
  colon = strchr (name, ':');
  /* As QEMU: "nbd://…" and "json:{…}" are no paths, "./a:b" is one. */
  if (*name == '\0'
      || (colon != NULL && (strchr (name, '/') == NULL || colon < strchr (name, '/'))))
    return NULL;
  return g_path_is_absolute (name) ? g_strdup (name) : g_build_filename (folder, name, NULL);
}

/* An image without a format in the header above it may be taken for what it looks like only if it
 * then says nothing of others: so does libvirt. */
static char *
guess_format (const char *path)
{
  g_autofree char *real = vb_trusted_path_resolve (path, NULL);
  g_autoptr (VbImageHeader) header = NULL;
  struct stat info;
  int fd = real != NULL ? open_image (real, O_RDONLY, &info, NULL) : -1;

  if (fd < 0)
    return g_strdup ("raw");
  header = vb_image_header_read (fd, NULL);
  close (fd);
  if (header == NULL || (header->is_qcow2 && (header->backing != NULL || header->has_data_file)))
    return NULL;
  return g_strdup (header->is_qcow2 ? "qcow2" : "raw");
}

static VbImageLayer *
read_next (const VbImageLayer *above, const VbImageHeader *header, GError **error)
{
  g_autofree char *path = local_path (header->backing, above->path);
  g_autofree char *format = NULL;

  if (path == NULL || !vb_trusted_path_is_private (above->path))
    {
      refuse (error, _ ("A disk image rests on another one that the definition of the VPS does not "
                        "name; name it there (<backingStore>), or start the VPS."));
      return NULL;
    }
  format = header->backing_format != NULL ? g_strdup (header->backing_format) : guess_format (path);
  return vb_image_layer_new (path, format);
}

VbImageChain *
vb_image_chain_look (GPtrArray *named, gboolean ended, GError **error)
{
  g_autoptr (VbImageChain) self = g_atomic_rc_box_new0 (VbImageChain);
  g_autoptr (VbImageHeader) header = NULL;

  self->layers = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_image_layer_free);
  for (guint i = 0; i < named->len; i++)
    {
      const VbImageLayer *layer = g_ptr_array_index (named, i);

      g_clear_pointer (&header, vb_image_header_free);
      if (!add (self, vb_image_layer_new (layer->path, layer->format), &header, error))
        return NULL;
    }
  while (!ended && header != NULL && header->backing != NULL)
    {
      VbImageLayer *next
          = read_next (g_ptr_array_index (self->layers, self->layers->len - 1), header, error);

      g_clear_pointer (&header, vb_image_header_free);
      if (next == NULL || !add (self, next, &header, error))
        return NULL;
    }
  return g_steal_pointer (&self);
}

static VbImageLayer *
copy_layer (const VbImageLayer *layer)
{
  VbImageLayer *copy = vb_image_layer_new (layer->path, layer->format);

  copy->device = layer->device;
  copy->inode = layer->inode;
  copy->is_block = layer->is_block;
  copy->allocated_bytes = layer->allocated_bytes;
  copy->size_bytes = layer->size_bytes;
  copy->modified_ns = layer->modified_ns;
  copy->changed_ns = layer->changed_ns;
  return copy;
}

VbImageChain *
vb_image_chain_with_top (VbImageChain *self, const char *path, GError **error)
{
  g_autoptr (VbImageChain) chain = g_atomic_rc_box_new0 (VbImageChain);
  const VbImageLayer *top = vb_image_chain_get_layer (self, 0);
  g_autoptr (VbImageHeader) header = NULL;

  chain->layers = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_image_layer_free);
  if (!add (chain, vb_image_layer_new (path, top->format), &header, error))
    return NULL;
  for (guint i = 1; i < self->layers->len; i++)
    g_ptr_array_add (chain->layers, copy_layer (g_ptr_array_index (self->layers, i)));
  return g_steal_pointer (&chain);
}

/* --- using it --- */

guint
vb_image_chain_get_length (VbImageChain *self)
{
  return self->layers->len;
}

const VbImageLayer *
vb_image_chain_get_layer (VbImageChain *self, guint index)
{
  return g_ptr_array_index (self->layers, index);
}

gboolean
vb_image_chain_can_hold_bitmaps (VbImageChain *self)
{
  return self->can_hold_bitmaps;
}

gboolean
vb_image_chain_has_snapshots (VbImageChain *self)
{
  return self->has_snapshots;
}

int
vb_image_chain_open_layer (VbImageChain *self, guint index, int flags, GError **error)
{
  const VbImageLayer *layer = g_ptr_array_index (self->layers, index);
  struct stat info;
  int fd = open_image (layer->path, flags, &info, error);

  if (fd < 0 || (info.st_dev == layer->device && info.st_ino == layer->inode))
    return fd;
  close (fd);
  g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING, "The image %s has been replaced meanwhile",
               layer->path);
  return -1;
}

char *
vb_image_chain_dup_qemu_name (VbImageChain *self, guint first, guint n_layers, int first_fd)
{
  g_autoptr (GString) name = g_string_new ("json:");
  guint open = 0;

  for (guint i = 0; i < n_layers; i++)
    {
      const VbImageLayer *layer = g_ptr_array_index (self->layers, first + i);
      gboolean is_raw = g_strcmp0 (layer->format, "raw") == 0;

      g_string_append_printf (
          name, "{\"driver\":\"%s\",\"file\":{\"driver\":\"%s\",\"filename\":\"/dev/fd/%d\"}",
          is_raw ? "raw" : "qcow2", layer->is_block ? "host_device" : "file", first_fd + (int) i);
      open++;
      if (is_raw)
        break;
      g_string_append (name, i + 1 < n_layers ? ",\"backing\":" : ",\"backing\":null");
    }
  for (; open > 0; open--)
    g_string_append_c (name, '}');
  return g_string_free (g_steal_pointer (&name), FALSE);
}
