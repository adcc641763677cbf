/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules for create and restore. */
#include "vb-admission.h"

#include "core/base/vb-i18n.h"

#define MAX_NAME_CHARACTERS 64

/* Spaces, marks and what only formats leave no trace by themselves; nor do a few letters. */
static gboolean
is_visible (gunichar c)
{
  static const gunichar blanks[] = { 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0 };

  for (gsize i = 0; i < G_N_ELEMENTS (blanks); i++)
    if (c == blanks[i])
      return FALSE;

  return g_unichar_isgraph (c) && !g_unichar_iszerowidth (c) && !g_unichar_ismark (c);
}

/* Also what would turn the text around it, or break the line: embeddings, overrides and isolates of
 * the bidirectional algorithm (Unicode, UAX 9), line and paragraph separators. */
static gboolean
is_control (gunichar c)
{
  return g_unichar_iscntrl (c) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

gboolean
vb_manager_check_name (const char *name, GError **error)
{
  gboolean good = name != NULL && *name != '\0' && g_utf8_validate (name, -1, NULL)
                  && g_utf8_strlen (name, -1) <= MAX_NAME_CHARACTERS;
  gboolean is_seen = FALSE;

  for (const char *p = name; good && *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      good = !is_control (c);
      is_seen |= is_visible (c);
    }
  good = good && is_seen;
  if (!good)
    g_set_error (
        error, VB_ERROR, VB_ERROR_INVALID_ARGUMENT,
        _ ("name: give the backup a name of 1 to %d characters without control characters."),
        MAX_NAME_CHARACTERS);
  return good;
}

static void
refuse_unsupported (VbVps *vps, GError **error)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, vb_vps_get_unsupported (vps));
}

GPtrArray *
vb_manager_list_bases (VbManager *self, VbVps *vps, gboolean *read_all)
{
  GPtrArray *bases = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  GPtrArray *backups = vb_vps_get_backups (vps);
  guint n_incremental = 0;
  gboolean counting = TRUE;

  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      if (vb_backup_get_state (backup) != VB_BACKUP_AVAILABLE || vb_backup_is_damaged (backup))
        continue;
      g_ptr_array_add (bases, vb_backup_info_copy (vb_backup_get_info (backup)));
      counting = counting && vb_backup_get_info (backup)->incremental;
      n_incremental += counting;
    }
  /* The operator's safety net: so many incremental ones in a row, and the next one reads
   * everything. */
  *read_all = self->settings.full_every > 0 && n_incremental + 1 >= self->settings.full_every;
  return bases;
}

static char *
default_name (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  return g_date_time_format (now, "%Y-%m-%d %H:%M");
}

static void
describe (VbOperationRecord *record, VbVps *vps)
{
  g_free (record->vps_name);
  record->vps_name = g_strdup (vb_vps_get_name (vps));
}

/* Of the backup that is to be made. */
static void
check_create (VbVps *vps, gboolean scheduled, GError **error)
{
  VbCanCreate can = scheduled ? vb_vps_can_create_scheduled (vps) : vb_vps_check_create (vps);

  if (can == VB_CANNOT_UNSUPPORTED_DISK)
    refuse_unsupported (vps, error);
  else if (can != VB_CAN_CREATE)
    vb_error_set_public (error, vb_can_create_error (can));
}

static void
choose_bases (VbManager *self, VbVps *vps, VbAdmission *admission)
{
  g_clear_pointer (&admission->bases, g_ptr_array_unref);
  g_clear_pointer (&admission->info, vb_backup_info_free);
  admission->bases = vb_manager_list_bases (self, vps, &admission->read_all);
  admission->may_share
      = self->pool_status.reflinks && admission->bases->len > 0 && !admission->read_all;
}

static void
create_by_rules (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);
  VbOperationRecord *record = admission->record;
  GError *error = NULL;

  VbVps *vps = vb_manager_require_vps (self, record->vps, &error);
  if (vps != NULL)
    check_create (vps, record->scheduled, &error);
  if (vps != NULL && error == NULL)
    vb_admission_check_ready (self, vps, &error);
  if (error != NULL)
    {
      vb_admission_fail (self, task, error);
      return;
    }

  describe (record, vps);
  if (record->backup == NULL)
    record->backup = g_uuid_string_random ();
  choose_bases (self, vps, admission);
  admission->info = vb_backup_info_new (record->backup, record->vps);
  admission->info->vps_name = g_strdup (record->vps_name);
  admission->info->name = g_strdup (record->backup_name);
  admission->info->sequence = vb_vps_next_sequence (vps);
  admission->info->created_at = g_date_time_new_now_utc ();
  admission->info->is_scheduled = record->scheduled;
  admission->info->schedule = g_strdup (record->schedule);
  vb_admission_admit (self, task);
}

