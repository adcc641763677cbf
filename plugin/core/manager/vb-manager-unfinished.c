/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A power lock that says “swap” and that the journal knows nothing of: the journal was lost in the
 * middle of a restore. The lock stays; the pool may know what was under way, and then it is
 * finished. */
#include "core/base/vb-log.h"
#include "core/operations/vb-restore-swap.h"
#include "vb-manager-private.h"

#define SUBJECT "recovery"

static void
sweep_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  g_task_return_pointer (task, vb_power_lock_sweep (self->settings.state_folder, data),
                         (GDestroyNotify) g_ptr_array_unref);
}

static void
swept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GPtrArray *left = g_task_propagate_pointer (G_TASK (result), NULL);

  g_ptr_array_unref (self->unfinished);
  self->unfinished = left;
  if (self->pool_available)
    vb_manager_look_for_unfinished (self);
}

void
vb_manager_sweep_locks (VbManager *self)
{
  if (self->settings.state_folder == NULL)
    return;
  GHashTable *keep = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < self->unended->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (self->unended, i);
      g_hash_table_add (keep, g_strdup (record->vps));
    }
  g_autoptr (GTask) task = g_task_new (self, NULL, swept, NULL);
  g_task_set_task_data (task, keep, (GDestroyNotify) g_hash_table_unref);
  vb_worker_run (self->journal_worker, task, sweep_in_thread);
}

/* --- asking the pool --- */

/* What is known of it before the pool was asked. */
static VbOperationRecord *
make_record (VbManager *self, const VbPowerLockLeft *left)
{
  VbOperationRecord *record = vb_operation_record_new ();
  VbVps *vps = g_hash_table_lookup (self->vps, left->vps);

  record->id = left->operation ? g_strdup (left->operation) : g_uuid_string_random ();
  record->vps = g_strdup (left->vps);
  record->vps_name = g_strdup (vps ? vb_vps_get_name (vps) : "");
  record->kind = VB_OPERATION_RESTORE;
  record->state = VB_OPERATION_FINISHING;
  record->subject = g_strdup (SUBJECT);
  record->backup_name = g_strdup ("");
  record->started_at = g_date_time_new_now_utc ();
  record->swapping = TRUE;
  record->was_power = g_strdup (vb_power_to_string (VB_POWER_STOPPED));
  record->details = g_strdup (VB_RESTORE_OVERWRITING);
  return record;
}

static VbNotification *
notification_of (const VbOperationRecord *record)
{
  VbNotification *notification = vb_notification_new ();

  notification->type = VB_NOTIFICATION_RESTORE_UNFINISHED;
  notification->vps = g_strdup (record->vps);
  notification->vps_name = g_strdup (record->vps_name);
  notification->operation = g_strdup (record->id);
  notification->reason = g_strdup (record->error_reason);
  notification->created_at = g_date_time_new_now_utc ();
  return notification;
}

/* Nobody can finish it: it is told once, and the lock stays. */
static gboolean
give_up (VbManager *self, VbOperationRecord *record, GError **error)
{
  record->state = VB_OPERATION_FAILED;
  record->backup = g_strdup (VB_NOTIFICATION_HOST); /* which one is not known */
  record->error_reason = g_strdup (vb_error_reason (VB_ERROR_INTERRUPTED));
  record->error_message = g_strdup ("The VPS was left in the middle of a restore of which nothing "
                                    "is known; restore a backup of it");
  record->ended_at = g_date_time_new_now_utc ();
  g_autoptr (VbNotification) notification = notification_of (record);
  vb_log_warning (record->vps, record->id, NULL,
                  "The VPS was left in the middle of a restore of which nothing is known: its lock "
                  "stays, and it does not start. Restore a backup of it, or see “vps-backupctl "
                  "doctor”");
  return vb_journal_save_operation (self->journal, record, notification, error);
}

/* Returns: FALSE when that cannot be known now */
static gboolean
ask_pool (VbManager *self, VbOperationRecord *record)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *vps = NULL;
  gboolean found = vb_pool_find_unfinished (self->pool, record->id, &vps, &record->backup, &error);

  if (g_error_matches (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE))
    return FALSE;
  g_clear_error (&error);
  /* The operation's id is secret enough: a note with it and another VPS is that of a clone. */
  if (found && !g_str_equal (vps, record->vps))
    record->source_vps = g_strdup (vps);
  if (found)
    found = vb_journal_save_operation (self->journal, record, NULL, &error);
  else
    {
      g_clear_pointer (&record->backup, g_free);
      found = give_up (self, record, &error);
    }
  if (!found)
    vb_log_warning (record->vps, record->id, NULL, "Failed to record an unfinished restore: %s",
                    error->message);
  return found;
}

static void
ask_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GPtrArray *records = data;

  for (guint i = records->len; i > 0; i--)
    if (!ask_pool (source, g_ptr_array_index (records, i - 1)))
      g_ptr_array_remove_index (records, i - 1);
  g_task_return_boolean (task, TRUE);
}

static void
forget (VbManager *self, const char *vps)
{
  for (guint i = self->unfinished->len; i > 0; i--)
    {
      const VbPowerLockLeft *left = g_ptr_array_index (self->unfinished, i - 1);
      if (g_str_equal (left->vps, vps))
        g_ptr_array_remove_index (self->unfinished, i - 1);
    }
}

static void
asked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  GPtrArray *records = g_task_get_task_data (G_TASK (result));

  for (guint i = 0; i < records->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (records, i);
      VbVps *vps = g_hash_table_lookup (self->vps, record->vps);
      forget (self, record->vps);
      if (record->state != VB_OPERATION_FINISHING
          || (vps != NULL && vb_vps_get_operation (vps) != NULL))
        continue;
      vb_log_info (record->vps, record->id, record->backup,
                   "The pool knows of a restore that was not finished");
      g_ptr_array_add (self->unended, vb_operation_record_copy (record));
    }
  vb_manager_recover (self);
}

void
vb_manager_look_for_unfinished (VbManager *self)
{
  if (self->unfinished->len == 0 || self->stopping)
    return;
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_operation_record_free);
  for (guint i = 0; i < self->unfinished->len; i++)
    g_ptr_array_add (records, make_record (self, g_ptr_array_index (self->unfinished, i)));
  g_autoptr (GTask) task = g_task_new (self, NULL, asked, NULL);
  g_task_set_task_data (task, records, (GDestroyNotify) g_ptr_array_unref);
  vb_worker_run (self->pool_worker, task, ask_in_thread);
}
