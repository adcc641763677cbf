/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** VB_BULK_WAITING_MAX: turns of one subject that may wait */
#define VB_BULK_WAITING_MAX 64

/**
 * VbBulkQueue:
 *
 * Work that reads much, such as verifying a backup. However much of it one subject asks for, they
 * have one turn at a time, so has each VPS, and the host has a few; subjects take turns with one
 * another. Main context only.
 */
typedef struct _VbBulkQueue VbBulkQueue;

/** VbBulkFunc: it is the turn of @data; vb_bulk_queue_done() ends it */
typedef void (*VbBulkFunc) (gpointer data);

/** vb_bulk_queue_new: @host_max: turns at a time; @each_vps: whether those of a VPS wait for one
 * another, too; @func: begins one */
VbBulkQueue *vb_bulk_queue_new (guint host_max, gboolean each_vps, VbBulkFunc func);
VbBulkQueue *vb_bulk_queue_ref (VbBulkQueue *self);
void vb_bulk_queue_unref (VbBulkQueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbBulkQueue, vb_bulk_queue_unref)

/**
 * vb_bulk_queue_push:
 * @name: who asks
 * @vps: (nullable): UUID of what it is about
 * @data: not owned; has its turn at once, or when others are done
 *
 * Returns: %FALSE when too much of @name waits already
 */
gboolean vb_bulk_queue_push (VbBulkQueue *self, const char *name, const char *vps, gpointer data);

/** vb_bulk_queue_done: @data has had its turn, or need not have it any more; nothing happens with
 * one that is not in the queue */
void vb_bulk_queue_done (VbBulkQueue *self, gpointer data);

G_END_DECLS
