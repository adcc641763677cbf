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
struct _VbOperationWorker
{
  gatomicrefcount ref_count;

  VbHypervisor *hypervisor;
  VbPool *pool;
  VbJournal *journal;
  VbSettings settings;
  VbTransfer *transfer;

  /* Keeps saves and their announcement in order; held while the journal's disk works, so the main
   * context never takes it. Taken before mutex. */
  GMutex save_mutex;

  GMutex mutex; /* protects the next five; never held while anything blocks */
  GCond cond;   /* wakes pauses */
  VbOperationRecord *record;
  gboolean stopping;
  VbOperationWorker *part; /* (nullable): the create that is under way as a phase of this one */

  /* The thread's own, and the main context's once the job has ended. */
  VbBackupInfo *info;       /* of the backup that is made */
  GPtrArray *bases;         /* (element-type VbBackupInfo) (nullable): of a create */
  gboolean read_all;        /* none of them is to be the base */
  VbOperationRecord *first; /* (nullable): of a restore: the create that comes first */
  VbOperationWorker *whole; /* (nullable) (not owned): what this create is a phase of */
  VbUndo *undo; /* (nullable): the kept disks: what an undo puts back, what a restore leaves */
  VbPowerLock *lock;
  gboolean recovering;
  gboolean claimed;    /* the VPS is ours, among the hosts that share the pool */
  gboolean point_lost; /* it cannot go on after a restart of the service */
  gint64 noted_us;     /* when progress was last journalled */

  char *vps; /* constant */

  /* Main context only. */
  VbOperationWorkerApply apply;
  VbOperationWorkerApply apply_part; /* for the create that comes first */
  gpointer user_data;
  gint64 reported_us; /* when progress was last announced */
  guint start_timer;  /* until there is a thread for it */
  gboolean stalled;   /* what was last asked to be journalled */
  gboolean detached;  /* it goes on after a restart of the service */
};

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

/* For the scripts; job thread only. */

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

/** vb_operation_worker_lock: takes or changes the power lock; does nothing without a state folder
 */
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

/** vb_operation_worker_log_failed: one warning with the fields of the operation. @error: (nullable)
 */
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
