/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-vps.h"

G_BEGIN_DECLS

/**
 * VbBackupChecks:
 *
 * What is known of the health of the backups: when each was read as a whole, and whether it was
 * what had been written. Main context only.
 */
typedef struct _VbBackupChecks VbBackupChecks;

VbBackupChecks *vb_backup_checks_new (void);
void vb_backup_checks_free (VbBackupChecks *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbBackupChecks, vb_backup_checks_free)

/** vb_backup_checks_load: @checks: (element-type utf8 VbCheck): backup id → #VbCheck, as the
 * journal has them */
void vb_backup_checks_load (VbBackupChecks *self, GHashTable *checks);

/** vb_backup_checks_get: Returns: (transfer none) (nullable): of that backup */
const VbCheck *vb_backup_checks_get (VbBackupChecks *self, const char *backup);

/** vb_backup_checks_is_damaged: Returns: whether the backup was found damaged last */
gboolean vb_backup_checks_is_damaged (VbBackupChecks *self, const char *backup);

/** vb_backup_checks_set: @check: copied: what was found now */
void vb_backup_checks_set (VbBackupChecks *self, const char *backup, const VbCheck *check);

/** vb_backup_checks_postpone: a check could say nothing: for the background it counts as done at
 * @as_of_us; the journal does not know of it */
void vb_backup_checks_postpone (VbBackupChecks *self, const char *backup, gint64 as_of_us);

/** vb_backup_checks_get_age_base_us: Returns: since when the next check of the backup is waited
 * for, in µs since 1970: its last one, its last attempt, or when it was made */
gint64 vb_backup_checks_get_age_base_us (VbBackupChecks *self, const VbBackupInfo *info);

/** vb_backup_checks_keep_only: @present: set of backup ids: all others are forgotten */
void vb_backup_checks_keep_only (VbBackupChecks *self, GHashTable *present);
void vb_backup_checks_forget (VbBackupChecks *self, const char *backup);
guint vb_backup_checks_get_n (VbBackupChecks *self);

/** vb_backup_checks_show: lets the backups of the VPS show what is known. Returns: whether one
 * shows something new */
gboolean vb_backup_checks_show (VbBackupChecks *self, VbVps *vps);

G_END_DECLS
