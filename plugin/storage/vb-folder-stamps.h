/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbFolderStamps:
 *
 * How the folders of the VPSs in a pool were when they were listed, so that it costs next to nothing to see that another
 * host has changed one. Thread-safe.
 */
typedef struct _VbFolderStamps VbFolderStamps;

VbFolderStamps *vb_folder_stamps_new (void);
void vb_folder_stamps_free (VbFolderStamps *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbFolderStamps, vb_folder_stamps_free)

/** vb_folder_stamps_take: right before the folder of @vps is listed. @root: descriptor of the pool */
void vb_folder_stamps_take (VbFolderStamps *self, int root, const char *vps);

/** vb_folder_stamps_take_all: right before all folders are listed */
void vb_folder_stamps_take_all (VbFolderStamps *self, int root);

/** vb_folder_stamps_is_changed: whether anything was created, renamed or removed in it since, or somebody said so by its time */
gboolean vb_folder_stamps_is_changed (VbFolderStamps *self, int root, const char *vps);

G_END_DECLS
