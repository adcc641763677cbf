/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the scripts of this folder work with. The record is read in the job's thread, which alone
 * changes the fields that scripts look at, and is changed by the functions of vb-operation-worker.h
 * only, since others copy it at any time. */

#include "vb-operation-worker.h"

G_BEGIN_DECLS

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

  GMutex mutex;                    /* protects the next five; never held while anything blocks */
  GCond cond;                      /* wakes pauses */
  const VbOperationRecord *record; /* written by vb-operation-worker-record.c alone */
  gboolean stopping;
  VbOperationWorker *part; /* (nullable): the create that is under way as a phase of this one */

  /* The thread's own, and the main context's once the job has ended. */
  VbBackupInfo *info;       /* of the backup that is made */
  GPtrArray *bases;         /* (element-type VbBackupInfo) (nullable): of a create */
  gboolean read_all;        /* none of them is to be the base */
  VbOperationRecord *first; /* (nullable): of a restore: the create that comes first */
  VbOperationWorker *whole; /* (nullable): what this create is a phase of */
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

/** vb_operation_worker_lock_record: Returns: (transfer none): the record, nobody else's until
 * vb_operation_worker_unlock_record(). Any thread; nothing may block meanwhile */
VbOperationRecord *vb_operation_worker_lock_record (VbOperationWorker *self);
void vb_operation_worker_unlock_record (VbOperationWorker *self);

G_END_DECLS
