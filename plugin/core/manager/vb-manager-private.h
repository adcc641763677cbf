/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the vb-manager*.c files only: one class, one file for each of its duties. */

#include "core/interfaces/vb-access-journal.h"
#include "core/base/vb-error.h"
#include "core/operations/vb-operation-worker.h"
#include "vb-backup-checks.h"
#include "vb-manager.h"
#include "vb-undo-keeper.h"
#include "core/base/vb-worker.h"
#include "vb-vps-locks.h"

G_BEGIN_DECLS

/** VbClock: Returns: (transfer full): what time it is */
typedef GDateTime *(*VbClock) (void);

struct _VbManager
{
  GObject parent_instance;

  VbHypervisor *hypervisor;
  VbPool *pool;
  VbJournal *journal;
  VbClaims *claims; /* (nullable): the pool's, if other hosts share it */
  VbSettings settings;

  /* Threads for blocking calls, apart for each backend so that one that hangs holds up no other. */
  VbWorker *hypervisor_worker;
  VbWorker *pool_worker;
  VbWorker *health_worker; /* whether the pool is there, and what is in it */
  VbWorker *bulk_worker;   /* what reads a lot: it must not keep others from a thread */
  VbWorker *journal_worker;

  GHashTable *vps;      /* UUID → VbVps */
  GHashTable *gone;     /* set of UUIDs that vanished while an operation ran on them */
  GHashTable *last_seq; /* UUID → guint64 of VPSs that are gone: should one come back, its events go
                           on counting */
  GHashTable *stored; /* VPS UUID → GPtrArray of VbBackupInfo: the pool's backups of VPSs that are
                         not here */
  VbVpsLocks *locks;
  VbVpsLocks *verifying;  /* one verification of a VPS at a time */
  GHashTable *refreshing; /* set of VPS UUIDs whose backups are about to be listed again */
  GHashTable *jobs;       /* operation id → VbOperationWorker */
  GHashTable *ended;      /* id of an operation that has ended lately → UUID of its VPS */
  GQueue queue;           /* VbOperationWorker, not yet started (borrowed from jobs) */
  guint running;          /* jobs with a thread */
  guint standing_still;   /* of these: what they wait for hangs, and others have their places */

  GPtrArray *unfinished; /* VbPowerLockLeft: to be asked the pool about */
  GPtrArray *unended;    /* VbOperationRecord: left by a crash, waiting for the hypervisor */
  GHashTable *firsts;    /* id of a restore in unended → VbOperationRecord: the create that comes
                            first in it */
  GHashTable *checkpoint_gone; /* VPS UUID → GPtrArray of backup ids whose checkpoints go when the
                                  operation ends */

  GHashTable *schedules;     /* VPS UUID → array of VbScheduleState */
  GHashTable *schedules_due; /* set of UUIDs whose schedule is to be looked at */
  VbWorker *schedule_worker; /* one thread: what is noted last stays */
  guint schedule_saves;      /* under way */
  guint schedule_timer;
  guint schedule_idle;
  VbClock clock;

  VbUndoKeeper *undos;

  VbRevocations *revocations;
  GPtrArray *audit_waiting; /* to be written, see vb-manager-access.c */
  GPtrArray *audit_written; /* (nullable): what is being written */

  VbBackupChecks *checks;
  VbWorker *scrub_worker; /* one thread: nobody waits for what it does */
  VbTransfer *scrub;      /* (nullable): of the backup that is being verified in the background */
  char *scrubbed_vps;
  guint scrub_timer;
  guint64 n_checked[2]; /* found whole, damaged */

  VbPoolStatus pool_status;
  gboolean pool_available;
  gboolean pool_asked_once;
  gboolean sweep_due;     /* a half of a backup may be in the pool */
  gboolean list_outdated; /* a backup came or went since the pool was asked for its list */
  GHashTable *releasing;  /* set of UUIDs whose marks are to be released, and wait for their turn */
  GHashTable *release_again; /* set of UUIDs whose marks could not be released */
  guint release_timer;
  gboolean swept;             /* checkpoints, since the pool was listed last */
  gint64 pool_check_since_us; /* 0: none under way */

  guint progress_timer;
  guint pool_timer;
  guint journal_timer;
  gint64 journal_asked_us; /* 0: nothing is asked */
  gboolean journal_hung;
  GPtrArray *journal_calls; /* what vb_manager_call_journal() has not answered yet */
  guint remember_timer;
  guint measure_timer;
  GHashTable *to_measure; /* VPS UUID → gint64: when, µs */
  guint start_timer;
  GTask *start_task;
  guint stop_timer;
  GTask *stop_task;
  gboolean stopping;
};

