/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-journal.h"

#include "core/base/vb-fault.h"

G_DEFINE_INTERFACE (VbJournal, vb_journal, G_TYPE_OBJECT)

VbScheduleRecord *
vb_schedule_record_new (const char *vps,
                        const char *id,
                        const char *timing,
                        const char *day,
                        const char *made)
{
  VbScheduleRecord *self = g_new0 (VbScheduleRecord, 1);
  self->vps = g_strdup (vps);
  self->id = g_strdup (id);
  self->timing = g_strdup (timing);
  self->day = g_strdup (day);
  self->made = g_strdup (made);
  return self;
}

void
vb_schedule_record_free (VbScheduleRecord *self)
{
  g_free (self->vps);
  g_free (self->id);
  g_free (self->timing);
  g_free (self->day);
  g_free (self->made);
  g_free (self);
}

static void
vb_journal_default_init (VbJournalInterface *iface)
{
}

gboolean
vb_journal_save_operation (VbJournal *self,
                           const VbOperationRecord *record,
                           VbNotification *notification,
                           GError **error)
{
  return VB_FAULT_AROUND (
      VB_JOURNAL_GET_IFACE (self)->save_operation (self, record, notification, error), "%s.%s%s",
      vb_operation_kind_to_string (record->kind), vb_operation_state_to_string (record->state),
      record->swapping ? ".swapping" : "");
}

GPtrArray *
vb_journal_load_unended (VbJournal *self, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->load_unended (self, error);
}

VbOperationRecord *
vb_journal_find_request (VbJournal *self,
                         const char *subject,
                         const char *vps,
                         const char *request_key,
                         GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->find_request (self, subject, vps, request_key, error);
}

GPtrArray *
vb_journal_list_operations (VbJournal *self, const char *vps, guint limit, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->list_operations (self, vps, limit, error);
}

GPtrArray *
vb_journal_list_notifications (VbJournal *self,
                               const char *const *vps,
                               const char *subject,
                               gint64 after,
                               guint limit,
                               GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->list_notifications (self, vps, subject, after, limit, error);
}

gboolean
vb_journal_mark_read (VbJournal *self, const char *subject, gint64 up_to, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->mark_read (self, subject, up_to, error);
}

gboolean
vb_journal_save_backups (VbJournal *self, GPtrArray *backups, GError **error)
{
  return VB_FAULT_AROUND (VB_JOURNAL_GET_IFACE (self)->save_backups (self, backups, error),
                          "journal.backups");
}

GPtrArray *
vb_journal_load_backups (VbJournal *self, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->load_backups (self, error);
}

gboolean
vb_journal_save_schedule (VbJournal *self,
                          const VbScheduleRecord *record,
                          VbNotification *notification,
                          GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->save_schedule (self, record, notification, error);
}

GPtrArray *
vb_journal_load_schedules (VbJournal *self, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->load_schedules (self, error);
}

gboolean
vb_journal_save_check (VbJournal *self,
                       const char *backup,
                       const VbCheck *check,
                       VbNotification *notification,
                       GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->save_check (self, backup, check, notification, error);
}

GHashTable *
vb_journal_load_checks (VbJournal *self, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->load_checks (self, error);
}

gboolean
vb_journal_save_undo (VbJournal *self, const VbUndo *undo, GError **error)
{
  return VB_FAULT_AROUND (VB_JOURNAL_GET_IFACE (self)->save_undo (self, undo, error),
                          "journal.undo-kept");
}

gboolean
vb_journal_remove_undo (VbJournal *self, const char *operation, GError **error)
{
  return VB_FAULT_AROUND (VB_JOURNAL_GET_IFACE (self)->remove_undo (self, operation, error),
                          "journal.undo-gone");
}

GPtrArray *
vb_journal_load_undos (VbJournal *self, GError **error)
{
  return VB_JOURNAL_GET_IFACE (self)->load_undos (self, error);
}
