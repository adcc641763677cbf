/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doubles.h"
#include "fake-access.h"
#include "fake-script.h"

struct _VbFakeJournal
{
  GObject parent_instance;

  GMutex mutex;             /* protects all that follows */
  GPtrArray *operations;    /* VbOperationRecord, oldest first */
  GPtrArray *notifications; /* VbNotification, oldest first */
  GPtrArray *backups;       /* VbBackupInfo */
  GHashTable *read;         /* subject → id up to which all is read */
  GHashTable *schedules;    /* VPS UUID and id → VbScheduleRecord */
  GHashTable *checks;       /* backup id → VbCheck */
  GHashTable *undos;        /* operation id → VbUndo */
};

static void vb_fake_journal_iface_init (VbJournalInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbFakeJournal,
                               vb_fake_journal,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_JOURNAL, vb_fake_journal_iface_init)
                                   G_IMPLEMENT_INTERFACE (VB_TYPE_ACCESS_JOURNAL,
                                                          vb_fake_access_iface_init))

static void
record_free (gpointer record)
{
  vb_operation_record_free (record);
}

static void
notification_free (gpointer notification)
{
  vb_notification_free (notification);
}

static void
info_free (gpointer info)
{
  vb_backup_info_free (info);
}

static void
schedule_free (gpointer record)
{
  vb_schedule_record_free (record);
}

static VbScheduleRecord *
copy_schedule (const VbScheduleRecord *record)
{
  return vb_schedule_record_new (record->vps, record->id, record->timing, record->day,
                                 record->made);
}

static void
vb_fake_journal_finalize (GObject *object)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (object);

  g_ptr_array_unref (self->operations);
  g_ptr_array_unref (self->notifications);
  g_ptr_array_unref (self->backups);
  g_hash_table_unref (self->read);
  g_hash_table_unref (self->schedules);
  g_hash_table_unref (self->checks);
  g_hash_table_unref (self->undos);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (vb_fake_journal_parent_class)->finalize (object);
}

static void
vb_fake_journal_class_init (VbFakeJournalClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_fake_journal_finalize;
}

static void
vb_fake_journal_init (VbFakeJournal *self)
{
  vb_fake_script_init (self);
  g_mutex_init (&self->mutex);
  self->operations = g_ptr_array_new_with_free_func (record_free);
  self->notifications = g_ptr_array_new_with_free_func (notification_free);
  self->backups = g_ptr_array_new_with_free_func (info_free);
  self->read = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->schedules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, schedule_free);
  self->checks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->undos
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) vb_undo_free);
}

VbFakeJournal *
vb_fake_journal_new (void)
{
  return g_object_new (VB_TYPE_FAKE_JOURNAL, NULL);
}

static void
store_operation (VbFakeJournal *self, const VbOperationRecord *record)
{
  for (guint i = 0; i < self->operations->len; i++)
    {
      const VbOperationRecord *known = g_ptr_array_index (self->operations, i);

      if (g_strcmp0 (known->id, record->id) != 0)
        continue;
      record_free (g_ptr_array_index (self->operations, i));
      g_ptr_array_index (self->operations, i) = vb_operation_record_copy (record);
      return;
    }

  g_ptr_array_add (self->operations, vb_operation_record_copy (record));
}

void
vb_fake_journal_add (VbFakeJournal *self, const VbOperationRecord *record)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  store_operation (self, record);
}

static void
store_notification (VbFakeJournal *self, VbNotification *notification)
{
  for (guint i = 0; i < self->notifications->len; i++)
    {
      const VbNotification *known = g_ptr_array_index (self->notifications, i);

      if (known->type == notification->type && known->operation != NULL
          && g_strcmp0 (known->operation, notification->operation) == 0)
        {
          notification->id = known->id;
          return;
        }
    }

  notification->id = self->notifications->len + 1;
  g_ptr_array_add (self->notifications, vb_notification_copy (notification));
}

