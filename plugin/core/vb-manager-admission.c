/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Admission of create and restore: the rules on the main context, the slow checks and the journal in a
 * worker, and only then is there an operation that anybody sees. */
#include "vb-manager-private.h"

#include "vb-i18n.h"
#include "vb-log.h"

#define MAX_NAME_CHARACTERS 64

typedef struct
{
  VbOperationRecord *record;
  VbBackupInfo *info;   /* create only */
  char **bases;         /* create only */
  gboolean may_share;   /* create only: an earlier backup's extents can be shared */
  VbOperationRecord *known; /* what the request key stands for already */
} Admission;

static void
admission_free (Admission *admission)
{
  g_clear_pointer (&admission->record, vb_operation_record_free);
  g_clear_pointer (&admission->info, vb_backup_info_free);
  g_clear_pointer (&admission->bases, g_strfreev);
  g_clear_pointer (&admission->known, vb_operation_record_free);
  g_free (admission);
}

static Admission *
admission_of (GTask *task)
{
  return g_task_get_task_data (task);
}

gboolean
vb_manager_check_name (const char *name, GError **error)
{
  gboolean good = name != NULL && *name != '\0' && g_utf8_validate (name, -1, NULL)
                  && g_utf8_strlen (name, -1) <= MAX_NAME_CHARACTERS;
  for (const char *p = name; good && *p != '\0'; p = g_utf8_next_char (p))
    good = !g_unichar_iscntrl (g_utf8_get_char (p));
  if (!good)
    g_set_error (error,
                 VB_ERROR,
                 VB_ERROR_INVALID_ARGUMENT,
                 _ ("name: give the backup a name of 1 to %d characters without control characters."),
                 MAX_NAME_CHARACTERS);
  return good;
}

/* Ends the request and lets the next one in. */
static void
leave_with_error (VbManager *self, GTask *task, GError *error)
{
  g_autofree char *vps = g_strdup (admission_of (task)->record->vps);
  g_task_return_error (task, error);
  g_object_unref (task);
  vb_manager_leave (self, vps);
}

static GTask *
admission_task (VbManager *self,
                gpointer tag,
                VbOperationKind kind,
                const char *subject,
                const char *vps,
                GAsyncReadyCallback callback,
                gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Admission *admission = g_new0 (Admission, 1);
  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, admission, (GDestroyNotify) admission_free);
  admission->record = vb_operation_record_new ();
  admission->record->id = g_uuid_string_random ();
  admission->record->vps = g_strdup (vps);
  admission->record->kind = kind;
  admission->record->subject = g_strdup (subject);
  admission->record->state = VB_OPERATION_QUEUED;
  return task;
}

static gboolean
check_ready (VbManager *self, VbVps *vps, GError **error)
{
  if (self->stopping)
    vb_error_set_public (error, VB_ERROR_INTERRUPTED);
  else if (vb_vps_get_operation (vps) != NULL)
    vb_error_set_public (error, VB_ERROR_OPERATION_RUNNING);
  else if (!vb_hypervisor_is_available (self->hypervisor))
    vb_error_set_public (error, VB_ERROR_HYPERVISOR_UNAVAILABLE);
  else if (!self->pool_available)
    vb_error_set_public (error, VB_ERROR_POOL_UNAVAILABLE);
  else
    return TRUE;
  return FALSE;
}

static guint64
sum_allocated (GPtrArray *disks)
{
  guint64 bytes = 0;
  for (guint i = 0; i < disks->len; i++)
    bytes += ((VbDisk *) g_ptr_array_index (disks, i))->allocated_bytes;
  return bytes;
}

static gboolean
check_slow_things (VbManager *self, Admission *admission, GError **error)
{
  const VbOperationRecord *record = admission->record;
  g_autoptr (GPtrArray) disks = vb_hypervisor_list_disks (self->hypervisor, record->vps, error);
  if (disks == NULL)
    return FALSE;
  if (record->kind == VB_OPERATION_RESTORE)
    return vb_pool_check_stage (self->pool, record->vps, record->backup, disks, error);
  /* How much a shared copy will need is known only once the changes are. */
  return vb_pool_check_space (self->pool, admission->may_share ? 0 : sum_allocated (disks), error);
}

