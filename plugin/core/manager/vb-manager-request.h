/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manager-private.h"

G_BEGIN_DECLS

/* What requests that are no operations have in common: checked inside the gate of their VPS, done
 * in a worker, answered on the main context. Main context only, but for @func. */
typedef struct
{
  char *vps;
  char *backup; /* (nullable) */
  char *name;   /* (nullable) */
  guint total;
  VbSchedule *schedule; /* (nullable) */
  VbPowerAction action;
  gboolean force;
  gboolean is_protected;
  gboolean claimed;                            /* from all other hosts */
  GTaskThreadFunc func;                        /* the blocking part; the request is its task data */
  VbWorker *worker;                            /* whose thread runs it */
  void (*done) (VbManager *self, GTask *task); /* (nullable): after success, before the answer */
} VbRequest;

/** vb_request_new: Returns: (transfer full): a task whose task data is a #VbRequest */
GTask *vb_request_new (VbManager *self,
                       gpointer tag,
                       const char *vps,
                       const char *backup,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
VbRequest *vb_request_of (GTask *task);

/** vb_request_work: runs func in worker, then done, then leaves; the gate stays closed meanwhile */
void vb_request_work (VbManager *self, GTask *task);

/** vb_request_leave: answers, with @error (transfer full) (nullable), and opens the gate. Ends the
 * life of @task */
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
