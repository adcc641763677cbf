/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-manager-private.h"

G_BEGIN_DECLS

/* What create and restore have in common until they are operations. Main context only. */
typedef struct
{
  VbOperationRecord *record;
  VbGateFunc rules;         /* the rules, on the main context; they end in vb_admission_admit() or
                               vb_admission_fail() */
  VbBackupInfo *info;       /* create only */
  char **bases;             /* create only */
  gboolean may_share;       /* create only: an earlier backup's extents can be shared */
  gboolean claimed;         /* from all other hosts */
  GPtrArray *fresh;         /* another host had changed the backups: what they are now */
  VbOperationRecord *known; /* what the request key stands for already */
} VbAdmission;

/** vb_admission_task: Returns: (transfer full): a task whose task data is a #VbAdmission */
GTask *vb_admission_task (VbManager *self,
                          gpointer tag,
                          VbOperationKind kind,
                          const char *subject,
                          const char *vps,
                          VbGateFunc rules,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
VbAdmission *vb_admission_of (GTask *task);

/** vb_admission_fail: ends the request and lets the next one in. @error: (transfer full) */
void vb_admission_fail (VbManager *self, GTask *task, GError *error);

/** vb_admission_check_ready: whether anything can begin on @vps, as far as is known without asking
 */
gboolean vb_admission_check_ready (VbManager *self, VbVps *vps, GError **error);

/** vb_admission_admit: by the rules it may begin: the rest of the checks, the journal, and then it
 * is an operation */
void vb_admission_admit (VbManager *self, GTask *task);

G_END_DECLS
