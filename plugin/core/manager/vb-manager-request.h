/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manager-private.h"

G_BEGIN_DECLS

/** VbRequestFunc: @task: its task data is a #VbRequest, or a #VbAdmission */
typedef void (*VbRequestFunc) (VbManager *self, GTask *task);

/* What requests that are no operations have in common: checked under the lock of their VPS, done
 * in a worker, answered on the main context. Main context only, but for @func. */
typedef struct
{
  VbVpsLock *lock;      /* (nullable): from when its turn has come */
  VbRequestFunc inside; /* the checks, when its turn has come */
  gboolean answered;    /* that the pool is away; what is under way goes on */
  char *vps;
  char *backup; /* (nullable) */
  char *name;   /* (nullable): of a backup, or id of a schedule */
  guint total;
  VbSchedule *schedule; /* (nullable) */
  gboolean must_fit;    /* into the slots */
  VbUndo *undo;         /* (nullable) */
  VbPowerAction action;
  gboolean force;
  gboolean is_protected;
  gboolean claimed;     /* from all other hosts */
  GTaskThreadFunc func; /* the blocking part; the request is its task data */
  VbWorker *worker;     /* whose thread runs it */
  GError *failure;      /* (nullable): of func */
  VbRequestFunc done;   /* (nullable): after success, before the answer */
  gboolean goes_on;     /* set by done: with another func, before the answer */
} VbRequest;

/** vb_request_new: Returns: (transfer full): a task whose task data is a #VbRequest */
GTask *vb_request_new (VbManager *self,
                       gpointer tag,
                       const char *vps,
                       const char *backup,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
VbRequest *vb_request_of (GTask *task);

/** vb_request_enter: @task: (transfer full): takes the lock of the VPS, then calls @inside */
void vb_request_enter (VbManager *self, GTask *task, VbVpsLockNeeds needs, VbRequestFunc inside);

/** vb_request_work: runs func in worker, then done, then leaves; the VPS stays locked meanwhile,
 * but what waits for the pool lets others go on beside it */
void vb_request_work (VbManager *self, GTask *task);

/** vb_request_leave: answers, with @error (transfer full) (nullable), and lets the next one in.
 * Ends the life of @task */
void vb_request_leave (VbManager *self, GTask *task, GError *error);

/** vb_request_take: for func: %VB_ERROR_OPERATION_RUNNING when another host works on the VPS */
gboolean vb_request_take (VbManager *self, VbRequest *request, GError **error);

/** vb_request_give_back: for func, at its end: of what was taken, if anything was */
void vb_request_give_back (VbManager *self, VbRequest *request);

gboolean vb_request_require_pool (VbManager *self, GError **error);
gboolean vb_request_require_hypervisor (VbManager *self, GError **error);

/** vb_request_require_backup: Returns: (transfer none) (nullable): the backup of the request;
 * %VB_ERROR_NOT_FOUND, %VB_ERROR_BACKUP_NOT_READY while it is being created */
VbBackup *vb_request_require_backup (VbManager *self, GTask *task, GError **error);

G_END_DECLS