/* vb-manager.c */
void vb_manager_emit_changed (VbManager *self, VbVps *vps);
void vb_manager_emit_progress (VbManager *self, VbVps *vps, VbOperation *operation);
void vb_manager_emit_notification (VbManager *self, const VbNotification *notification);
void vb_manager_refresh_availability (VbManager *self);
void vb_manager_drop_vps (VbManager *self, const char *uuid);
VbVps *vb_manager_require_vps (VbManager *self, const char *uuid, GError **error);
VbBackup *vb_manager_require_backup (VbVps *vps, const char *id, GError **error);

/** vb_manager_require_readable: Returns: (transfer none) (nullable): a backup that is complete, in
 * a pool that is there */
VbBackup *
vb_manager_require_readable (VbManager *self, const char *uuid, const char *id, GError **error);

/* vb-manager-operations.c: jobs, queue, progress */
void vb_manager_attach_job (VbManager *self, VbVps *vps, VbOperationWorker *job);
VbOperationWorker *
vb_manager_new_job (VbManager *self, VbOperationRecord *record, VbBackupInfo *info);
void vb_manager_enqueue (VbManager *self, VbOperationWorker *job);
void vb_manager_start_job (VbManager *self, VbOperationWorker *job);
/** vb_manager_update_backup: @record: what the operation is now: makes its backup show that */
void vb_manager_update_backup (VbOperationWorker *job, VbVps *vps, const VbOperationRecord *record);

/* vb-manager-first.c: the backup of the present state that a restore makes first */
/** vb_manager_take_firsts: takes the creates that are part of a restore out of what is unended */
void vb_manager_take_firsts (VbManager *self);
/** vb_manager_make_first_info: Returns: (transfer full): of the backup that @whole makes first */
VbBackupInfo *vb_manager_make_first_info (VbVps *vps, const VbOperationRecord *whole);
/** vb_manager_hand_first: gives a restore its create, and shows the backup in its slot; does
 * nothing without one. @vps: (nullable) */
void vb_manager_hand_first (VbManager *self, VbVps *vps, VbOperationWorker *job);
/** vb_manager_end_first: the restore has ended: a backup that is not complete is none */
void vb_manager_end_first (VbVps *vps, VbOperationWorker *job);

/* vb-manager-admission.c */
gboolean vb_manager_check_name (const char *name, GError **error);
GPtrArray *vb_manager_list_bases (VbManager *self, VbVps *vps, gboolean *read_all);

/** vb_manager_create_scheduled_async: @schedule: its id; @request_key: one for each run; as
 * vb_manager_create_async() for the schedule */
void vb_manager_create_scheduled_async (VbManager *self,
                                        const char *vps,
                                        const char *schedule,
                                        const char *request_key,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);

/* vb-manager-schedules.c: what is kept of the schedules, and when they are looked at;
 * VB_SCHEDULE_SUBJECT is who asks for their backups */
#define VB_SCHEDULE_SUBJECT "schedule"
void vb_manager_init_schedules (VbManager *self);
/** vb_manager_watch_schedules: @records: (element-type VbScheduleRecord): what the journal knows */
void vb_manager_watch_schedules (VbManager *self, GPtrArray *records);
void vb_manager_unwatch_schedules (VbManager *self);
/** vb_manager_check_schedules: Returns: whether something has changed that is to be announced */
gboolean vb_manager_check_schedules (VbManager *self, VbVps *vps);
/** vb_manager_touch_schedules: has them looked at soon */
void vb_manager_touch_schedules (VbManager *self, VbVps *vps);
/** vb_manager_forget_schedules: the VPS is gone; should it come back they start again */
void vb_manager_forget_schedules (VbManager *self, const char *vps);

/* vb-manager-journal-watch.c: does the journal answer */
void vb_manager_init_journal (VbManager *self);
void vb_manager_watch_journal (VbManager *self);
void vb_manager_unwatch_journal (VbManager *self);
/** vb_manager_set_journal_hung: whoever waits for it is told, and so are newcomers */
void vb_manager_set_journal_hung (VbManager *self, gboolean hung);
/**
 * vb_manager_call_journal:
 * @func: returns a boolean, or a pointer when there is a @free_result
 * @free_result: (nullable): for a pointer that comes too late
 * @keep: whether @func is called even if nobody waits for its answer any more
 *
 * Runs @func in the journal's thread for @task, which is answered with
 * %VB_ERROR_JOURNAL_UNAVAILABLE as soon as the journal is known not to answer.
 */
