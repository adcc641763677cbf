/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-operation-worker-private.h"

G_BEGIN_DECLS

/*
 * The part of a restore in which the VPS is off: the staged disks take the place of the present
 * ones, and the VPS comes back. What is swapped can be put back until then. Block devices cannot:
 * once one of them is begun with, the VPS stays off and locked, and the operation goes on until
 * they are whole, over restarts of the service too. Job thread only. */

/* What the record's details say, so that recovery knows. */
#define VB_RESTORE_OVERWRITING "overwriting" /* what is on the devices only the pool knows */
#define VB_RESTORE_SWAPPED "swapped"         /* all disks are in place: recovery goes forward */
#define VB_RESTORE_BACK "back"         /* the VPS is back: the old disks are kept or removed */
#define VB_RESTORE_CLEARING "clearing" /* likewise: they are being removed */

#define VB_RESTORE_RETRY_US (2 * G_USEC_PER_SEC)
#define VB_RESTORE_MAX_RETRY_US (30 * G_USEC_PER_SEC)

gboolean vb_restore_has_details (VbOperationWorker *self, const char *details);
void vb_restore_set_details (VbOperationWorker *self, const char *details);

/** vb_restore_insist_on_details: journals them, again and again; Returns: %FALSE when the service
 * stops, and the operation is left to its next start */
gboolean vb_restore_insist_on_details (VbOperationWorker *self, const char *details);

/** vb_restore_is_on: whether the VPS runs or is paused, asked afresh */
gboolean vb_restore_is_on (VbOperationWorker *self);

gboolean vb_restore_power_off (VbOperationWorker *self, GError **error);

/** vb_restore_bring_back: brings the VPS to the power state that it had; the hook must let it
 * start, so the lock goes first */
gboolean vb_restore_bring_back (VbOperationWorker *self, GError **error);

/** vb_restore_begin_swap: the point of no return for those who want to cancel; the power is locked
 * for the swap */
gboolean vb_restore_begin_swap (VbOperationWorker *self, VbStaging *staging, GError **error);

/** vb_restore_swap: stops the VPS, swaps, and brings it back; puts the old disks back if that fails
 * and they can be */
gboolean vb_restore_swap (VbOperationWorker *self, VbStaging *staging, GError **error);

/** vb_restore_undo_swap: stops the VPS and puts the old disks back */
void vb_restore_undo_swap (VbOperationWorker *self, VbStaging *staging);

/** vb_restore_succeed: the end of a restore whose VPS is back */
void vb_restore_succeed (VbOperationWorker *self, VbStaging *staging);

/**
 * vb_restore_abandon:
 * @staging: (nullable): what was staged, not swapped or put back again
 *
 * The end of a restore that has failed. One with a half overwritten device neither ends nor is
 * unlocked: the next start of the service goes on with it.
 */
void vb_restore_abandon (VbOperationWorker *self, VbStaging *staging, const GError *error);

G_END_DECLS
