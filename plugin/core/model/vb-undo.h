/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbUndoFile:
 * @target: name of the disk
 * @path: absolute path of its image, without symbolic links
 * @inode: of the image that the restore has put there
 */
typedef struct
{
  char *target;
  char *path;
  guint64 inode;
} VbUndoFile;

/**
 * VbUndo:
 * @operation: id of the restore, which the names of the kept images hold
 * @vps: UUID
 * @backup: id of the backup that was restored
 * @backup_name: its name
 * @restored_at: UTC
 * @until: UTC: when the kept images are deleted
 * @files: (element-type VbUndoFile): the disks that the restore has replaced
 *
 * The disks that a restore has replaced and that are kept beside the new ones for a while. Plain
 * data that may be passed between threads.
 */
typedef struct
{
  char *operation;
  char *vps;
  char *backup;
  char *backup_name;
  GDateTime *restored_at;
  GDateTime *until;
  GPtrArray *files;
} VbUndo;

/** vb_undo_new: Returns: (transfer full): without files and times */
VbUndo *
vb_undo_new (const char *operation, const char *vps, const char *backup, const char *backup_name);
VbUndo *vb_undo_copy (const VbUndo *self);
void vb_undo_free (VbUndo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbUndo, vb_undo_free)

void vb_undo_add_file (VbUndo *self, const char *target, const char *path, guint64 inode);

/** vb_undo_dup_files: Returns: (transfer full): the files as a text for the journal */
char *vb_undo_dup_files (const VbUndo *self);

/** vb_undo_parse_files: adds what vb_undo_dup_files() has written; Returns: whether it was that */
gboolean vb_undo_parse_files (VbUndo *self, const char *text);

G_END_DECLS
