/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-audit-entry.h"
#include "core/interfaces/vb-hypervisor.h"
#include "core/interfaces/vb-journal.h"
#include "core/interfaces/vb-outbox.h"
#include "core/interfaces/vb-pool.h"
#include "core/base/vb-settings.h"
#include "core/model/vb-vps.h"

G_BEGIN_DECLS

/**
 * VbManager:
 *
 * All VPSs of the host: admission, queue, recovery. The only class that the bridge talks to. Main
 * context only; every _async call answers on it. It does not know permissions: who may call what is
 * the bridge's.
 *
 * Signals (all on the main context, after the journal has what they say):
 *  - "vps-changed" (#VbVps, seq uint64): anything but progress has changed
 *  - "vps-removed" (uuid string, seq uint64): the VPS exists no more
 *  - "operation-progress" (#VbVps, #VbOperation, seq uint64): at most 4 a second, at least every
 *    2 s
 *  - "notification-added" (#VbNotification boxed)
 *
 * Errors of the calls are of #VB_ERROR; their messages may hold details for administrators, what a
 * customer may read is vb_error_public_message() of the code. %VB_ERROR_NOT_FOUND: no such VPS,
 * backup or operation.
 */
#define VB_TYPE_MANAGER (vb_manager_get_type ())
G_DECLARE_FINAL_TYPE (VbManager, vb_manager, VB, MANAGER, GObject)

/** vb_manager_new: @settings: copied; its strings must outlive the manager */
VbManager *vb_manager_new (VbHypervisor *hypervisor,
                           VbPool *pool,
                           VbJournal *journal,
                           const VbSettings *settings);

/**
 * vb_manager_start_async:
 *
 * Loads the journal and the pool, finishes or cleans up what a crash has left, and starts the
 * hypervisor's connection. Answers when requests can be served, even if the pool or the hypervisor
 * is not there yet.
 */
