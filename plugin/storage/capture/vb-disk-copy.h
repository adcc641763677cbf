/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-disk-origin.h"
#include "vb-copier.h"

G_BEGIN_DECLS

/**
 * VbDiskCopy:
 *
 * One disk on its way from an NBD server into a backup folder. One thread.
 */
typedef struct _VbDiskCopy VbDiskCopy;

/**
 * vb_disk_copy_new:
 * @target: name of the disk
 * @socket: unix socket of the server
 * @export_name: (nullable): name of the export
 * @changed_context: (nullable): full name of the meta context of what has changed since the base
 */
VbDiskCopy *vb_disk_copy_new (const char *target,
                              const char *socket,
                              const char *export_name,
                              const char *changed_context);
void vb_disk_copy_free (VbDiskCopy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDiskCopy, vb_disk_copy_free)

/** vb_disk_copy_set_origin: @origin: (nullable): what tells the disk from others; @base_target:
 * (nullable): the name that it has in the base backup, if not the same */
void vb_disk_copy_set_origin (VbDiskCopy *self, VbDiskOrigin *origin, const char *base_target);

/** vb_disk_copy_get_origin: Returns: (transfer none) (nullable) */
VbDiskOrigin *vb_disk_copy_get_origin (VbDiskCopy *self);

/** vb_disk_copy_connect: connects, if it is not connected yet */
gboolean vb_disk_copy_connect (VbDiskCopy *self, GCancellable *stop, GError **error);

/**
 * vb_disk_copy_create:
 * @folder: descriptor of the new backup's folder
 *
 * Creates the image as one hole.
 */
gboolean vb_disk_copy_create (VbDiskCopy *self, int folder, GError **error);

/**
 * vb_disk_copy_clone:
 * @base: descriptor of the folder of the base backup
 *
 * Makes the created image share all of the base's, after a spot check of it, so that only changes
 * are copied.
 *
 * Returns: %FALSE with the reason in @error: everything will be copied
 */
gboolean vb_disk_copy_clone (VbDiskCopy *self, int base, GError **error);

/**
 * vb_disk_copy_resume:
 * @folder: descriptor of the partial folder that an interrupted copy of the same point in time has
 * left
 * @base: descriptor of the folder of the base backup, or -1
 *
 * In the place of vb_disk_copy_create() and vb_disk_copy_clone(): takes up what is whole of an
 * earlier copy.
 *
 * Returns: %FALSE with the reason in @error: nothing is left of it, and the image has to be created
 */
gboolean vb_disk_copy_resume (VbDiskCopy *self, int folder, int base, GError **error);

/** vb_disk_copy_begin_marks: begins to note in @folder how far the copy has got, for
 * vb_disk_copy_resume() */
gboolean vb_disk_copy_begin_marks (VbDiskCopy *self, int folder, GError **error);

/** vb_disk_copy_end_marks: removes those notes; the copy is whole */
gboolean vb_disk_copy_end_marks (VbDiskCopy *self, int folder, GError **error);

/** vb_disk_copy_is_incremental: whether only changes are copied */
gboolean vb_disk_copy_is_incremental (VbDiskCopy *self);

/** vb_disk_copy_scan: asks for the map of the disk, or of what has changed on it if only that is
 * copied. Samples of what is said to be unchanged are compared with the base first: if one differs,
 * everything is copied */
gboolean vb_disk_copy_scan (VbDiskCopy *self, int folder, GCancellable *stop, GError **error);

/** vb_disk_copy_get_todo: Returns: bytes to be read; known once scanned */
guint64 vb_disk_copy_get_todo (VbDiskCopy *self);

/** vb_disk_copy_get_done: Returns: bytes that an earlier copy has read; known once scanned */
guint64 vb_disk_copy_get_done (VbDiskCopy *self);

/**
 * vb_disk_copy_run:
 * @folder: descriptor of the new backup's folder
 * @step: see vb_copier_copy()
 *
 * Copies, syncs, and writes the checksums. When the base turns out to be damaged, restarts with
 * everything.
 */
gboolean vb_disk_copy_run (VbDiskCopy *self,
                           int folder,
                           VbCopyStep step,
                           gpointer step_data,
                           VbTransfer *transfer,
                           GCancellable *stop,
                           GError **error);

/** vb_disk_copy_get_target: Returns: (transfer none): name of the disk */
const char *vb_disk_copy_get_target (VbDiskCopy *self);

/** vb_disk_copy_get_virtual_size: Returns: bytes that the guest sees; known once connected */
guint64 vb_disk_copy_get_virtual_size (VbDiskCopy *self);

/** vb_disk_copy_get_size: Returns: bytes of data that the image holds; known once run */
guint64 vb_disk_copy_get_size (VbDiskCopy *self);

G_END_DECLS
