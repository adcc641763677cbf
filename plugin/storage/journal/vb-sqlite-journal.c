/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-journal.h"

#include "core/interfaces/vb-journal.h"
#include "vb-revocation-copy.h"
#include "vb-sqlite-backups.h"
#include "vb-sqlite-checks.h"
#include "vb-sqlite-journal-private.h"
#include "vb-sqlite-notifications.h"
#include "vb-sqlite-operations.h"
#include "vb-sqlite-schedules.h"
#include "vb-sqlite-undos.h"
#include "vb-sqlite-schema.h"
#include "vb-sqlite.h"

enum
{
  PROP_0,
  PROP_FILE,
  N_PROPERTIES
};

struct _VbSqliteJournal
{
  GObject parent_instance;

  char *file;
  char *copy;   /* of the revocations */
  GMutex mutex; /* guards the rest */
  VbJournalLoss loss;
  VbSqlite *sqlite;
};

static GParamSpec *properties[N_PROPERTIES];

static void vb_sqlite_journal_initable_init (GInitableIface *iface);
static void vb_sqlite_journal_journal_init (VbJournalInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (
    VbSqliteJournal,
    vb_sqlite_journal,
    G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, vb_sqlite_journal_initable_init)
        G_IMPLEMENT_INTERFACE (VB_TYPE_JOURNAL, vb_sqlite_journal_journal_init)
            G_IMPLEMENT_INTERFACE (VB_TYPE_OUTBOX, vb_sqlite_journal_outbox_init)
                G_IMPLEMENT_INTERFACE (VB_TYPE_ACCESS_JOURNAL, vb_sqlite_journal_access_init))

gboolean
vb_sqlite_journal_transaction (VbSqliteJournal *self,
                               VbSqliteFunc func,
                               gpointer user_data,
                               GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_transaction (self->sqlite, func, user_data, error);
}

/* ---- VbJournal ---- */

typedef struct
{
  const VbOperationRecord *record;
  VbNotification *notification;
} Save;

static gboolean
save_operation_in_transaction (VbSqlite *sqlite, gpointer user_data, GError **error)
{
  const Save *save = user_data;

  return vb_sqlite_operations_save (sqlite, save->record, error)
         && (save->notification == NULL
             || vb_sqlite_notifications_add (sqlite, save->notification, error));
}

static gboolean
vb_sqlite_journal_save_operation (VbJournal *journal,
                                  const VbOperationRecord *record,
                                  VbNotification *notification,
                                  GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Save save = { .record = record, .notification = notification };

  return vb_sqlite_transaction (self->sqlite, save_operation_in_transaction, &save, error);
}

static GPtrArray *
vb_sqlite_journal_load_unended (VbJournal *journal, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_operations_load_unended (self->sqlite, error);
}

static VbOperationRecord *
vb_sqlite_journal_find_request (VbJournal *journal,
                                const char *subject,
                                const char *vps,
                                const char *request_key,
                                GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_operations_find_request (self->sqlite, subject, vps, request_key, error);
}

static GPtrArray *
vb_sqlite_journal_list_operations (VbJournal *journal, const char *vps, guint limit, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_operations_list (self->sqlite, vps, limit, error);
}

static GPtrArray *
vb_sqlite_journal_list_notifications (VbJournal *journal,
                                      const char *const *vps,
                                      const char *subject,
                                      gint64 after,
                                      guint limit,
                                      GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_notifications_list (self->sqlite, vps, subject, after, limit, error);
}

static gboolean
vb_sqlite_journal_mark_read (VbJournal *journal, const char *subject, gint64 up_to, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_notifications_mark_read (self->sqlite, subject, up_to, error);
}

static gboolean
save_backups_in_transaction (VbSqlite *sqlite, gpointer user_data, GError **error)
{
  return vb_sqlite_backups_save (sqlite, user_data, error);
}

static gboolean
vb_sqlite_journal_save_backups (VbJournal *journal, GPtrArray *backups, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_transaction (self->sqlite, save_backups_in_transaction, backups, error);
}

static GPtrArray *
vb_sqlite_journal_load_backups (VbJournal *journal, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_backups_load (self->sqlite, error);
}

typedef struct
{
  const VbScheduleRecord *record;
  VbNotification *notification;
} SaveSchedule;

static gboolean
save_schedule_in_transaction (VbSqlite *sqlite, gpointer user_data, GError **error)
{
  const SaveSchedule *save = user_data;

  return vb_sqlite_schedules_save (sqlite, save->record, error)
         && (save->notification == NULL
             || vb_sqlite_notifications_add (sqlite, save->notification, error));
}

static gboolean
vb_sqlite_journal_save_schedule (VbJournal *journal,
                                 const VbScheduleRecord *record,
                                 VbNotification *notification,
                                 GError **error)
{
  SaveSchedule save = { .record = record, .notification = notification };

  return vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (journal), save_schedule_in_transaction,
                                        &save, error);
}

