/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vps-backup-module.h"

G_BEGIN_DECLS

/**
 * vb_host_module_find:
 * @folder: where an installed module lives
 *
 * Returns: (transfer full): the module beside the executable if there is one, else the one in
 * @folder
 */
char *vb_host_module_find (const char *folder);

/**
 * vb_host_module_load:
 * @path: the module
 *
 * Loads it for good, if nobody but root could have put it there: its code runs with all our rights.
 * It has to be a regular file, owned by root (or by us when we are somebody else), not writable by
 * group or others, in folders that not everybody may write to.
 *
 * Returns: (transfer none) (nullable): its descriptor, checked
 */
const VpsBackupModule *vb_host_module_load (const char *path, GError **error);

G_END_DECLS
