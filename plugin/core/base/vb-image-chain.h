/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/**
 * VbImageLayer:
 * @path: the image; in a #VbImageChain without links
 * @format: "qcow2" or "raw", or another that QEMU knows
 * @device: of the file, @inode likewise: what was looked at is what is opened later
 * @is_block: whether it is a block device
 * @allocated_bytes: blocks that it takes on its file system
 * @size_bytes: of the file
 * @modified_ns: its mtime, nanoseconds since 1970; @changed_ns: its ctime
 *
 * One image of a disk.
 */
typedef struct
{
  char *path;
  char *format;
  dev_t device;
  ino_t inode;
  gboolean is_block;
  guint64 allocated_bytes;
  guint64 size_bytes;
  gint64 modified_ns;
  gint64 changed_ns;
} VbImageLayer;

VbImageLayer *vb_image_layer_new (const char *path, const char *format);
void vb_image_layer_free (VbImageLayer *self);

/**
 * VbImageChain:
 *
 * The images that a disk consists of, from the one that is written down to the lowest, as the
 * hypervisor's definition names them. What an image's own header says is followed only where the
 * definition leaves the rest of the chain to it, the image is a plain local file, and nobody but
 * trusted users can have written it (see vb-trusted-path.h). Immutable, reference counted, any
 * thread.
 */
typedef struct _VbImageChain VbImageChain;

/**
 * vb_image_chain_look:
 * @named: (element-type VbImageLayer): what the definition names, the top first; paths and formats
 * @ended: whether the definition says that there is nothing below the last of them
 * @error: (out) (optional): %VB_ERROR_UNSUPPORTED_DISK, %VB_ERROR_DISK_MISSING
 *
 * Looks at every image and opens none but to read its header, without waiting for a FIFO. Blocks as
 * long as a hung file system does.
 *
 * Returns: (transfer full) (nullable): the whole chain
 */
VbImageChain *vb_image_chain_look (GPtrArray *named, gboolean ended, GError **error);

/**
 * vb_image_chain_with_top:
 * @path: a new image, a copy of the top of @self
 *
 * Returns: (transfer full) (nullable): a chain with that on top of what is below in @self
 */
VbImageChain *vb_image_chain_with_top (VbImageChain *self, const char *path, GError **error);
VbImageChain *vb_image_chain_ref (VbImageChain *self);
void vb_image_chain_unref (VbImageChain *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbImageChain, vb_image_chain_unref)

guint vb_image_chain_get_length (VbImageChain *self);

/** vb_image_chain_get_layer: Returns: (transfer none): @index: 0 is the top */
const VbImageLayer *vb_image_chain_get_layer (VbImageChain *self, guint index);

/** vb_image_chain_can_hold_bitmaps: Returns: whether the top is a qcow2 image of version 3 */
gboolean vb_image_chain_can_hold_bitmaps (VbImageChain *self);

/** vb_image_chain_has_snapshots: Returns: whether the top held internal snapshots when it was
 * looked at */
gboolean vb_image_chain_has_snapshots (VbImageChain *self);

/**
 * vb_image_chain_open_layer:
 * @index: 0 is the top
 * @flags: as for open(2)
 *
 * Returns: a descriptor of that very file, or -1: %VB_ERROR_DISK_MISSING when another is there now
 */
int vb_image_chain_open_layer (VbImageChain *self, guint index, int flags, GError **error);

/**
 * vb_image_chain_dup_qemu_name:
 * @first: the layer to begin with
 * @n_layers: how many of them; below the last there is nothing
 * @first_fd: number that the descriptor of the first has in the program, those of the others follow
 *
 * Returns: (transfer full): what QEMU's programs take for a file name, and then they open nothing
 * but these descriptors
 */
char *vb_image_chain_dup_qemu_name (VbImageChain *self, guint first, guint n_layers, int first_fd);

G_END_DECLS