static void
admit_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Admission *admission = data;
  GError *error = NULL;

  if (check_slow_things (self, admission, &error)
      && vb_journal_save_operation (self->journal, admission->record, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* The operation exists from here on. */
static void
begin (VbManager *self, VbVps *vps, Admission *admission)
{
  VbBackupInfo *info = admission->info ? vb_backup_info_copy (admission->info) : NULL;
  g_autoptr (VbJob) job = vb_manager_new_job (self, vb_operation_record_copy (admission->record), info);
  job->bases = g_steal_pointer (&admission->bases);
  vb_manager_attach_job (self, vps, job);

  if (admission->info != NULL)
    {
      /* The gate has kept everybody from the slot that was free at the rules; taken and shown at once. */
      VbSlotLease *lease = vb_vps_lease (vps, admission->info->is_scheduled);
      g_autoptr (VbBackup) backup
          = vb_backup_new (g_steal_pointer (&admission->info), VB_BACKUP_QUEUED, lease);
      vb_vps_add_backup (vps, backup);
    }
  else
    vb_backup_set_state (vb_vps_find_backup (vps, admission->record->backup), VB_BACKUP_RESTORING);

  vb_log_info (job->vps,
               admission->record->id,
               admission->record->backup,
               "%s queued for %s",
               vb_operation_kind_to_string (admission->record->kind),
               admission->record->subject);
  vb_manager_emit_changed (self, vps);
  vb_manager_enqueue (self, job);
}

static void
admitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GTask *task = user_data;
  Admission *admission = admission_of (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      leave_with_error (self, task, error);
      return;
    }
  VbVps *vps = g_hash_table_lookup (self->vps, admission->record->vps);
  if (vps == NULL)
    {
      /* Undefined while we looked at it. The record ends like that of any other crash: with the next start. */
      vb_error_set_public (&error, VB_ERROR_NOT_FOUND);
      leave_with_error (self, task, error);
      return;
    }
  begin (self, vps, admission);
  g_autofree char *uuid = g_strdup (admission->record->vps);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  vb_manager_leave (self, uuid);
}

static void
admit (VbManager *self, GTask *task)
{
  Admission *admission = admission_of (task);
  admission->record->started_at = g_date_time_new_now_utc ();
  g_autoptr (GTask) slow = g_task_new (self, NULL, admitted, task);
  g_task_set_task_data (slow, admission, NULL);
  vb_worker_run (self->pool_worker, slow, admit_in_thread);
}

static void
refuse_unsupported (VbVps *vps, GError **error)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, vb_vps_get_unsupported (vps));
}

char **
vb_manager_list_bases (VbManager *self, VbVps *vps)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GPtrArray *backups = vb_vps_get_backups (vps);
  guint n_incremental = 0;
  gboolean counting = TRUE;

  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      if (vb_backup_get_state (backup) != VB_BACKUP_AVAILABLE)
        continue;
      g_strv_builder_add (builder, vb_backup_get_id (backup));
      counting = counting && vb_backup_get_info (backup)->incremental;
      n_incremental += counting;
    }
  /* The operator's safety net: so many incremental ones in a row, and the next one reads everything. */
  if (self->settings.full_every > 0 && n_incremental + 1 >= self->settings.full_every)
    return g_new0 (char *, 1);
  return g_strv_builder_end (builder);
}

static char *
default_name (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  return g_date_time_format (now, "%Y-%m-%d %H:%M");
}

static void
create_by_rules (VbManager *self, GTask *task)
{
  Admission *admission = admission_of (task);
  VbOperationRecord *record = admission->record;
  GError *error = NULL;

  VbVps *vps = vb_manager_require_vps (self, record->vps, &error);
  VbCanCreate can = VB_CAN_CREATE;
  if (vps != NULL)
    can = record->scheduled ? vb_vps_can_create_scheduled (vps) : vb_vps_can_create (vps);
  if (vps != NULL && can == VB_CANNOT_UNSUPPORTED_DISK)
    refuse_unsupported (vps, &error);
  else if (vps != NULL && can != VB_CAN_CREATE)
    vb_error_set_public (&error, vb_can_create_error (can));
  else if (vps != NULL)
    check_ready (self, vps, &error);
  if (error != NULL)
    {
      leave_with_error (self, task, error);
      return;
    }

  record->vps_name = g_strdup (vb_vps_get_name (vps));
  record->backup = g_uuid_string_random ();
  admission->bases = vb_manager_list_bases (self, vps);
  admission->may_share = self->pool_status.reflinks && admission->bases[0] != NULL;
  admission->info = vb_backup_info_new (record->backup, record->vps);
  admission->info->vps_name = g_strdup (record->vps_name);
  admission->info->name = g_strdup (record->backup_name);
  admission->info->created_at = g_date_time_new_now_utc ();
  admission->info->is_scheduled = record->scheduled;
  admit (self, task);
}

static void
find_request_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const VbOperationRecord *record = data;
  GError *error = NULL;
  VbOperationRecord *known = vb_journal_find_request (self->journal,
                                                      record->subject,
                                                      record->vps,
                                                      record->request_key,
                                                      &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, known, (GDestroyNotify) vb_operation_record_free);
}

