/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/xml/vb-domain-xml.h"

G_BEGIN_DECLS

/**
 * VbScratch:
 *
 * The scratch files of one backup job: QEMU saves there what the guest overwrites while the old
 * data is being read. That of an image file lies beside it, hidden, because there the VPS's own
 * storage, owner and quota apply. A block device has no "beside": its scratch file goes into the
 * capture's folder in the service's runtime folder, which therefore must not be a small tmpfs on
 * hosts whose VPSs use block devices; the reserve is watched there too.
 *
 * libvirt creates and removes the files; this names them, watches their space, and removes what
 * libvirt could not.
 */
typedef struct _VbScratch VbScratch;

/** vb_scratch_new: @folder: (nullable): for those of block devices, which are left out without
 * it */
VbScratch *vb_scratch_new (VbDomainXml *domain, const char *operation, const char *folder);
/** vb_scratch_new_for_paths: @paths: (element-type utf8 filename): files that exist, by target */
VbScratch *vb_scratch_new_for_paths (GHashTable *paths);
void vb_scratch_free (VbScratch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbScratch, vb_scratch_free)

/** vb_scratch_get_paths: Returns: (transfer none) (element-type utf8 filename): file of each disk
 * that is backed up */
GHashTable *vb_scratch_get_paths (VbScratch *self);

/** vb_scratch_check: %VB_ERROR_INSUFFICIENT_SPACE when less than @reserve_bytes is free beside any
 * of them; any thread */
gboolean vb_scratch_check (VbScratch *self, guint64 reserve_bytes, GError **error);

/** vb_scratch_check_room: as vb_scratch_check(), if the files grow to as much as they ever can,
 * which @most_bytes is for all together */
gboolean
vb_scratch_check_room (VbScratch *self, guint64 most_bytes, guint64 reserve_bytes, GError **error);

/** vb_scratch_remove: removes files that are left; the job must be over. On return none comes back
 * after a loss of power */
void vb_scratch_remove (VbScratch *self);

G_END_DECLS
