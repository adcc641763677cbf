/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/base/vb-sparse-file.h"

G_BEGIN_DECLS

/**
 * VbQcow2Tables:
 *
 * The L2 tables of a qcow2 image that is being written. They fill from the beginning of the disk to
 * its end, so a few are kept in memory and written once they are left behind: each small write into
 * a file would have to wait for the large ones that are under way in it, and they for it.
 *
 * Thread-safe.
 */
typedef struct _VbQcow2Tables VbQcow2Tables;

/** vb_qcow2_tables_new: @file: (transfer none): the image; must outlive the tables */
VbQcow2Tables *vb_qcow2_tables_new (VbSparseFile *file, gsize table_bytes);

/** vb_qcow2_tables_free: what has not been flushed is lost */
void vb_qcow2_tables_free (VbQcow2Tables *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbQcow2Tables, vb_qcow2_tables_free)

/**
 * vb_qcow2_tables_set:
 * @offset: where the table is in the file, which reads as zeros there until it is written
 * @at: the place within the table, in bytes
 * @entries: as they are in the file
 * @length: of @entries, in bytes
 */
gboolean vb_qcow2_tables_set (VbQcow2Tables *self,
                              guint64 offset,
                              gsize at,
                              const void *entries,
                              gsize length,
                              GError **error);

/** vb_qcow2_tables_flush: writes all; does not sync */
gboolean vb_qcow2_tables_flush (VbQcow2Tables *self, GError **error);

G_END_DECLS
