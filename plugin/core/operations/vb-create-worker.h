/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by vb-create-worker.c and vb-create-recovery.c only. */

#include "vb-create-notes.h"
#include "vb-operation-worker-private.h"

G_BEGIN_DECLS

/**
 * vb_create_worker_copy:
 * @resumed: (transfer full) (nullable): a point in time that is held since before a restart, to go
 * on with
 * @error: (out): why not
 *
 * Takes a point in time and copies it; restarts, once, when the VPS is powered off under it.
 *
 * Returns: (transfer full) (nullable): the point in time, whose copy in the pool is whole but not
 * yet durable
 */
VbCapture *vb_create_worker_copy (VbOperationWorker *self, VbCapture *resumed, GError **error);

/** vb_create_worker_end: the rest: @capture: (nullable): what was copied, else @error says why
 * not */
void vb_create_worker_end (VbOperationWorker *self, VbCapture *capture, const GError *error);

/** vb_create_worker_restart: records that it restarts; Returns: %FALSE when it has done so
 * before */
gboolean vb_create_worker_restart (VbOperationWorker *self, GError **error);

/** vb_create_worker_abort_orphan: lets go of whatever point in time the hypervisor may hold for the
 * operation */
gboolean vb_create_worker_abort_orphan (VbOperationWorker *self, GError **error);

/** vb_create_worker_is_off: @off: (out): whether the VPS is off now; Returns: %FALSE when nobody
 * can tell */
gboolean vb_create_worker_is_off (VbOperationWorker *self, gboolean *off);

/**
 * vb_create_worker_leave:
 *
 * Lets go of a point in time without a copy. When the service stops, that of a running VPS stays as
 * it is for the next start.
 */
void vb_create_worker_leave (VbOperationWorker *self, VbCapture *capture);

/** vb_create_worker_make_request: what the hypervisor is asked for; its strings belong to @self */
VbCaptureRequest vb_create_worker_make_request (VbOperationWorker *self);

/** vb_create_worker_discard: removes what is in the pool */
void vb_create_worker_discard (VbOperationWorker *self);

G_END_DECLS
