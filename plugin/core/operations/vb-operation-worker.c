/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-operation-worker-private.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"
#include "core/model/vb-operation.h"

typedef struct
{
  VbOperationWorker *job;
  VbOperationRecord *record;
  VbNotification *notification;
  gboolean detached;
} Change;

typedef struct
{
  void (*run) (VbOperationWorker *self);
  void (*recover) (VbOperationWorker *self);
  VbNotificationType completed;
  VbNotificationType failed;
} Script;

static const Script scripts[] = {
  [VB_OPERATION_CREATE] = { vb_create_worker_run, vb_create_worker_recover,
                            VB_NOTIFICATION_BACKUP_COMPLETED, VB_NOTIFICATION_BACKUP_FAILED },
  [VB_OPERATION_RESTORE] = { vb_restore_worker_run, vb_restore_worker_recover,
                             VB_NOTIFICATION_RESTORE_COMPLETED, VB_NOTIFICATION_RESTORE_FAILED },
  [VB_OPERATION_UNDO] = { vb_undo_worker_run, vb_undo_worker_recover,
                          VB_NOTIFICATION_UNDO_COMPLETED, VB_NOTIFICATION_UNDO_FAILED },
};

#define START_RETRY_MS 1000
#define NOTE_INTERVAL_US (5 * G_USEC_PER_SEC)

VbOperationWorker *
vb_operation_worker_new (VbHypervisor *hypervisor,
                         VbPool *pool,
                         VbJournal *journal,
                         const VbSettings *settings,
                         VbTransfer *transfer,
                         VbOperationRecord *record,
                         VbBackupInfo *info,
                         VbOperationWorkerApply apply,
                         gpointer user_data)
{
  VbOperationWorker *self = g_new0 (VbOperationWorker, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->hypervisor = g_object_ref (hypervisor);
  self->pool = g_object_ref (pool);
  self->journal = g_object_ref (journal);
  self->settings = *settings;
  self->transfer = g_object_ref (transfer);
  self->record = record;
  self->vps = g_strdup (record->vps);
  self->info = info;
  self->apply = apply;
  self->user_data = user_data;
  g_mutex_init (&self->save_mutex);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  return self;
}

VbOperationWorker *
vb_operation_worker_ref (VbOperationWorker *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
vb_operation_worker_unref (VbOperationWorker *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_object (&self->hypervisor);
  g_clear_object (&self->pool);
  g_clear_object (&self->journal);
  g_clear_object (&self->transfer);
  vb_operation_record_free ((VbOperationRecord *) self->record);
  g_clear_pointer (&self->whole, vb_operation_worker_unref);
  g_clear_pointer (&self->info, vb_backup_info_free);
  g_clear_pointer (&self->bases, g_ptr_array_unref);
  g_clear_pointer (&self->first, vb_operation_record_free);
  g_clear_pointer (&self->undo, vb_undo_free);
  g_free (self->vps);
  g_mutex_clear (&self->save_mutex);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_free (self);
}

static void
change_free (Change *change)
{
  vb_operation_worker_unref (change->job);
  vb_operation_record_free (change->record);
  g_clear_pointer (&change->notification, vb_notification_free);
  g_free (change);
}

static gboolean
apply_on_main (gpointer data)
{
  Change *change = data;
  change->job->detached = change->detached;
  const VbOperationWorker *owned = change->job->whole ? change->job->whole : change->job;
  change->job->apply (change->job, change->record, change->notification, owned->user_data);
  return G_SOURCE_REMOVE;
}

/* Caller holds save_mutex. One idle source for each change, all of one priority: they arrive in
 * order. @record: (transfer full) */
static void
post_change (VbOperationWorker *self,
             VbOperationRecord *record,
             const VbNotification *notification,
             gboolean detached)
{
  Change *change = g_new0 (Change, 1);
  change->job = vb_operation_worker_ref (self);
  change->record = record;
  change->notification = notification ? vb_notification_copy (notification) : NULL;
  change->detached = detached;

  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, apply_on_main, change, (GDestroyNotify) change_free);
  g_source_attach (source, NULL);
}

static void
log_state (const VbOperationRecord *record)
{
  const char *kind = vb_operation_kind_to_string (record->kind);
  const char *state = vb_operation_state_to_string (record->state);

  if (record->state == VB_OPERATION_FAILED)
    vb_log_warning (record->vps, record->id, record->backup, "%s %s (%s): %s", kind, state,
                    record->error_reason, record->error_message);
  else
    vb_log_info (record->vps, record->id, record->backup, "%s %s", kind, state);
}

static void
note_bytes (VbOperationWorker *self, VbOperationRecord *record)
{
  if (self->whole != NULL)
    vb_transfer_get_phase (self->transfer, &record->bytes_done, &record->bytes_total);
  else
    vb_transfer_get (self->transfer, &record->bytes_done, &record->bytes_total);
  record->progress
      = MAX (record->progress, vb_progress_percent_of (record->bytes_done, record->bytes_total));
}

/* Returns: (transfer full): the record as it is now, with the bytes counted until now */
static VbOperationRecord *
snapshot (VbOperationWorker *self)
{
  VbOperationRecord *record = vb_operation_worker_lock_record (self);
  note_bytes (self, record);
  VbOperationRecord *copy = vb_operation_record_copy (record);
  vb_operation_worker_unlock_record (self);
  return copy;
}

gboolean
vb_operation_worker_move (VbOperationWorker *self, VbOperationState to, GError **error)
{
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);
  g_autoptr (VbOperationRecord) record = snapshot (self);

  if (!vb_operation_check_move (record->state, to, error))
    return FALSE;
  record->state = to;
  if (!vb_journal_save_operation (self->journal, record, NULL, error))
    return FALSE;
  vb_operation_worker_lock_record (self)->state = to;
  vb_operation_worker_unlock_record (self);
  log_state (record);
  post_change (self, g_steal_pointer (&record), NULL, FALSE);
  return TRUE;
}

