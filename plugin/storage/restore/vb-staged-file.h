/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbStagedFile:
 *
 * The new image of one disk that is a file. It remembers nothing but where it is: what was done is
 * told by the
 * names that are there, so that after a crash it can be made anew.
 *
 * | name beside DISK | |
 * |---|---|
 * | `.DISK.vps-backup.OPERATION.partial` | new image that is being written |
 * | `.DISK.vps-backup.OPERATION.new` | new image, whole and synced |
 * | `.DISK.vps-backup.OPERATION.old` | the old image, after the swap |
 */
typedef struct _VbStagedFile VbStagedFile;

/**
 * vb_staged_file_new:
 * @operation: id of the operation
 * @target: name of the disk
 * @path: absolute path of its image; symbolic links are resolved
 *
 * Returns: (transfer full) (nullable): %NULL when the folder of @path cannot be opened, or its name
 *   is too long to have others made of it
 */
VbStagedFile *
vb_staged_file_new (const char *operation, const char *target, const char *path, GError **error);
void vb_staged_file_free (VbStagedFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbStagedFile, vb_staged_file_free)

/** vb_staged_file_create: Returns: a descriptor of the new, empty image, or -1 */
int vb_staged_file_create (VbStagedFile *self, GError **error);

/** vb_staged_file_open_disk: Returns: a descriptor of the present image for reading, or -1 */
int vb_staged_file_open_disk (VbStagedFile *self, GError **error);

/** vb_staged_file_dup_new_path: Returns: (transfer full): absolute path of the new image while it
 * is written */
char *vb_staged_file_dup_new_path (VbStagedFile *self);

/** vb_staged_file_get_target: Returns: (transfer none): name of the disk */
const char *vb_staged_file_get_target (VbStagedFile *self);

/** vb_staged_file_dup_path: Returns: (transfer full): absolute path of the disk's image, without
 * symbolic links */
char *vb_staged_file_dup_path (VbStagedFile *self);

/** vb_staged_file_dup_old_name: Returns: (transfer full): what the image called @name is called
 * after the swap of @operation */
char *vb_staged_file_dup_old_name (const char *name, const char *operation);

/** vb_staged_file_get_folder: Returns: descriptor of the folder, owned by @self */
int vb_staged_file_get_folder (VbStagedFile *self);

/** vb_staged_file_complete: the new image is whole and synced: gives it its name */
gboolean vb_staged_file_complete (VbStagedFile *self, GError **error);

/** vb_staged_file_has_new: whether there is a whole new image that is not in place */
gboolean vb_staged_file_has_new (VbStagedFile *self);

/** vb_staged_file_is_swapped: whether the new image is in place and the old one is kept */
gboolean vb_staged_file_is_swapped (VbStagedFile *self);

/**
 * vb_staged_file_swap:
 * @must: whether it is an error when there is nothing to swap
 *
 * Puts the new image in the place of the old one, with its owner and rights.
 */
gboolean vb_staged_file_swap (VbStagedFile *self, gboolean must, GError **error);

/** vb_staged_file_undo: puts the old image back, if there is one; the new one keeps a name until it
 * is discarded */
gboolean vb_staged_file_undo (VbStagedFile *self, GError **error);

/** vb_staged_file_finish: deletes the old image, if there is one */
gboolean vb_staged_file_finish (VbStagedFile *self, GError **error);

/** vb_staged_file_discard: deletes the new image, if there is one */
gboolean vb_staged_file_discard (VbStagedFile *self, GError **error);

G_END_DECLS
