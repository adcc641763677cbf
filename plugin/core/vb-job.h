/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-hypervisor.h"
#include "vb-journal.h"
#include "vb-operation-record.h"
#include "vb-pool.h"
#include "vb-power-lock.h"
#include "vb-settings.h"
#include "vb-transfer.h"

G_BEGIN_DECLS

typedef struct _VbJob VbJob;

/**
 * VbJobApply:
 * @job: the job
 * @record: (transfer none): what the journal holds now
 * @notification: (nullable) (transfer none): what was stored with it
 * @user_data: data given to vb_job_new()
 *
 * Called on the main context, in the order of the changes: the place where the state that everybody sees follows
 * the journal.
 */
typedef void (*VbJobApply) (VbJob *job,
                            const VbOperationRecord *record,
                            const VbNotification *notification,
                            gpointer user_data);

/**
 * VbJob:
 *
 * The worker side of an operation: a thread that runs a script of blocking calls against the backends, and
 * that proposes states. It owns no state that others see: each change goes to the journal first and is then applied
 * on the main context through #VbJobApply.
 */
struct _VbJob
{
  gatomicrefcount ref_count;

  VbHypervisor *hypervisor;
  VbPool *pool;
  VbJournal *journal;
  VbSettings settings;
  VbTransfer *transfer;

  GMutex mutex; /* protects record, and keeps the order of its saves */
  GCond cond;   /* wakes pauses */
  VbOperationRecord *record;
  gboolean stopping;

  /* The thread's own, and the main context's once the job has ended. */
  VbBackupInfo *info;
  char **bases;
  VbPowerLock *lock;
  gboolean recovering;
  gboolean claimed;      /* the VPS is ours, among the hosts that share the pool */
  gboolean point_lost;   /* it cannot go on after a restart of the service */
  gint64 noted_us;       /* when progress was last journalled */

  char *vps; /* constant */

  /* Main context only. */
  VbJobApply apply;
  gpointer user_data;
  gint64 reported_us; /* when progress was last announced */
  gboolean stalled;   /* what was last asked to be journalled */
  gboolean detached;  /* it goes on after a restart of the service */
};

/** vb_job_new: @record: (transfer full): as journalled at admission; @info: (nullable) (transfer full): of a create */
VbJob *vb_job_new (VbHypervisor *hypervisor,
                   VbPool *pool,
                   VbJournal *journal,
                   const VbSettings *settings,
                   VbTransfer *transfer,
                   VbOperationRecord *record,
                   VbBackupInfo *info,
                   VbJobApply apply,
                   gpointer user_data);
VbJob *vb_job_ref (VbJob *self);
void vb_job_unref (VbJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbJob, vb_job_unref)

/** vb_job_start: runs the script for the record's kind, or its recovery, in a thread of its own */
void vb_job_start (VbJob *self);

/** vb_job_interrupt: the service stops: ends pauses, and suspends the operation if that can be. Any thread */
void vb_job_interrupt (VbJob *self);

/** vb_job_is_suspended: whether the service stops, and nobody has cancelled the operation before. Any thread */
gboolean vb_job_is_suspended (VbJob *self);

/** vb_job_set_still: how long nothing has moved, to be journalled with the next progress. Any thread */
void vb_job_set_still (VbJob *self, gint64 still_us);

/* For the scripts; job thread only. */

/** vb_job_move: journals the state and posts it to the main context */
gboolean vb_job_move (VbJob *self, VbOperationState to, GError **error);

/** vb_job_save: journals a changed field of the record, without a change of state */
gboolean vb_job_save (VbJob *self, GError **error);

/** vb_job_complete: the last step of a success: journal with notification, lock released, posted */
void vb_job_complete (VbJob *self);

/** vb_job_fail: the last step of a failure or cancel, told apart by @error */
void vb_job_fail (VbJob *self, const GError *error);

/** vb_job_detach: the last step of one that goes on after a restart of the service: journalled as it stands */
void vb_job_detach (VbJob *self);

/** vb_job_note_progress: while it copies: journals now and then how far it is */
void vb_job_note_progress (VbJob *self);

/** vb_job_lock: takes or changes the power lock; does nothing without a state folder */
gboolean vb_job_lock (VbJob *self, const char *word, GError **error);
void vb_job_unlock (VbJob *self);

/** vb_job_try_claim: takes the VPS from all other hosts, unless that was done before; %VB_ERROR_OPERATION_RUNNING */
gboolean vb_job_try_claim (VbJob *self, GError **error);

/** vb_job_claim: as vb_job_try_claim(), but waits while another host works on it */
gboolean vb_job_claim (VbJob *self, GError **error);

/** vb_job_pause: waits up to @us; Returns: %FALSE when the service stops */
gboolean vb_job_pause (VbJob *self, gint64 us);

/** VbJobCall: one hypervisor call of a script */
typedef gboolean (*VbJobCall) (VbJob *self, gpointer data, GError **error);

/**
 * vb_job_insist:
 *
 * Makes a call that must succeed for the VPS to be whole: while the hypervisor is unavailable it is tried
 * again with growing pauses.
 */
gboolean vb_job_insist (VbJob *self, VbJobCall call, gpointer data, GError **error);

/** vb_job_get_power: @power: (out): what the VPS is now, asked afresh and insisted on. Unchanged on failure */
gboolean vb_job_get_power (VbJob *self, VbPower *power, GError **error);

/** vb_job_log_failed: one warning with the fields of the operation. @error: (nullable) */
void vb_job_log_failed (VbJob *self, const char *doing, const GError *error);

/** vb_job_save_stalled: blocks (worker thread): journals that the operation stalled, with a notification, or that it moves again */
void vb_job_save_stalled (VbJob *self, gboolean stalled);

/* The scripts. */
void vb_create_job_run (VbJob *self);
void vb_create_job_recover (VbJob *self);
void vb_restore_job_run (VbJob *self);
void vb_restore_job_recover (VbJob *self);

G_END_DECLS
