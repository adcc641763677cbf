/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-backup-info.h"
#include "core/model/vb-check.h"
#include "core/model/vb-notification.h"
#include "core/model/vb-operation-record.h"
#include "core/model/vb-undo.h"

G_BEGIN_DECLS

/** VB_JOURNAL_NEWEST: instead of an id: the last ones of a list, not the first */
#define VB_JOURNAL_NEWEST (-1)

/**
 * VbScheduleRecord:
 * @vps: UUID
 * @id: of the schedule
 * @timing: vb_schedule_get_timing() of the schedule that was last seen, "" for none
 * @day: vb_schedule_run_to_text() of the newest one that needs no run any more
 * @made: (nullable): the scheduled backup that may still have to replace older ones
 *
 * What must be remembered so that no run makes two backups. Plain data that may be passed
 * between threads.
 */
typedef struct
{
  char *vps;
  char *id;
  char *timing;
  char *day;
  char *made;
} VbScheduleRecord;

VbScheduleRecord *vb_schedule_record_new (const char *vps,
                                          const char *id,
                                          const char *timing,
                                          const char *day,
                                          const char *made);
void vb_schedule_record_free (VbScheduleRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbScheduleRecord, vb_schedule_record_free)

/**
 * VbJournal:
 *
 * What must survive a crash. All methods block until the data is on stable storage, are called from
 * worker threads, and are thread-safe.
 */
#define VB_TYPE_JOURNAL (vb_journal_get_type ())
G_DECLARE_INTERFACE (VbJournal, vb_journal, VB, JOURNAL, GObject)

/**
 * VbJournalInterface:
 * @save_operation: inserts or replaces @record and, in the same transaction, adds @notification
 * (nullable), whose id is filled in. A second notification of the same type for the same operation
 * is not stored again (its id becomes that of the first)
 * @load_unended: (transfer full) (element-type VbOperationRecord): operations that have not ended,
 * oldest first
 * @find_request: (transfer full) (nullable): the operation that @subject started on @vps with
 * @request_key; %NULL without error when there is none
 * @list_operations: (transfer full) (element-type VbOperationRecord): of one VPS, newest first, at
 * most @limit
 * @list_notifications: (transfer full) (element-type VbNotification): of the VPSs @vps (%NULL: all)
 * with an id > @after, oldest first, the first @limit of them (or the last, with
 * %VB_JOURNAL_NEWEST); read is as seen by @subject
 * @mark_read: @subject has read all up to @up_to
 * @save_backups: remembers the list of backups of the pool for times when it is away, replacing the
 * list before
 * @load_backups: (transfer full) (element-type VbBackupInfo): what save_backups() remembered
 * @save_schedule: inserts or replaces @record, and adds @notification (nullable) as
 * save_operation() does
 * @load_schedules: (transfer full) (element-type VbScheduleRecord): of all VPSs
 * @save_check: a backup was verified now, with so many bad chunks; @notification (nullable) is
 * added in the same transaction
 * @save_undo: inserts or replaces @undo
 * @remove_undo: forgets the kept disks of the restore @operation
 * @load_undos: (transfer full) (element-type VbUndo): oldest first
 * @load_checks: (transfer full) (element-type utf8 VbCheck): backup id → when it was verified last
 */
struct _VbJournalInterface
{
  GTypeInterface parent_iface;

  gboolean (*save_operation) (VbJournal *self,
                              const VbOperationRecord *record,
                              VbNotification *notification,
                              GError **error);
  GPtrArray *(*load_unended) (VbJournal *self, GError **error);
  VbOperationRecord *(*find_request) (VbJournal *self,
                                      const char *subject,
                                      const char *vps,
                                      const char *request_key,
                                      GError **error);
  GPtrArray *(*list_operations) (VbJournal *self, const char *vps, guint limit, GError **error);
  GPtrArray *(*list_notifications) (VbJournal *self,
                                    const char *const *vps,
                                    const char *subject,
                                    gint64 after,
                                    guint limit,
                                    GError **error);
  gboolean (*mark_read) (VbJournal *self, const char *subject, gint64 up_to, GError **error);
  gboolean (*save_backups) (VbJournal *self, GPtrArray *backups, GError **error);
  GPtrArray *(*load_backups) (VbJournal *self, GError **error);
  gboolean (*save_schedule) (VbJournal *self,
                             const VbScheduleRecord *record,
                             VbNotification *notification,
                             GError **error);
  GPtrArray *(*load_schedules) (VbJournal *self, GError **error);
  gboolean (*save_check) (VbJournal *self,
                          const char *backup,
                          const VbCheck *check,
                          VbNotification *notification,
                          GError **error);
  GHashTable *(*load_checks) (VbJournal *self, GError **error);
  gboolean (*save_undo) (VbJournal *self, const VbUndo *undo, GError **error);
  gboolean (*remove_undo) (VbJournal *self, const char *operation, GError **error);
  GPtrArray *(*load_undos) (VbJournal *self, GError **error);
};

gboolean vb_journal_save_operation (VbJournal *self,
                                    const VbOperationRecord *record,
                                    VbNotification *notification,
                                    GError **error);
GPtrArray *vb_journal_load_unended (VbJournal *self, GError **error);
VbOperationRecord *vb_journal_find_request (VbJournal *self,
                                            const char *subject,
                                            const char *vps,
                                            const char *request_key,
                                            GError **error);
GPtrArray *
vb_journal_list_operations (VbJournal *self, const char *vps, guint limit, GError **error);
GPtrArray *vb_journal_list_notifications (VbJournal *self,
                                          const char *const *vps,
                                          const char *subject,
                                          gint64 after,
                                          guint limit,
                                          GError **error);
gboolean vb_journal_mark_read (VbJournal *self, const char *subject, gint64 up_to, GError **error);
gboolean vb_journal_save_backups (VbJournal *self, GPtrArray *backups, GError **error);
GPtrArray *vb_journal_load_backups (VbJournal *self, GError **error);
gboolean vb_journal_save_schedule (VbJournal *self,
                                   const VbScheduleRecord *record,
                                   VbNotification *notification,
                                   GError **error);
GPtrArray *vb_journal_load_schedules (VbJournal *self, GError **error);
gboolean vb_journal_save_check (VbJournal *self,
                                const char *backup,
                                const VbCheck *check,
                                VbNotification *notification,
                                GError **error);
GHashTable *vb_journal_load_checks (VbJournal *self, GError **error);
gboolean vb_journal_save_undo (VbJournal *self, const VbUndo *undo, GError **error);
gboolean vb_journal_remove_undo (VbJournal *self, const char *operation, GError **error);
GPtrArray *vb_journal_load_undos (VbJournal *self, GError **error);

G_END_DECLS