/* The interface */

static gboolean
fake_save_operation (VbJournal *journal,
                     const VbOperationRecord *record,
                     VbNotification *notification,
                     GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "save_operation", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&self->mutex);
  store_operation (self, record);
  if (notification != NULL)
    store_notification (self, notification);
  return TRUE;
}

static GPtrArray *
fake_load_unended (VbJournal *journal, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *list;

  if (!vb_fake_script_enter (journal, "load_unended", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&self->mutex);
  list = g_ptr_array_new_with_free_func (record_free);
  for (guint i = 0; i < self->operations->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (self->operations, i);

      if (!vb_operation_state_is_end (record->state))
        g_ptr_array_add (list, vb_operation_record_copy (record));
    }

  return list;
}

static VbOperationRecord *
fake_find_request (VbJournal *journal,
                   const char *subject,
                   const char *vps,
                   const char *request_key,
                   GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "find_request", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&self->mutex);
  for (guint i = 0; i < self->operations->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (self->operations, i);

      if (g_strcmp0 (record->subject, subject) == 0 && g_strcmp0 (record->vps, vps) == 0
          && g_strcmp0 (record->request_key, request_key) == 0)
        return vb_operation_record_copy (record);
    }

  return NULL;
}

static GPtrArray *
fake_list_operations (VbJournal *journal, const char *vps, guint limit, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *list;

  if (!vb_fake_script_enter (journal, "list_operations", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&self->mutex);
  list = g_ptr_array_new_with_free_func (record_free);
  for (guint i = self->operations->len; i > 0 && list->len < limit; i--)
    {
      const VbOperationRecord *record = g_ptr_array_index (self->operations, i - 1);

      if (g_strcmp0 (record->vps, vps) == 0)
        g_ptr_array_add (list, vb_operation_record_copy (record));
    }

  return list;
}

static GPtrArray *
fake_list_notifications (VbJournal *journal,
                         const char *const *vps,
                         const char *subject,
                         gint64 after,
                         guint limit,
                         GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *list;
  const gint64 *read_up_to;

  if (!vb_fake_script_enter (journal, "list_notifications", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&self->mutex);
  read_up_to = g_hash_table_lookup (self->read, subject);
  list = g_ptr_array_new_with_free_func (notification_free);
  for (guint i = 0; i < self->notifications->len; i++)
    {
      const VbNotification *known = g_ptr_array_index (self->notifications, i);
      VbNotification *copy;

      if (known->id <= after || (vps != NULL && !g_strv_contains (vps, known->vps)))
        continue;
      copy = vb_notification_copy (known);
      copy->read = read_up_to != NULL && known->id <= *read_up_to;
      g_ptr_array_add (list, copy);
    }
  if (list->len > limit)
    g_ptr_array_remove_range (list, after == VB_JOURNAL_NEWEST ? 0 : limit, list->len - limit);

  return list;
}

static gboolean
fake_mark_read (VbJournal *journal, const char *subject, gint64 up_to, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "mark_read", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_replace (self->read, g_strdup (subject), g_memdup2 (&up_to, sizeof up_to));
  return TRUE;
}

static GPtrArray *
copy_infos (GPtrArray *infos)
{
  GPtrArray *copies = g_ptr_array_new_with_free_func (info_free);

  for (guint i = 0; i < infos->len; i++)
    g_ptr_array_add (copies, vb_backup_info_copy (g_ptr_array_index (infos, i)));

  return copies;
}

static gboolean
fake_save_backups (VbJournal *journal, GPtrArray *backups, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "save_backups", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&self->mutex);
  g_ptr_array_unref (self->backups);
  self->backups = copy_infos (backups);
  return TRUE;
}

static GPtrArray *
fake_load_backups (VbJournal *journal, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "load_backups", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&self->mutex);
  return copy_infos (self->backups);
}

