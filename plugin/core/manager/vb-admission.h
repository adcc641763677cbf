/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manager-request.h"

G_BEGIN_DECLS

/* What create and restore have in common until they are operations. Main context only. */
typedef struct
{
  VbVpsLock *lock; /* (nullable): from when its turn has come */
  VbOperationRecord *record;
  VbRequestFunc rules;      /* the rules, on the main context; they end in vb_admission_admit() or
                               vb_admission_fail() */
  VbBackupInfo *info;       /* of the backup that is made */
  GPtrArray *bases;         /* of it: (element-type VbBackupInfo) */
  gboolean read_all;        /* of it: none of them is to be the base */
  gboolean looked_again;    /* what is known may have been old: only once */
  VbUndo *undo;             /* undo only: what is to be put back */
  gboolean may_share;       /* of it: an earlier backup's extents can be shared */
  gboolean claimed;         /* from all other hosts */
  GPtrArray *fresh;         /* another host had changed the backups: what they are now */
  GPtrArray *warnings;      /* restore only: what is lost with the present disks */
  GPtrArray *kept;          /* restore only: (element-type VbUndo): what may go for the new disks */
  VbUndo *to_drop;          /* restore only: (nullable): what has to go, for want of space */
  gboolean dry;             /* restore only: asked whether it could begin, and no more */
  VbOperationRecord *known; /* what the request key stands for already */
  VbRequestFunc next;       /* what follows the wait that is under way */
  GError *failure;          /* (nullable): of that wait */
  gboolean saved;           /* the record is in the journal */
  gboolean answered;        /* that the host is in trouble; what is under way is undone */
} VbAdmission;

/** vb_admission_task: Returns: (transfer full): a task whose task data is a #VbAdmission */
GTask *vb_admission_task (VbManager *self,
                          gpointer tag,
                          VbOperationKind kind,
                          const char *subject,
                          const char *vps,
                          VbRequestFunc rules,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
VbAdmission *vb_admission_of (GTask *task);

/** vb_admission_enter: @task: (transfer full): takes the lock of the VPS, then calls @inside */
void vb_admission_enter (VbManager *self, GTask *task, VbRequestFunc inside);

/** vb_admission_work: runs @func, whose task data is the admission, then calls @next with what
 * failed in it. Meanwhile what needs no pool goes on beside it */
void vb_admission_work (VbManager *self,
                        GTask *task,
                        VbWorker *worker,
                        GTaskThreadFunc func,
                        VbRequestFunc next);

/** vb_admission_leave: answers, with @error (transfer full) (nullable), and lets the next one in.
 * Ends the life of @task */
void vb_admission_leave (VbManager *self, GTask *task, GError *error);

/** vb_admission_fail: gives back what was claimed, and leaves. @error: (transfer full)
 * (nullable) */
void vb_admission_fail (VbManager *self, GTask *task, GError *error);

/** vb_admission_check_ready: whether anything can begin on @vps, as far as is known without
 * asking */
gboolean vb_admission_check_ready (VbManager *self, VbVps *vps, GError **error);

/** vb_admission_admit: by the rules it may begin: the rest of the checks, the journal, and then it
 * is an operation */
void vb_admission_admit (VbManager *self, GTask *task);

/** vb_admission_make_room: space is short: deletes what admission->to_drop says, which nobody can
 * put back any more, and goes back to the rules; leaves with @error (transfer full) otherwise */
void vb_admission_make_room (VbManager *self, GTask *task, GError *error);

G_END_DECLS