static GPtrArray *
vb_sqlite_journal_load_schedules (VbJournal *journal, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_schedules_load (self->sqlite, error);
}

typedef struct
{
  const char *backup;
  const VbCheck *check;
  VbNotification *notification;
} SaveCheck;

static gboolean
save_check_in_transaction (VbSqlite *sqlite, gpointer user_data, GError **error)
{
  const SaveCheck *save = user_data;

  return vb_sqlite_checks_save (sqlite, save->backup, save->check, error)
         && (save->notification == NULL
             || vb_sqlite_notifications_add (sqlite, save->notification, error));
}

static gboolean
vb_sqlite_journal_save_check (VbJournal *journal,
                              const char *backup,
                              const VbCheck *check,
                              VbNotification *notification,
                              GError **error)
{
  SaveCheck save = { .backup = backup, .check = check, .notification = notification };

  return vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (journal), save_check_in_transaction,
                                        &save, error);
}

static GHashTable *
vb_sqlite_journal_load_checks (VbJournal *journal, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_checks_load (self->sqlite, error);
}

static gboolean
vb_sqlite_journal_save_undo (VbJournal *journal, const VbUndo *undo, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_undos_save (self->sqlite, undo, error);
}

static gboolean
vb_sqlite_journal_remove_undo (VbJournal *journal, const char *operation, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_undos_remove (self->sqlite, operation, error);
}

static GPtrArray *
vb_sqlite_journal_load_undos (VbJournal *journal, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return vb_sqlite_undos_load (self->sqlite, error);
}

static void
vb_sqlite_journal_journal_init (VbJournalInterface *iface)
{
  iface->save_operation = vb_sqlite_journal_save_operation;
  iface->load_unended = vb_sqlite_journal_load_unended;
  iface->find_request = vb_sqlite_journal_find_request;
  iface->list_operations = vb_sqlite_journal_list_operations;
  iface->list_notifications = vb_sqlite_journal_list_notifications;
  iface->mark_read = vb_sqlite_journal_mark_read;
  iface->save_backups = vb_sqlite_journal_save_backups;
  iface->load_backups = vb_sqlite_journal_load_backups;
  iface->save_schedule = vb_sqlite_journal_save_schedule;
  iface->load_schedules = vb_sqlite_journal_load_schedules;
  iface->save_check = vb_sqlite_journal_save_check;
  iface->load_checks = vb_sqlite_journal_load_checks;
  iface->save_undo = vb_sqlite_journal_save_undo;
  iface->remove_undo = vb_sqlite_journal_remove_undo;
  iface->load_undos = vb_sqlite_journal_load_undos;
}

/* ---- lifecycle ---- */

static gboolean
vb_sqlite_journal_initable_real_init (GInitable *initable,
                                      GCancellable *cancellable,
                                      GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (initable);
  self->loss = vb_journal_loss_examine (self->file);
  g_autoptr (VbSqlite) sqlite = vb_sqlite_open (self->file, error);

  if (sqlite == NULL || !vb_sqlite_schema_migrate (sqlite, vb_sqlite_schema_steps, error)
      || !vb_sqlite_enable_wal (sqlite, error))
    return FALSE;
  self->sqlite = g_steal_pointer (&sqlite);
  self->copy = vb_revocation_copy_path (self->file);
  return TRUE;
}

VbJournalLoss
vb_sqlite_journal_take_loss (VbSqliteJournal *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  VbJournalLoss loss = self->loss;

  self->loss = VB_JOURNAL_LOSS_NONE;
  return loss;
}

const char *
vb_sqlite_journal_get_copy (VbSqliteJournal *self)
{
  return self->copy;
}

static void
vb_sqlite_journal_initable_init (GInitableIface *iface)
{
  iface->init = vb_sqlite_journal_initable_real_init;
}

static void
vb_sqlite_journal_init (VbSqliteJournal *self)
{
  g_mutex_init (&self->mutex);
}

static void
vb_sqlite_journal_finalize (GObject *object)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (object);

  g_clear_pointer (&self->sqlite, vb_sqlite_close);
  g_mutex_clear (&self->mutex);
  g_free (self->copy);
  g_free (self->file);
  G_OBJECT_CLASS (vb_sqlite_journal_parent_class)->finalize (object);
}

static void
vb_sqlite_journal_set_property (GObject *object,
                                guint property_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (object);

  if (property_id == PROP_FILE)
    self->file = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
vb_sqlite_journal_class_init (VbSqliteJournalClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = vb_sqlite_journal_finalize;
  object_class->set_property = vb_sqlite_journal_set_property;

  /**
   * VbSqliteJournal:file:
   *
   * Path of the database.
   */
  properties[PROP_FILE] = g_param_spec_string (
      "file", NULL, NULL, NULL, G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

VbSqliteJournal *
vb_sqlite_journal_new (const char *file, GError **error)
{
  return g_initable_new (VB_TYPE_SQLITE_JOURNAL, NULL, error, "file", file, NULL);
}