gboolean
vb_operation_worker_save (VbOperationWorker *self, GError **error)
{
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);
  g_autoptr (VbOperationRecord) record = snapshot (self);

  return vb_journal_save_operation (self->journal, record, NULL, error);
}

void
vb_operation_worker_note_progress (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  gint64 now_us = g_get_monotonic_time ();

  if (now_us - self->noted_us < NOTE_INTERVAL_US)
    return;
  self->noted_us = now_us;
  if (!vb_operation_worker_save (self, &error))
    vb_log_debug (self->vps, self->record->id, self->record->backup,
                  "Failed to record the progress: %s", error->message);
  if (self->whole != NULL)
    vb_restore_note_alive (self->whole);
}

void
vb_operation_worker_detach (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);
  g_autoptr (VbOperationRecord) record = snapshot (self);

  if (!vb_journal_save_operation (self->journal, record, NULL, &error))
    vb_log_warning (record->vps, record->id, record->backup, "Failed to record the progress: %s",
                    error->message);
  vb_log_info (record->vps, record->id, record->backup,
               "%s continues after the next start of the service",
               vb_operation_kind_to_string (record->kind));
  post_change (self, g_steal_pointer (&record), NULL, TRUE);
  g_clear_pointer (&self->lock, vb_power_lock_leave);
}

void
vb_operation_worker_leave (VbOperationWorker *self)
{
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);

  post_change (self, snapshot (self), NULL, TRUE);
  g_clear_pointer (&self->lock, vb_power_lock_leave);
}

void
vb_operation_worker_set_still (VbOperationWorker *self, gint64 still_us)
{
  vb_operation_worker_lock_record (self)->still_us = still_us;
  vb_operation_worker_unlock_record (self);
}

static VbNotification *
notification_for (const VbOperationRecord *record, VbNotificationType type)
{
  VbNotification *notification = vb_notification_new ();
  notification->type = type;
  notification->vps = g_strdup (record->vps);
  notification->vps_name = g_strdup (record->vps_name);
  notification->backup = g_strdup (record->backup);
  notification->backup_name = g_strdup (record->backup_name);
  notification->operation = g_strdup (record->id);
  notification->reason = g_strdup (record->error_reason);
  notification->created_at = g_date_time_new_now_utc ();
  return notification;
}

/* The outcome must be stored before anybody hears it. A journal that cannot be written (disk full,
 * say) is tried again until the service stops; then recovery finds the operation unended and ends
 * it. */
static gboolean
save_outcome (VbOperationWorker *self, VbNotification *notification)
{
  gint64 pause_us = G_USEC_PER_SEC / 4;
  for (;;)
    {
      g_autoptr (GError) error = NULL;
      g_mutex_lock (&self->save_mutex);
      g_autoptr (VbOperationRecord) record = snapshot (self);
      gboolean saved = vb_journal_save_operation (self->journal, record, notification, &error);
      g_mutex_unlock (&self->save_mutex);
      if (saved)
        return TRUE;
      vb_log_warning (record->vps, record->id, record->backup,
                      "Failed to record the outcome, trying again: %s", error->message);
      if (!vb_operation_worker_pause (self, pause_us))
        return FALSE;
      pause_us = MIN (pause_us * 2, 30 * G_USEC_PER_SEC);
    }
}

