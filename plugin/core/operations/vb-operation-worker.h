/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-hypervisor.h"
#include "core/interfaces/vb-journal.h"
#include "core/model/vb-operation-record.h"
#include "core/interfaces/vb-pool.h"
#include "vb-power-lock.h"
#include "core/base/vb-settings.h"
#include "core/model/vb-transfer.h"

G_BEGIN_DECLS

typedef struct _VbOperationWorker VbOperationWorker;

/**
 * VbOperationWorkerApply:
 * @job: the job
 * @record: (transfer none): what the journal holds now
 * @notification: (nullable) (transfer none): what was stored with it
 * @user_data: data given to vb_operation_worker_new()
 *
 * Called on the main context, in the order of the changes: the place where the state that everybody
 * sees follows the journal.
 */
typedef void (*VbOperationWorkerApply) (VbOperationWorker *job,
                                        const VbOperationRecord *record,
                                        const VbNotification *notification,
                                        gpointer user_data);

/**
 * VbOperationWorker:
 *
 * The worker side of an operation: a thread that runs a script of blocking calls against the
 * backends, and that proposes states. It owns no state that others see: each change goes to the
 * journal first and is then applied on the main context through #VbOperationWorkerApply.
 */
/** vb_operation_worker_new: @record: (transfer full): as journalled at admission; @info: (nullable)
 * (transfer full): of a create */
VbOperationWorker *vb_operation_worker_new (VbHypervisor *hypervisor,
                                            VbPool *pool,
                                            VbJournal *journal,
                                            const VbSettings *settings,
                                            VbTransfer *transfer,
                                            VbOperationRecord *record,
                                            VbBackupInfo *info,
                                            VbOperationWorkerApply apply,
                                            gpointer user_data);
VbOperationWorker *vb_operation_worker_ref (VbOperationWorker *self);
void vb_operation_worker_unref (VbOperationWorker *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbOperationWorker, vb_operation_worker_unref)

/** vb_operation_worker_start: runs the script for the record's kind, or its recovery, in a thread
 * of its own */
void vb_operation_worker_start (VbOperationWorker *self);

/** vb_operation_worker_interrupt: the service stops: ends pauses, and suspends the operation if
 * that can be. Any thread */
void vb_operation_worker_interrupt (VbOperationWorker *self);

/** vb_operation_worker_is_suspended: whether the service stops, and nobody has cancelled the
 * operation before. Any thread */
gboolean vb_operation_worker_is_suspended (VbOperationWorker *self);

/** vb_operation_worker_set_still: how long nothing has moved, to be journalled with the next
 * progress. Any thread, never blocks on the journal */
void vb_operation_worker_set_still (VbOperationWorker *self, gint64 still_us);

/* What it is given before it is started, and what is left of it: main context only. */

/** vb_operation_worker_set_bases: @bases: (transfer full) (nullable) (element-type VbBackupInfo):
 * of a create; @read_all: none of them is to be the base */
void vb_operation_worker_set_bases (VbOperationWorker *self, GPtrArray *bases, gboolean read_all);
/** vb_operation_worker_set_claimed: whether the VPS is ours already */
void vb_operation_worker_set_claimed (VbOperationWorker *self, gboolean claimed);
/** vb_operation_worker_set_recovering: the service has died or was stopped under it; @stalled: what
 * the journal says */
void
vb_operation_worker_set_recovering (VbOperationWorker *self, gboolean recovering, gboolean stalled);
gboolean vb_operation_worker_is_recovering (VbOperationWorker *self);

/** vb_operation_worker_set_undo: @undo: (transfer full) (nullable): what an undo puts back */
void vb_operation_worker_set_undo (VbOperationWorker *self, VbUndo *undo);
/** vb_operation_worker_get_undo: Returns: (nullable): after its end: what a restore leaves */
const VbUndo *vb_operation_worker_get_undo (VbOperationWorker *self);

/** vb_operation_worker_set_first: @first: (transfer full): of a restore: the create that comes
 * first; @apply: as of vb_operation_worker_new(), for that one */
void vb_operation_worker_set_first (VbOperationWorker *self,
                                    VbOperationRecord *first,
                                    VbOperationWorkerApply apply);
/** vb_operation_worker_get_first: Returns: (nullable) */
const VbOperationRecord *vb_operation_worker_get_first (VbOperationWorker *self);

/** vb_operation_worker_get_info: of the backup that it makes; after its end */
const VbBackupInfo *vb_operation_worker_get_info (VbOperationWorker *self);

/** vb_operation_worker_is_detached: whether its last change says that it goes on after a restart
 * of the service */
gboolean vb_operation_worker_is_detached (VbOperationWorker *self);

/** vb_operation_worker_note_stalled: Returns: whether that is news, to be journalled with
 * vb_operation_worker_save_stalled() */
gboolean vb_operation_worker_note_stalled (VbOperationWorker *self, gboolean stalled);

/** vb_operation_worker_note_report: Returns: whether progress is to be announced now: it has
 * @changed, or nothing was said for @silence_us */
gboolean vb_operation_worker_note_report (VbOperationWorker *self,
                                          gboolean changed,
                                          gint64 now_us,
                                          gint64 silence_us);