void
vb_fake_journal_set_schedule (VbFakeJournal *self, const VbScheduleRecord *record)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_hash_table_replace (self->schedules, g_strdup_printf ("%s %s", record->vps, record->id),
                        copy_schedule (record));
}

static gboolean
fake_save_schedule (VbJournal *journal,
                    const VbScheduleRecord *record,
                    VbNotification *notification,
                    GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;

  if (!vb_fake_script_enter (journal, "save_schedule", NULL, error))
    return FALSE;

  vb_fake_journal_set_schedule (self, record);
  locker = g_mutex_locker_new (&self->mutex);
  if (notification != NULL)
    store_notification (self, notification);
  return TRUE;
}

static GPtrArray *
fake_load_schedules (VbJournal *journal, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = NULL;
  GPtrArray *list;
  GHashTableIter iter;
  gpointer record;

  if (!vb_fake_script_enter (journal, "load_schedules", NULL, error))
    return NULL;

  locker = g_mutex_locker_new (&self->mutex);
  list = g_ptr_array_new_with_free_func (schedule_free);
  g_hash_table_iter_init (&iter, self->schedules);
  while (g_hash_table_iter_next (&iter, NULL, &record))
    g_ptr_array_add (list, copy_schedule (record));
  return list;
}

static gboolean
fake_save_check (VbJournal *journal,
                 const char *backup,
                 const VbCheck *check,
                 VbNotification *notification,
                 GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);

  if (!vb_fake_script_enter (journal, "save_check", NULL, error))
    return FALSE;

  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_replace (self->checks, g_strdup (backup), g_memdup2 (check, sizeof *check));
  if (notification != NULL)
    store_notification (self, notification);
  return TRUE;
}

static GHashTable *
fake_load_checks (VbJournal *journal, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  GHashTableIter iter;
  gpointer backup, check;

  if (!vb_fake_script_enter (journal, "load_checks", NULL, error))
    return NULL;

  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  GHashTable *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_iter_init (&iter, self->checks);
  while (g_hash_table_iter_next (&iter, &backup, &check))
    g_hash_table_replace (copy, g_strdup (backup), g_memdup2 (check, sizeof (VbCheck)));
  return copy;
}

static gboolean
fake_save_undo (VbJournal *journal, const VbUndo *undo, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);

  if (!vb_fake_script_enter (journal, "save_undo", NULL, error))
    return FALSE;

  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_replace (self->undos, g_strdup (undo->operation), vb_undo_copy (undo));
  return TRUE;
}

static gboolean
fake_remove_undo (VbJournal *journal, const char *operation, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);

  if (!vb_fake_script_enter (journal, "remove_undo", NULL, error))
    return FALSE;

  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_remove (self->undos, operation);
  return TRUE;
}

static GPtrArray *
fake_load_undos (VbJournal *journal, GError **error)
{
  VbFakeJournal *self = VB_FAKE_JOURNAL (journal);
  GPtrArray *undos = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_undo_free);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  GHashTableIter iter;
  gpointer undo;

  g_hash_table_iter_init (&iter, self->undos);
  while (g_hash_table_iter_next (&iter, NULL, &undo))
    g_ptr_array_add (undos, vb_undo_copy (undo));
  return undos;
}

static void
vb_fake_journal_iface_init (VbJournalInterface *iface)
{
  iface->save_check = fake_save_check;
  iface->load_checks = fake_load_checks;
  iface->save_undo = fake_save_undo;
  iface->remove_undo = fake_remove_undo;
  iface->load_undos = fake_load_undos;
  iface->save_schedule = fake_save_schedule;
  iface->load_schedules = fake_load_schedules;
  iface->save_operation = fake_save_operation;
  iface->load_unended = fake_load_unended;
  iface->find_request = fake_find_request;
  iface->list_operations = fake_list_operations;
  iface->list_notifications = fake_list_notifications;
  iface->mark_read = fake_mark_read;
  iface->save_backups = fake_save_backups;
  iface->load_backups = fake_load_backups;
}
