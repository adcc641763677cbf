/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-journal.h"
#include "core/interfaces/vb-pool.h"

G_BEGIN_DECLS

/**
 * VbVerification:
 * @info: the backup
 * @transfer: what it counts bytes into, and is stopped by
 * @was_damaged: what was known before
 * @patient: read it twice before it is called damaged, not only when it cannot be read
 * @check: (out): what was found
 * @unreadable: (out) (nullable): why it could not be read to its end
 * @notification: (out) (nullable): stored with it, when the damage is new
 *
 * One backup that is read as a whole. Plain data that may be passed between threads.
 */
typedef struct
{
  VbBackupInfo *info;
  VbTransfer *transfer;
  gboolean was_damaged;
  gboolean patient;
  VbCheck check;
  GError *unreadable;
  VbNotification *notification;
} VbVerification;

/** vb_verification_new: @info: copied */
VbVerification *
vb_verification_new (const VbBackupInfo *info, VbTransfer *transfer, gboolean was_damaged);
void vb_verification_free (VbVerification *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbVerification, vb_verification_free)

/**
 * vb_verification_run:
 *
 * Blocks (worker thread): reads all of the backup and stores what was found in the journal. What
 * cannot be read is as damaged as what has changed.
 *
 * Returns: %FALSE with @error of #VB_ERROR when it says nothing about the backup: the pool is away,
 * it was stopped, the journal cannot be written
 */
gboolean
vb_verification_run (VbVerification *self, VbPool *pool, VbJournal *journal, GError **error);

G_END_DECLS