static void
find_request_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbAdmission *admission = data;
  const VbOperationRecord *record = admission->record;
  GError *error = NULL;

  admission->known = vb_journal_find_request (self->journal, record->subject, record->vps,
                                              record->request_key, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
request_looked_up (VbManager *self, GTask *task)
{
  VbAdmission *admission = vb_admission_of (task);

  if (admission->failure != NULL)
    vb_admission_fail (self, task, g_steal_pointer (&admission->failure));
  else if (admission->known != NULL || admission->answered)
    vb_admission_leave (self, task, NULL);
  else
    create_by_rules (self, task);
}

static void
create_inside (VbManager *self, GTask *task)
{
  /* While the journal hangs the rules refuse. */
  if (vb_admission_of (task)->record->request_key == NULL || self->journal_hung)
    create_by_rules (self, task);
  else
    vb_admission_work (self, task, self->journal_worker, find_request_in_thread, request_looked_up);
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
  g_autoptr (GTask) task = vb_admission_task (self, vb_manager_create_async, VB_OPERATION_CREATE,
                                              subject, vps, create_by_rules, callback, user_data);
  GError *error = NULL;
  if (vb_manager_require_vps (self, vps, &error) == NULL
      || (name != NULL && !vb_manager_check_name (name, &error)))
    {
      g_task_return_error (task, error);
      return;
    }
  VbOperationRecord *record = vb_admission_of (task)->record;
  record->request_key = g_strdup (request_key);
  record->backup_name = name ? g_strdup (name) : default_name ();
  vb_admission_enter (self, g_steal_pointer (&task), create_inside);
}

void
vb_manager_create_scheduled_async (VbManager *self,
                                   const char *vps,
                                   const char *schedule,
                                   const char *request_key,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task = vb_admission_task (self, vb_manager_create_scheduled_async, VB_OPERATION_CREATE,
                                   VB_SCHEDULE_SUBJECT, vps, create_by_rules, callback, user_data);
  VbOperationRecord *record = vb_admission_of (task)->record;

  record->request_key = g_strdup (request_key);
  record->backup_name = default_name ();
  record->scheduled = TRUE;
  record->schedule = g_strdup (schedule);
  vb_admission_enter (self, task, create_inside);
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

  const VbAdmission *admission = vb_admission_of (G_TASK (result));
  const VbOperationRecord *record = admission->known ? admission->known : admission->record;
  VbVps *vps = g_hash_table_lookup (self->vps, record->vps);
  VbBackup *found = vps ? vb_vps_find_backup (vps, record->backup) : NULL;
  if (backup != NULL)
    *backup = found ? g_object_ref (found) : NULL;
  return current_record (self, record);
}

/* Whatever else the restore does, there must be room for the backup that comes first. */
static void
plan_first (VbManager *self, VbVps *vps, VbAdmission *admission, GError **error)
{
  VbOperationRecord *record = admission->record;

  if (record->first_backup == NULL)
    return;
  check_create (vps, FALSE, error);
  if (*error != NULL)
    return;
  choose_bases (self, vps, admission);
  if (record->started_at == NULL)
    record->started_at = g_date_time_new_now_utc ();
  admission->info = vb_manager_make_first_info (vps, record);
}

static void
restore_inside (VbManager *self, GTask *task)
{
  VbOperationRecord *record = vb_admission_of (task)->record;
  GError *error = NULL;
  VbVps *vps = vb_manager_require_vps (self, record->vps, &error);
  VbVps *source
      = vps ? vb_manager_require_vps (self, vb_operation_record_get_source (record), &error) : NULL;
  VbBackup *backup = source ? vb_manager_require_backup (source, record->backup, &error) : NULL;
  VbBackupState state = backup ? vb_backup_get_state (backup) : VB_BACKUP_QUEUED;

  if (backup != NULL && (state == VB_BACKUP_QUEUED || state == VB_BACKUP_CREATING))
    vb_error_set_public (&error, VB_ERROR_BACKUP_NOT_READY);
  else if (backup != NULL && vb_backup_is_damaged (backup))
    vb_error_set_public (&error, VB_ERROR_CHECKSUM_MISMATCH);
  else if (backup != NULL && vb_admission_check_ready (self, vps, &error))
    {
      describe (record, vps);
      g_free (record->backup_name);
      record->backup_name = g_strdup (vb_backup_get_info (backup)->name);
      g_clear_pointer (&vb_admission_of (task)->kept, g_ptr_array_unref);
      vb_admission_of (task)->kept = vb_undo_keeper_list (self->undos, record->vps);
      plan_first (self, vps, vb_admission_of (task), &error);
      if (error == NULL)
        {
          vb_admission_admit (self, task);
          return;
        }
    }
  vb_admission_fail (self, task, error);
}

static void
restore (VbManager *self, GTask *taken, const VbRestoreRequest *request, gboolean dry)
{
  g_autoptr (GTask) task = taken;
  VbAdmission *admission = vb_admission_of (task);
  GError *error = NULL;
  if (vb_manager_require_vps (self, admission->record->vps, &error) == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  admission->record->backup = g_strdup (request->backup);
  if (g_strcmp0 (request->from, admission->record->vps) != 0)
    admission->record->source_vps = g_strdup (request->from);
  admission->record->stop_first = request->stop_first;
  admission->record->replace_disks = request->replace_disks;
  admission->record->first_backup = request->backup_first ? g_uuid_string_random () : NULL;
  admission->dry = dry;
  vb_admission_enter (self, g_steal_pointer (&task), restore_inside);
}

void
vb_manager_restore_async (VbManager *self,
                          const char *subject,
                          const char *vps,
                          const VbRestoreRequest *request,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = vb_admission_task (self, vb_manager_restore_async, VB_OPERATION_RESTORE, subject,
                                   vps, restore_inside, callback, user_data);

  restore (self, task, request, FALSE);
}

void
vb_manager_check_restore_async (VbManager *self,
                                const char *subject,
                                const char *vps,
                                const VbRestoreRequest *request,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = vb_admission_task (self, vb_manager_check_restore_async, VB_OPERATION_RESTORE,
                                   subject, vps, restore_inside, callback, user_data);

  restore (self, task, request, TRUE);
}

gboolean
vb_manager_check_restore_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

GPtrArray *
vb_manager_get_restore_warnings (GAsyncResult *result)
{
  return vb_admission_of (G_TASK (result))->warnings;
}

VbOperationRecord *
vb_manager_restore_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return current_record (self, vb_admission_of (G_TASK (result))->record);
}