void vb_manager_call_journal (VbManager *self,
                              GTask *task,
                              GTaskThreadFunc func,
                              GDestroyNotify free_result,
                              gboolean keep);

/* vb-manager-access.c, for it: nobody waits for the audit log any more, it is written later */
void vb_manager_answer_audits (VbManager *self);

/* vb-manager-pool.c: is the pool there, and what is in it */
void vb_manager_watch_pool (VbManager *self);
void vb_manager_unwatch_pool (VbManager *self);
void vb_manager_attach_stored (VbManager *self, VbVps *vps);
void vb_manager_store_backup (VbManager *self, const VbBackupInfo *info);
void vb_manager_merge_backups (VbManager *self, GPtrArray *infos);
void vb_manager_remember_backups (VbManager *self);
/** vb_manager_measure_unique_sizes: a backup of the VPS has come or gone: the others hold more or
 * less that is theirs alone */
void vb_manager_measure_unique_sizes (VbManager *self, const char *uuid);
gboolean vb_manager_attach_backup (VbManager *self, VbVps *vps, const VbBackupInfo *info);
gboolean vb_manager_drop_vanished (VbVps *vps, GHashTable *present);

/* vb-manager-shared-pool.c: other hosts that share the pool */
void vb_manager_give_back (VbManager *self, const char *vps);
void vb_manager_merge_vps (VbManager *self, const char *uuid, GPtrArray *infos);
void vb_manager_refresh_vps (VbManager *self, const char *uuid);
char **vb_manager_list_idle (VbManager *self);
void vb_manager_note_elsewhere (VbManager *self);

/* vb-manager-access.c: who may come in no more, and who asked what */
void vb_manager_init_access (VbManager *self);
void vb_manager_keep_revoked (VbManager *self, GPtrArray *revocations);

/* vb-manager-scrub.c: verifying the pool in the background */
void vb_manager_init_checks (VbManager *self);
/* @checks: backup id → VbCheck, from the journal; called before the operations that a crash has
 * left go on */
void vb_manager_watch_checks (VbManager *self, GHashTable *checks);
/* Journalled already: from now on it is known and shown. */
void
vb_manager_note_check (VbManager *self, const char *uuid, const char *backup, const VbCheck *check);
void vb_manager_pause_checks (VbManager *self);
void vb_manager_stop_checks (VbManager *self);
/* What the timer does: begins with the backup that is due, or pauses or goes on with the one that
 * is being verified. */
void vb_manager_look_at_checks (VbManager *self);

/* vb-manager-sweep.c: the pool in a worker thread, right before it is listed; the checkpoints once
 * it was */
void vb_manager_sweep_pool (VbManager *self);
void vb_manager_sweep_checkpoints (VbManager *self);

/* vb-manager-release.c: what is in the way of the VPSs' own snapshots */
void vb_manager_init_release (VbManager *self);
void vb_manager_clear_release (VbManager *self);
/** vb_manager_release_marks: if there are any, and once no request is at work on the VPS; does
 * nothing while an operation runs, whose end asks again */
void vb_manager_release_marks (VbManager *self, VbVps *vps);
void vb_manager_release_all_marks (VbManager *self);

/* vb-manager-unfinished.c: locks that say “swap” and that the journal knows nothing of */
void vb_manager_sweep_locks (VbManager *self);
/** vb_manager_look_for_unfinished: the pool is there: does it know what was under way? */
void vb_manager_look_for_unfinished (VbManager *self);

/* vb-manager-undo.c: what a restore has replaced and can be put back */
void vb_manager_init_undos (VbManager *self);
/** vb_manager_load_undos: from the journal, before the operations that a crash has left go on:
 * @unended: (element-type VbOperationRecord) */
void vb_manager_load_undos (VbManager *self, GPtrArray *undos, GPtrArray *unended);
/** vb_manager_hand_undo: gives an undo what it has to put back, until it has ended */
void vb_manager_hand_undo (VbManager *self, VbOperationWorker *job);
/** vb_manager_note_undo: @job has ended */
void
vb_manager_note_undo (VbManager *self, VbOperationWorker *job, const VbOperationRecord *record);

/* vb-manager-recovery.c */
void vb_manager_attach_unended (VbManager *self, VbVps *vps);
void vb_manager_recover (VbManager *self);
void vb_manager_check_started (VbManager *self);
void vb_manager_check_stopped (VbManager *self);

G_END_DECLS