static void
request_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GTask *task = user_data;
  GError *error = NULL;
  VbOperationRecord *known = g_task_propagate_pointer (G_TASK (result), &error);

  if (error != NULL)
    {
      leave_with_error (self, task, error);
      return;
    }
  if (known == NULL)
    {
      create_by_rules (self, task);
      return;
    }
  g_autofree char *uuid = g_strdup (known->vps);
  admission_of (task)->known = known;
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  vb_manager_leave (self, uuid);
}

static void
create_inside (VbManager *self, GTask *task)
{
  Admission *admission = admission_of (task);
  if (admission->record->request_key == NULL)
    {
      create_by_rules (self, task);
      return;
    }
  g_autoptr (GTask) lookup = g_task_new (self, NULL, request_looked_up, task);
  g_task_set_task_data (lookup, admission->record, NULL);
  vb_worker_run (self->journal_worker, lookup, find_request_in_thread);
}

void
vb_manager_create_async (VbManager *self,
                         const char *subject,
                         const char *vps,
                         const char *name,
                         const char *request_key,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = admission_task (self,
                                           vb_manager_create_async,
                                           VB_OPERATION_CREATE,
                                           subject,
                                           vps,
                                           callback,
                                           user_data);
  GError *error = NULL;
  if (vb_manager_require_vps (self, vps, &error) == NULL
      || (name != NULL && !vb_manager_check_name (name, &error)))
    {
      g_task_return_error (task, error);
      return;
    }
  VbOperationRecord *record = admission_of (task)->record;
  record->request_key = g_strdup (request_key);
  record->backup_name = name ? g_strdup (name) : default_name ();
  vb_manager_enter (self, vps, g_steal_pointer (&task), create_inside);
}

void
vb_manager_create_scheduled_async (VbManager *self,
                                   const char *vps,
                                   const char *request_key,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task = admission_task (self, vb_manager_create_scheduled_async, VB_OPERATION_CREATE, VB_SCHEDULE_SUBJECT, vps,
                                callback, user_data);
  VbOperationRecord *record = admission_of (task)->record;

  record->request_key = g_strdup (request_key);
  record->backup_name = default_name ();
  record->scheduled = TRUE;
  vb_manager_enter (self, vps, task, create_inside);
}

static VbOperationRecord *
current_record (VbManager *self, const VbOperationRecord *record)
{
  VbVps *vps = g_hash_table_lookup (self->vps, record->vps);
  VbOperation *operation = vps ? vb_vps_get_operation (vps) : NULL;
  if (operation != NULL && g_strcmp0 (vb_operation_get_id (operation), record->id) == 0)
    return vb_operation_record_copy (vb_operation_get_record (operation));
  return vb_operation_record_copy (record);
}

VbOperationRecord *
vb_manager_create_finish (VbManager *self, GAsyncResult *result, VbBackup **backup, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;

  const Admission *admission = admission_of (G_TASK (result));
  const VbOperationRecord *record = admission->known ? admission->known : admission->record;
  VbVps *vps = g_hash_table_lookup (self->vps, record->vps);
  VbBackup *found = vps ? vb_vps_find_backup (vps, record->backup) : NULL;
  if (backup != NULL)
    *backup = found ? g_object_ref (found) : NULL;
  return current_record (self, record);
}

static void
restore_inside (VbManager *self, GTask *task)
{
  VbOperationRecord *record = admission_of (task)->record;
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, record->vps, &error);
  VbBackup *backup = vps ? vb_manager_require_backup (vps, record->backup, &error) : NULL;
  VbBackupState state = backup ? vb_backup_get_state (backup) : VB_BACKUP_QUEUED;

  if (backup != NULL && (state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING))
    vb_error_set_public (&error, VB_ERROR_BACKUP_NOT_READY);
  else if (backup != NULL && check_ready (self, vps, &error))
    {
      record->vps_name = g_strdup (vb_vps_get_name (vps));
      record->backup_name = g_strdup (vb_backup_get_info (backup)->name);
      admit (self, task);
      return;
    }
  leave_with_error (self, task, error);
}

void
vb_manager_restore_async (VbManager *self,
                          const char *subject,
                          const char *vps,
                          const char *backup,
                          gboolean stop_first,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = admission_task (self,
                                           vb_manager_restore_async,
                                           VB_OPERATION_RESTORE,
                                           subject,
                                           vps,
                                           callback,
                                           user_data);
  GError *error = NULL;
  if (vb_manager_require_vps (self, vps, &error) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  VbOperationRecord *record = admission_of (task)->record;
  record->backup = g_strdup (backup);
  record->stop_first = stop_first;
  vb_manager_enter (self, vps, g_steal_pointer (&task), restore_inside);
}

VbOperationRecord *
vb_manager_restore_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return current_record (self, admission_of (G_TASK (result))->record);
}