/* Caller holds mutex. */
static void
set_end (VbOperationWorker *self, VbOperationRecord *record, VbOperationState state)
{
  g_autoptr (GError) error = NULL;

  if (!vb_operation_check_move (record->state, state, &error))
    g_warning ("%s", error->message);
  note_bytes (self, record);
  record->state = state;
  record->stalled = FALSE;
  record->ended_at = g_date_time_new_now_utc ();
  if (state == VB_OPERATION_COMPLETED)
    record->progress = 100;
}

static VbNotificationType
type_of_end (const VbOperationRecord *record)
{
  const Script *script = &scripts[record->kind];
  return record->state == VB_OPERATION_COMPLETED ? script->completed : script->failed;
}

static void
end (VbOperationWorker *self, VbOperationState state, gboolean notify)
{
  VbOperationRecord *own = vb_operation_worker_lock_record (self);
  set_end (self, own, state);
  g_autoptr (VbNotification) notification
      = notify ? notification_for (own, type_of_end (own)) : NULL;
  vb_operation_worker_unlock_record (self);

  /* Nobody shall hear of the end of an operation that has stopped and started the VPS, and still
   * see it off. */
  vb_hypervisor_announce (self->hypervisor, self->vps);
  if (!save_outcome (self, notification))
    {
      vb_operation_worker_leave (self);
      return;
    }
  vb_operation_worker_unlock (self);
  if (self->whole == NULL)
    {
      if (self->claimed)
        vb_claims_give_back (vb_pool_get_claims (self->pool), self->vps);
      self->claimed = FALSE;
    }
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);
  VbOperationRecord *record = snapshot (self);
  log_state (record);
  post_change (self, record, notification, FALSE);
}

void
vb_operation_worker_complete (VbOperationWorker *self)
{
  end (self, VB_OPERATION_COMPLETED, TRUE);
}

/* Nobody is to be offered it again. */
static void
note_damage (VbOperationWorker *self)
{
  g_autoptr (GError) error = NULL;
  VbCheck check = { .at_us = g_get_real_time (), .bad_chunks = 1 };

  if (!vb_journal_save_check (self->journal, self->record->backup, &check, NULL, &error))
    vb_log_warning (self->vps, self->record->id, self->record->backup,
                    "Failed to record that the backup is damaged: %s", error->message);
}

void
vb_operation_worker_fail (VbOperationWorker *self, const GError *error)
{
  VbError code = vb_error_code_of (error);
  if (code == VB_ERROR_CHECKSUM_MISMATCH && self->record->kind == VB_OPERATION_RESTORE)
    note_damage (self);
  gboolean cancelled = code == VB_ERROR_CANCELLED;

  VbOperationRecord *record = vb_operation_worker_lock_record (self);
  if (cancelled
      && (self->stopping || vb_claims_is_lost (vb_pool_get_claims (self->pool), self->vps)))
    {
      /* Nobody asked to cancel it: the service was stopped under it, or another host has taken
       * over. */
      cancelled = FALSE;
      code = VB_ERROR_INTERRUPTED;
    }
  /* What an operation ends with is one of the protocol's reasons; a bad argument is none. */
  if (code == VB_ERROR_INVALID_ARGUMENT)
    code = VB_ERROR_INTERNAL;
  g_free (record->error_reason);
  record->error_reason = g_strdup (vb_error_reason (code));
  g_free (record->error_message);
  record->error_message
      = g_strdup (code == VB_ERROR_INTERRUPTED || error == NULL ? vb_error_public_message (code)
                                                                : error->message);
  if (record->state == VB_OPERATION_FINISHING)
    cancelled = FALSE;
  vb_operation_worker_unlock_record (self);

  end (self, cancelled ? VB_OPERATION_CANCELLED : VB_OPERATION_FAILED, !cancelled);
}

gboolean
vb_operation_worker_lock (VbOperationWorker *self, const char *word, GError **error)
{
  if (self->settings.state_folder == NULL)
    return TRUE;
  if (self->lock != NULL)
    return vb_power_lock_change (self->lock, word, error);
  self->lock = vb_power_lock_acquire (self->settings.state_folder, self->record->vps, word,
                                      self->record->id, error);
  return self->lock != NULL;
}

void
vb_operation_worker_unlock (VbOperationWorker *self)
{
  g_clear_pointer (&self->lock, vb_power_lock_release);
}

