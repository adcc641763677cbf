/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbStateFolder:
 *
 * The folder with journal and locks, held by this process alone: two services on one journal would
 * undo each other's work.
 */
typedef struct _VbStateFolder VbStateFolder;

/**
 * vb_state_folder_open:
 * @path: absolute path
 *
 * Makes the folder and its subfolder "locks" (0755, ours) where they are missing, checks that
 * nobody else may write to it, and takes hold of it. Blocks.
 *
 * Returns: (transfer full) (nullable): the folder; errors are of #VB_ERROR
 */
VbStateFolder *vb_state_folder_open (const char *path, GError **error);

/** vb_state_folder_free: lets another process take hold of it */
void vb_state_folder_free (VbStateFolder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbStateFolder, vb_state_folder_free)

G_END_DECLS