void vb_manager_start_async (VbManager *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean vb_manager_start_finish (VbManager *self, GAsyncResult *result, GError **error);

/**
 * vb_manager_stop_async:
 *
 * Stops admitting, leaves creates as they are and cancels restores that can be cancelled safely,
 * and waits for the workers up to a few seconds. What has not ended by then goes on at the next
 * start, or is recovered from.
 */
void vb_manager_stop_async (VbManager *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean vb_manager_stop_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_list_vps: Returns: (transfer container) (element-type VbVps): sorted by name */
GPtrArray *vb_manager_list_vps (VbManager *self);
/** vb_manager_get_vps: Returns: (transfer none) (nullable): the VPS of that UUID */
VbVps *vb_manager_get_vps (VbManager *self, const char *vps);
/** vb_manager_get_n_checked: Returns: how many backups were verified in the background and found
 * @damaged, or whole */
guint64 vb_manager_get_n_checked (VbManager *self, gboolean damaged);
VbJournal *vb_manager_get_journal (VbManager *self);
/** vb_manager_get_outbox: Returns: (transfer none) (nullable): the journal's, if it has one */
VbOutbox *vb_manager_get_outbox (VbManager *self);
VbHypervisor *vb_manager_get_hypervisor (VbManager *self);

/** vb_manager_is_hypervisor_available: whether it can be told which VPSs there are */
gboolean vb_manager_is_hypervisor_available (VbManager *self);

/** vb_manager_get_stall_timeout_s: Returns: after how long without progress an operation is
 * stalled, in s */
guint vb_manager_get_stall_timeout_s (VbManager *self);

/** vb_manager_keeps_replaced: Returns: whether what a restore replaces is kept for a while, where
 * that is possible, so that it can be undone */
gboolean vb_manager_keeps_replaced (VbManager *self);

/** vb_manager_get_pool_status: @status: (out): last known; Returns: whether the pool is
 * available */
gboolean vb_manager_get_pool_status (VbManager *self, VbPoolStatus *status);

/** vb_manager_is_journal_available: Returns: %FALSE while the disk of the state folder hangs: no
 * operation is admitted then (%VB_ERROR_JOURNAL_UNAVAILABLE) */
gboolean vb_manager_is_journal_available (VbManager *self);

/**
 * vb_manager_create_async:
 * @subject: who asks, for the journal
 * @name: (nullable): name of the backup, at most 64 characters; %NULL: one is made from the date
 * @request_key: (nullable): a repeated key returns the first operation again
 *
 * Admits a create. Answers as soon as it is journalled, with the operation queued or running.
 * Errors: %VB_ERROR_OPERATION_RUNNING, %VB_ERROR_SLOTS_FULL, %VB_ERROR_HYPERVISOR_UNAVAILABLE,
 * %VB_ERROR_POOL_UNAVAILABLE, %VB_ERROR_UNSUPPORTED_DISK, %VB_ERROR_INSUFFICIENT_SPACE,
 * %VB_ERROR_INVALID_ARGUMENT (name).
 */
void vb_manager_create_async (VbManager *self,
                              const char *subject,
                              const char *vps,
                              const char *name,
                              const char *request_key,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * vb_manager_create_finish:
 * @backup: (out) (optional) (nullable) (transfer full): the backup; %NULL for a repeated key whose
 * backup is gone
 *
 * Returns: (transfer full): the operation as it is now; for a repeated key possibly an ended one
 */
VbOperationRecord *
vb_manager_create_finish (VbManager *self, GAsyncResult *result, VbBackup **backup, GError **error);

/**
 * VbRestoreRequest:
 * @backup: id of the backup
 * @from: (nullable): UUID of the VPS that it belongs to, when that is another one
 * @stop_first: stop the VPS before the copy instead of for the swap only
 * @backup_first: make a backup of the present state before anything else
 * @replace_disks: overwrite disks in the place of those of the backup, though it does not hold them
 */
typedef struct
{
  const char *backup;
  const char *from;
  gboolean stop_first;
  gboolean backup_first;
  gboolean replace_disks;
} VbRestoreRequest;

/**
 * vb_manager_restore_async:
 *
 * Admits a restore. Errors: as for create, without slots unless a backup is made first, and
 * %VB_ERROR_BACKUP_NOT_READY, %VB_ERROR_DISK_MISSING.
 */
void vb_manager_restore_async (VbManager *self,
                               const char *subject,
                               const char *vps,
                               const VbRestoreRequest *request,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
VbOperationRecord *
vb_manager_restore_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_undo_async: admits an undo of the last restore. Errors: as for restore;
 * %VB_ERROR_NOT_FOUND when nothing is kept, %VB_ERROR_UNSUPPORTED_DISK when the disks are not those
 * of the restore any more */
void vb_manager_undo_async (VbManager *self,
                            const char *subject,
                            const char *vps,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
VbOperationRecord *vb_manager_undo_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_undo_discard_async: deletes what is kept for an undo. Errors: %VB_ERROR_NOT_FOUND,
 * %VB_ERROR_OPERATION_RUNNING */
void vb_manager_undo_discard_async (VbManager *self,
                                    const char *vps,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean vb_manager_undo_discard_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_check_restore_async: asks whether a restore could begin now, and what would be lost
 * with it; nothing begins. Errors: as for restore */
void vb_manager_check_restore_async (VbManager *self,
                                     const char *subject,
                                     const char *vps,
                                     const VbRestoreRequest *request,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean vb_manager_check_restore_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_get_restore_warnings: of the result of either, after its finish has succeeded.
 * Returns: (transfer none) (nullable) (element-type utf8): translated sentences that name what is
 * lost with the present disks */
GPtrArray *vb_manager_get_restore_warnings (GAsyncResult *result);

/** vb_manager_delete_async: answers once the slot is free. Errors: %VB_ERROR_BACKUP_NOT_READY,
 * %VB_ERROR_OPERATION_RUNNING, %VB_ERROR_FORBIDDEN while it is protected */
void vb_manager_delete_async (VbManager *self,
                              const char *vps,
                              const char *backup,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean vb_manager_delete_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_rename_async: @name: 1–64 characters. */
void vb_manager_rename_async (VbManager *self,
                              const char *vps,
                              const char *backup,
                              const char *name,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/** vb_manager_rename_finish: Returns: (transfer full): the renamed backup */
VbBackup *vb_manager_rename_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_protect_async: @is_protected: whether it is not to be deleted until that is taken
 * back. Errors: %VB_ERROR_BACKUP_NOT_READY */
void vb_manager_protect_async (VbManager *self,
                               const char *vps,
                               const char *backup,
                               gboolean is_protected,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/** vb_manager_protect_finish: Returns: (transfer full): the backup as it is now */
VbBackup *vb_manager_protect_finish (VbManager *self, GAsyncResult *result, GError **error);
/**
 * vb_manager_open_disk_async:
 * @target: name of one of the disks of @backup
 *
 * Opens a disk of a backup to be handed out. It waits for nobody: it only reads.
 */
void vb_manager_open_disk_async (VbManager *self,
                                 const char *vps,
                                 const char *backup,
                                 const char *target,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
/** vb_manager_open_disk_finish: Returns: (transfer full) (nullable): %VB_ERROR_NOT_FOUND,
 * %VB_ERROR_BACKUP_NOT_READY, %VB_ERROR_POOL_UNAVAILABLE, %VB_ERROR_CHECKSUM_MISMATCH */
VbDiskFile *vb_manager_open_disk_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_verify_async: reads all of the backup. */
void vb_manager_verify_async (VbManager *self,
                              const char *vps,
                              const char *backup,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean vb_manager_verify_finish (VbManager *self,
                                   GAsyncResult *result,
                                   guint64 *bad_chunks,
                                   GError **error);

/** vb_manager_cancel: asks the operation to stop. Errors: %VB_ERROR_NOT_FOUND,
 * %VB_ERROR_TOO_LATE */
gboolean
vb_manager_cancel (VbManager *self, const char *uuid, const char *operation, GError **error);

/** vb_manager_list_operations_async: newest first, the current one with its live progress */
void vb_manager_list_operations_async (VbManager *self,
                                       const char *vps,
                                       guint limit,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/** vb_manager_list_operations_finish: Returns: (transfer full) (element-type VbOperationRecord) */
GPtrArray *
vb_manager_list_operations_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_set_slots_async: Errors: %VB_ERROR_INVALID_ARGUMENT, %VB_ERROR_SLOTS_IN_USE */
void vb_manager_set_slots_async (VbManager *self,
                                 const char *vps,
                                 guint total,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
/** vb_manager_set_slots_finish: Returns: (transfer none): the slots as they are now */
VbSlots *vb_manager_set_slots_finish (VbManager *self, GAsyncResult *result, GError **error);

/**
 * vb_manager_set_schedule_async:
 * @id: of a schedule of the VPS, or a new one
 * @schedule: (nullable): with that id: when backups of the VPS are made from now on without anybody
 * asking; %NULL: not by this one any more
 * @must_fit: whether it is refused when it is not there to be removed, or when what all schedules
 * keep does not fit into the slots; older clients do not know of that
 *
 * A run that today's time has gone by for is not made up for. A scheduled backup fills a slot like
 * any other. With all slots in use it takes the place of the oldest one that a schedule, this one
 * first, has made and that is not protected, once it is available itself.
 *
 * Errors: %VB_ERROR_INVALID_ARGUMENT with a sentence that says how many slots are needed, or for
 * more than %VB_SCHEDULES_MAX; %VB_ERROR_NOT_FOUND
 */
void vb_manager_set_schedule_async (VbManager *self,
                                    const char *vps,
                                    const char *id,
                                    VbSchedule *schedule,
                                    gboolean must_fit,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/** vb_manager_set_schedule_finish: Returns: (transfer none): the VPS, with the schedule and its
 * next run */
VbVps *vb_manager_set_schedule_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_power_async: Errors: %VB_ERROR_OPERATION_RUNNING; what the present power forbids is
 * %VB_ERROR_INVALID_ARGUMENT */
void vb_manager_power_async (VbManager *self,
                             const char *vps,
                             VbPowerAction action,
                             gboolean force,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean vb_manager_power_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_list_notifications_async: @vps: (nullable): UUIDs, %NULL for all; @after: an id, or
 * %VB_JOURNAL_NEWEST */
void vb_manager_list_notifications_async (VbManager *self,
                                          const char *const *vps,
                                          const char *subject,
                                          gint64 after,
                                          guint limit,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
/** vb_manager_list_notifications_finish: Returns: (transfer full) (element-type VbNotification) */
GPtrArray *
vb_manager_list_notifications_finish (VbManager *self, GAsyncResult *result, GError **error);

void vb_manager_mark_read_async (VbManager *self,
                                 const char *subject,
                                 gint64 up_to,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean vb_manager_mark_read_finish (VbManager *self, GAsyncResult *result, GError **error);

/**
 * vb_manager_revoke_async:
 * @subject: (nullable): user whose tokens, issued until now, are taken back; or
 * @token_id: (nullable): the one token that is
 * @issued_until_s: s since 1970, for tokens that were issued ahead of our clock; 0 for now
 *
 * In force at once; answers when the journal has it, so that it stays in force.
 */
void vb_manager_revoke_async (VbManager *self,
                              const char *subject,
                              const char *token_id,
                              gint64 issued_until_s,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean vb_manager_revoke_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_is_revoked: whether a token was taken back, see vb_revocations_match() */
gboolean vb_manager_is_revoked (VbManager *self,
                                const char *subject,
                                const char *token_id,
                                gint64 issued_at_s);

/** vb_manager_audit_async: @entry: copied; answers when it is in the journal; also logs it */
void vb_manager_audit_async (VbManager *self,
                             const VbAuditEntry *entry,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean vb_manager_audit_finish (VbManager *self, GAsyncResult *result, GError **error);

/** vb_manager_list_audit_async: @vps: (nullable): UUID, %NULL for all; @done_only: only what was
 * done, to a VPS; @before: (0 for none): only entries with a smaller id; newest first */
void vb_manager_list_audit_async (VbManager *self,
                                  const char *vps,
                                  gboolean done_only,
                                  gint64 before,
                                  guint limit,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/** vb_manager_list_audit_finish: Returns: (transfer full) (element-type VbAuditEntry) */
GPtrArray *vb_manager_list_audit_finish (VbManager *self, GAsyncResult *result, GError **error);

G_END_DECLS