gboolean
vb_operation_worker_pause (VbOperationWorker *self, gint64 us)
{
  gint64 until = g_get_monotonic_time () + us;
  g_mutex_lock (&self->mutex);
  while (!self->stopping && g_cond_wait_until (&self->cond, &self->mutex, until))
    ;
  gboolean go_on = !self->stopping;
  g_mutex_unlock (&self->mutex);
  return go_on;
}

static void
set_stalled (VbOperationWorker *self, const VbOperationRecord *record)
{
  VbOperationRecord *own = vb_operation_worker_lock_record (self);
  own->stalled = record->stalled;
  own->stall_told = record->stall_told;
  vb_operation_worker_unlock_record (self);
}

void
vb_operation_worker_save_stalled (VbOperationWorker *self, gboolean stalled)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);
  g_autoptr (VbOperationRecord) record = snapshot (self);

  if (record->stalled == stalled || vb_operation_state_is_end (record->state))
    return;
  g_autoptr (VbNotification) notification
      = stalled && !record->stall_told
            ? notification_for (record, VB_NOTIFICATION_OPERATION_STALLED)
            : NULL;
  record->stalled = stalled;
  record->stall_told = record->stall_told || stalled;
  if (!vb_journal_save_operation (self->journal, record, notification, &error))
    {
      vb_log_warning (record->vps, record->id, record->backup, "%s", error->message);
      return;
    }
  set_stalled (self, record);
  post_change (self, g_steal_pointer (&record), notification, FALSE);
}

void
vb_operation_worker_interrupt (VbOperationWorker *self)
{
  g_mutex_lock (&self->mutex);
  self->stopping = TRUE;
  g_cond_broadcast (&self->cond);
  g_autoptr (VbOperationWorker) part
      = self->part != NULL ? vb_operation_worker_ref (self->part) : NULL;
  g_mutex_unlock (&self->mutex);
  if (part != NULL)
    vb_operation_worker_interrupt (part);
  vb_transfer_suspend (self->transfer);
}

static gboolean
vb_operation_worker_is_stopping (VbOperationWorker *self)
{
  g_mutex_lock (&self->mutex);
  gboolean stopping = self->stopping;
  g_mutex_unlock (&self->mutex);
  return stopping;
}

gboolean
vb_operation_worker_is_suspended (VbOperationWorker *self)
{
  return vb_operation_worker_is_stopping (self) && !vb_transfer_is_cancelled (self->transfer);
}

static gpointer
run (gpointer data)
{
  VbOperationWorker *self = data;
  const Script *script = &scripts[self->record->kind];

  (self->recovering ? script->recover : script->run) (self);
  vb_operation_worker_unref (self);
  return NULL;
}

void
vb_operation_worker_run_part (VbOperationWorker *self, VbOperationWorker *part)
{
  const Script *script = &scripts[part->record->kind];

  part->whole = vb_operation_worker_ref (self);
  part->claimed = self->claimed;
  g_mutex_lock (&self->mutex);
  self->part = part;
  part->stopping = self->stopping;
  g_mutex_unlock (&self->mutex);
  (part->recovering ? script->recover : script->run) (part);
  g_mutex_lock (&self->mutex);
  self->part = NULL;
  g_mutex_unlock (&self->mutex);
  self->claimed = part->claimed;
}

/* The journal has it as queued: the next start of the service goes on with it. */
static void
leave_queued (VbOperationWorker *self)
{
  g_autoptr (GMutexLocker) saving = g_mutex_locker_new (&self->save_mutex);
  post_change (self, snapshot (self), NULL, TRUE);
}

static gboolean
try_start (gpointer data)
{
  VbOperationWorker *self = data;
  g_autoptr (GError) error = NULL;

  if (self->start_timer != 0 && vb_operation_worker_is_stopping (self))
    leave_queued (self);
  else
    {
      GThread *thread
          = g_thread_try_new ("vb-operation", run, vb_operation_worker_ref (self), &error);
      if (thread == NULL)
        {
          vb_operation_worker_unref (self);
          if (self->start_timer == 0)
            vb_operation_worker_log_failed (self, "Failed to start a thread, trying again", error);
          if (self->start_timer == 0)
            self->start_timer = g_timeout_add_full (G_PRIORITY_DEFAULT, START_RETRY_MS, try_start,
                                                    vb_operation_worker_ref (self),
                                                    (GDestroyNotify) vb_operation_worker_unref);
          return G_SOURCE_CONTINUE;
        }
      g_thread_unref (thread);
    }
  self->start_timer = 0;
  return G_SOURCE_REMOVE;
}

void
vb_operation_worker_start (VbOperationWorker *self)
{
  try_start (self);
}
