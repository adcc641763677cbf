/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbLayer:
 * @path: absolute path of an image below a disk's own
 * @inode: of the file; 0 when it could not be looked at
 * @size_bytes: of the file
 * @modified_ns: mtime, nanoseconds since 1970
 * @changed_ns: ctime, likewise
 *
 * One lower image of a disk's backing chain, as it was at one instant. The device number is left
 * out: it may differ after each boot of the host.
 */
typedef struct
{
  char *path;
  guint64 inode;
  guint64 size_bytes;
  gint64 modified_ns;
  gint64 changed_ns;
} VbLayer;

/**
 * VbDiskOrigin:
 * @id: (nullable): UUID of the disk, the same in each backup as long as the image can tell it
 * @path: (nullable): the image file or device that the disk was read from
 * @backups: (nullable): of a disk of a VPS: ids of the backups whose bitmaps its image has
 * @is_tracked: of a disk in a backup: whether the image got a dirty bitmap of that backup
 * @layers: (nullable) (element-type VbLayer): the images below, top first; %NULL when they are not
 * known or what they hold cannot be told from their files
 *
 * What tells a disk from others, whatever its name in the VPS, and proves that what it rests on is
 * unchanged. Immutable once built; any thread.
 */
typedef struct
{
  char *id;
  char *path;
  char **backups;
  gboolean is_tracked;
  GPtrArray *layers;
} VbDiskOrigin;

/** vb_disk_origin_new: Returns: (transfer full): with layers %NULL */
VbDiskOrigin *vb_disk_origin_new (const char *id, const char *path);
VbDiskOrigin *vb_disk_origin_ref (VbDiskOrigin *self);
void vb_disk_origin_unref (VbDiskOrigin *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDiskOrigin, vb_disk_origin_unref)

/** vb_layers_new: Returns: (transfer full) (element-type VbLayer): empty */
GPtrArray *vb_layers_new (void);

/** vb_layers_add: Returns: (transfer none): a new zeroed entry, owned by @layers */
VbLayer *vb_layers_add (GPtrArray *layers, const char *path);

/** vb_layers_are_same: whether the same files, unchanged, are known on both sides */
gboolean vb_layers_are_same (const GPtrArray *a, const GPtrArray *b);

G_END_DECLS
