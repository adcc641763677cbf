/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbMtimeCache:
 *
 * How the folders of the VPSs in a pool were when they were listed, so that it costs next to
 * nothing to see that another host has changed one. Thread-safe.
 */
typedef struct _VbMtimeCache VbMtimeCache;

VbMtimeCache *vb_mtime_cache_new (void);
void vb_mtime_cache_free (VbMtimeCache *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbMtimeCache, vb_mtime_cache_free)

/** vb_mtime_cache_take: right before the folder of @vps is listed. @root: descriptor of the pool */
void vb_mtime_cache_take (VbMtimeCache *self, int root, const char *vps);

/** vb_mtime_cache_take_all: right before all folders are listed */
void vb_mtime_cache_take_all (VbMtimeCache *self, int root);

/** vb_mtime_cache_is_changed: whether anything was created, renamed or removed in it since, or
 * somebody said so by its time; also while nobody can tell, for 2 s after a change that was seen */
gboolean vb_mtime_cache_is_changed (VbMtimeCache *self, int root, const char *vps);

G_END_DECLS