/** vb_operation_worker_drop_owner: the data given to vb_operation_worker_new() is %NULL from now
 * on */
void vb_operation_worker_drop_owner (VbOperationWorker *self);

/* Any thread. */

const char *vb_operation_worker_get_vps (VbOperationWorker *self);
VbTransfer *vb_operation_worker_get_transfer (VbOperationWorker *self);
/** vb_operation_worker_dup_record: Returns: (transfer full): as it is now */
VbOperationRecord *vb_operation_worker_dup_record (VbOperationWorker *self);

/* For the scripts; job thread only. */

/* Each changes one field of the record for the next time that it is journalled. */

/** vb_operation_worker_set_details: @details: (transfer full) (nullable) */
void vb_operation_worker_set_details (VbOperationWorker *self, char *details);
void vb_operation_worker_set_was_power (VbOperationWorker *self, VbPower power);
void vb_operation_worker_set_swapping (VbOperationWorker *self, gboolean swapping);
/** vb_operation_worker_forget_first_backup: it is complete */
void vb_operation_worker_forget_first_backup (VbOperationWorker *self);

/** vb_operation_worker_move: journals the state and posts it to the main context */
gboolean vb_operation_worker_move (VbOperationWorker *self, VbOperationState to, GError **error);

/** vb_operation_worker_save: journals a changed field of the record, without a change of state */
gboolean vb_operation_worker_save (VbOperationWorker *self, GError **error);

/** vb_operation_worker_complete: the last step of a success: journal with notification, lock
 * released, posted */
void vb_operation_worker_complete (VbOperationWorker *self);

/** vb_operation_worker_fail: the last step of a failure or cancel, told apart by @error */
void vb_operation_worker_fail (VbOperationWorker *self, const GError *error);

/** vb_operation_worker_detach: the last step of one that goes on after a restart of the service:
 * journalled as it stands */
void vb_operation_worker_detach (VbOperationWorker *self);

/** vb_operation_worker_leave: the last step of one that cannot end now, nor be journalled: as after
 * a crash, the next start of the service finds it; its lock file stays */
void vb_operation_worker_leave (VbOperationWorker *self);

/** vb_operation_worker_note_progress: while it copies: journals now and then how far it is */
void vb_operation_worker_note_progress (VbOperationWorker *self);

/** vb_operation_worker_lock: takes or changes the power lock; does nothing without a state
 * folder */
gboolean vb_operation_worker_lock (VbOperationWorker *self, const char *word, GError **error);
void vb_operation_worker_unlock (VbOperationWorker *self);

/** vb_operation_worker_run_part: @part: a create that is a phase of @self: runs it, or its
 * recovery, to its end in this thread. It uses the claim and the transfer of @self */
void vb_operation_worker_run_part (VbOperationWorker *self, VbOperationWorker *part);

/** vb_operation_worker_try_claim: takes the VPS from all other hosts, unless that was done before;
 * %VB_ERROR_OPERATION_RUNNING */
gboolean vb_operation_worker_try_claim (VbOperationWorker *self, GError **error);

/** vb_operation_worker_claim: as vb_operation_worker_try_claim(), but waits while another host
 * works on it */
gboolean vb_operation_worker_claim (VbOperationWorker *self, GError **error);

/** vb_operation_worker_pause: waits up to @us; Returns: %FALSE when the service stops */
gboolean vb_operation_worker_pause (VbOperationWorker *self, gint64 us);

/** VbOperationWorkerCall: one hypervisor call of a script */
typedef gboolean (*VbOperationWorkerCall) (VbOperationWorker *self, gpointer data, GError **error);

/**
 * vb_operation_worker_retry_while_unavailable:
 *
 * Makes a call that must succeed for the VPS to be whole: while the hypervisor is unavailable it is
 * tried again with growing pauses.
 */
gboolean vb_operation_worker_retry_while_unavailable (VbOperationWorker *self,
                                                      VbOperationWorkerCall call,
                                                      gpointer data,
                                                      GError **error);

/** vb_operation_worker_get_power: @power: (out): what the VPS is now, asked afresh and insisted on.
 * Unchanged on failure */
gboolean vb_operation_worker_get_power (VbOperationWorker *self, VbPower *power, GError **error);

/** vb_operation_worker_log_failed: one warning with the fields of the operation. @error:
 * (nullable) */
void
vb_operation_worker_log_failed (VbOperationWorker *self, const char *doing, const GError *error);

/** vb_operation_worker_save_stalled: blocks (worker thread): journals that the operation stalled,
 * with a notification, or that it moves again */
void vb_operation_worker_save_stalled (VbOperationWorker *self, gboolean stalled);

/* The scripts. */
void vb_create_worker_run (VbOperationWorker *self);
void vb_create_worker_recover (VbOperationWorker *self);
void vb_restore_worker_run (VbOperationWorker *self);
void vb_restore_worker_recover (VbOperationWorker *self);
/** vb_restore_note_alive: of one whose first backup is being made: now is when it was seen last */
void vb_restore_note_alive (VbOperationWorker *self);
void vb_undo_worker_run (VbOperationWorker *self);
void vb_undo_worker_recover (VbOperationWorker *self);

G_END_DECLS
