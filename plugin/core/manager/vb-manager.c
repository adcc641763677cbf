/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-manager-private.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

/* How much is read from the pool at once because somebody has asked for it. */
#define N_BULK 4

/* More than there are connections, so that those decide who waits. libvirtd has 20 threads by
 * default; some are left to others. */
#define N_HYPERVISOR 20

enum
{
  SIGNAL_VPS_CHANGED,
  SIGNAL_VPS_REMOVED,
  SIGNAL_OPERATION_PROGRESS,
  SIGNAL_NOTIFICATION_ADDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VbManager, vb_manager, G_TYPE_OBJECT)

static void
clear_timer (guint *id)
{
  if (*id != 0)
    g_source_remove (*id);
  *id = 0;
}

static void
vb_manager_dispose (GObject *object)
{
  VbManager *self = VB_MANAGER (object);

  clear_timer (&self->progress_timer);
  clear_timer (&self->pool_timer);
  vb_manager_unwatch_journal (self);
  clear_timer (&self->remember_timer);
  clear_timer (&self->measure_timer);
  clear_timer (&self->start_timer);
  clear_timer (&self->stop_timer);
  vb_manager_unwatch_schedules (self);
  vb_manager_stop_checks (self);
  vb_manager_clear_release (self);
  vb_undo_keeper_stop (self->undos);
  g_signal_handlers_disconnect_by_data (self->undos, self);
  if (self->hypervisor != NULL)
    g_signal_handlers_disconnect_by_data (self->hypervisor, self);
  g_hash_table_remove_all (self->jobs);
  G_OBJECT_CLASS (vb_manager_parent_class)->dispose (object);
}

static void
vb_manager_finalize (GObject *object)
{
  VbManager *self = VB_MANAGER (object);

  g_queue_clear (&self->queue);
  g_hash_table_unref (self->jobs);
  g_hash_table_unref (self->ended);
  vb_vps_locks_unref (self->locks);
  vb_vps_locks_unref (self->verifying);
  g_hash_table_unref (self->stored);
  g_hash_table_unref (self->gone);
  g_hash_table_unref (self->refreshing);
  vb_backup_checks_free (self->checks);
  g_clear_object (&self->scrub);
  g_free (self->scrubbed_vps);
  g_hash_table_unref (self->last_seq);
  g_hash_table_unref (self->vps);
  g_hash_table_unref (self->checkpoint_gone);
  g_hash_table_unref (self->to_measure);
  g_clear_object (&self->undos);
  g_clear_pointer (&self->schedule_worker, vb_worker_free);
  g_hash_table_unref (self->schedules);
  g_hash_table_unref (self->schedules_due);
  g_ptr_array_unref (self->unended);
  g_hash_table_unref (self->firsts);
  g_ptr_array_unref (self->unfinished);
  g_ptr_array_unref (self->audit_waiting);
  g_clear_pointer (&self->audit_written, g_ptr_array_unref);
  g_ptr_array_unref (self->journal_calls);
  vb_revocations_free (self->revocations);
  g_clear_pointer (&self->hypervisor_worker, vb_worker_free);
  g_clear_pointer (&self->pool_worker, vb_worker_free);
  g_clear_pointer (&self->health_worker, vb_worker_free);
  g_clear_pointer (&self->bulk_worker, vb_worker_free);
  g_clear_pointer (&self->scrub_worker, vb_worker_free);
  g_clear_pointer (&self->journal_worker, vb_worker_free);
  g_clear_object (&self->hypervisor);
  g_clear_object (&self->pool);
  g_clear_object (&self->journal);
  G_OBJECT_CLASS (vb_manager_parent_class)->finalize (object);
}

static guint
add_signal (const char *name, guint n_params, GType a, GType b, GType c)
{
  return g_signal_new (name, VB_TYPE_MANAGER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                       n_params, a, b, c);
}

static void
vb_manager_class_init (VbManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_manager_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_manager_finalize;

  signals[SIGNAL_VPS_CHANGED] = add_signal ("vps-changed", 2, VB_TYPE_VPS, G_TYPE_UINT64, 0);
  signals[SIGNAL_VPS_REMOVED] = add_signal ("vps-removed", 2, G_TYPE_STRING, G_TYPE_UINT64, 0);
  signals[SIGNAL_OPERATION_PROGRESS]
      = add_signal ("operation-progress", 3, VB_TYPE_VPS, VB_TYPE_OPERATION, G_TYPE_UINT64);
  signals[SIGNAL_NOTIFICATION_ADDED]
      = add_signal ("notification-added", 1, VB_TYPE_NOTIFICATION, 0, 0);
}

static void
job_detach (gpointer data)
{
  VbOperationWorker *job = data;
  vb_operation_worker_drop_owner (job);
  vb_operation_worker_unref (job);
}

static void
vb_manager_init (VbManager *self)
{
  self->vps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->gone = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->last_seq = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->stored
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->locks = vb_vps_locks_new ();
  self->verifying = vb_vps_locks_new ();
  self->refreshing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->jobs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, job_detach);
  self->ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->to_measure = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  vb_manager_init_schedules (self);
  self->checkpoint_gone
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->unfinished = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_power_lock_left_free);
  self->unended = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_operation_record_free);
  self->firsts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                        (GDestroyNotify) vb_operation_record_free);
  self->revocations = vb_revocations_new ();
  vb_manager_init_access (self);
  vb_manager_init_journal (self);
  g_queue_init (&self->queue);
  self->hypervisor_worker = vb_worker_new (N_HYPERVISOR);
  self->pool_worker = vb_worker_new (64);
  self->health_worker = vb_worker_new (2);
  self->bulk_worker = vb_worker_new (N_BULK);
  /* One: the journal has one connection, and what is saved last stays. */
  self->journal_worker = vb_worker_new (1);
  vb_manager_init_checks (self);
  vb_manager_init_release (self);
}

static VbVps *
add_vps (VbManager *self, const char *uuid)
{
  g_autoptr (VbSlots) slots = vb_slots_new (
      self->settings.slots_included, self->settings.slots_step, self->settings.slots_maximum);
  VbVps *vps = vb_vps_new (uuid, slots);
  const guint64 *last_seq = g_hash_table_lookup (self->last_seq, uuid);
  if (last_seq != NULL)
    vb_vps_set_seq (vps, *last_seq);
  g_hash_table_insert (self->vps, g_strdup (uuid), vps);
  vb_vps_set_availability (vps, vb_hypervisor_is_available (self->hypervisor), self->pool_available,
                           !self->journal_hung);
  vb_manager_attach_stored (self, vps);
  vb_vps_set_undo (vps, vb_undo_keeper_get (self->undos, uuid));
  return vps;
}

static void
on_vps_changed (VbHypervisor *hypervisor, const VbVpsInfo *info, gpointer user_data)
{
  VbManager *self = user_data;
  VbVps *vps = g_hash_table_lookup (self->vps, info->uuid);
  gboolean added = vps == NULL;
  if (added)
    vps = add_vps (self, info->uuid);

  g_hash_table_remove (self->gone, info->uuid);
  gboolean changed = vb_vps_set_info (vps, info);
  if (added)
    vb_manager_attach_unended (self, vps);
  changed = vb_manager_check_schedules (self, vps) || changed;
  if (added || changed)
    vb_manager_emit_changed (self, vps);
  if (added)
    vb_manager_refresh_vps (self, info->uuid);
  if (info->marks_in_way)
    vb_manager_release_marks (self, vps);
}

void
vb_manager_drop_vps (VbManager *self, const char *uuid)
{
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  if (vps == NULL)
    return;

  /* Its backups stay in the pool: should it be defined again, it finds them. */
  GPtrArray *backups = vb_vps_get_backups (vps);
  for (guint i = 0; i < backups->len; i++)
    vb_manager_store_backup (self, vb_backup_get_info (g_ptr_array_index (backups, i)));

  vb_manager_forget_schedules (self, uuid);
  g_autofree char *key = g_strdup (uuid);
  guint64 seq = vb_vps_next_seq (vps);
  g_hash_table_remove (self->vps, key);
  vb_undo_keeper_drop (self->undos, key, TRUE);
  g_hash_table_replace (self->last_seq, g_strdup (key), g_memdup2 (&seq, sizeof seq));
  g_signal_emit (self, signals[SIGNAL_VPS_REMOVED], 0, key, seq);
}

static void
on_vps_removed (VbHypervisor *hypervisor, const char *uuid, gpointer user_data)
{
  VbManager *self = user_data;
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  if (vps != NULL && vb_vps_get_operation (vps) != NULL)
    g_hash_table_add (self->gone, g_strdup (uuid));
  else
    vb_manager_drop_vps (self, uuid);
}

static void
on_available_changed (VbHypervisor *hypervisor, gpointer user_data)
{
  VbManager *self = user_data;
  vb_manager_refresh_availability (self);
  vb_manager_recover (self);
  if (vb_hypervisor_is_available (hypervisor))
    vb_undo_keeper_drop_missing (self->undos, self->vps);
  /* While it was away a checkpoint may have been left whose backup was deleted. */
  self->swept = self->swept && vb_hypervisor_is_available (hypervisor);
  vb_manager_sweep_checkpoints (self);
  vb_manager_release_all_marks (self);
  vb_manager_check_started (self);
}

VbManager *
vb_manager_new (VbHypervisor *hypervisor,
                VbPool *pool,
                VbJournal *journal,
                const VbSettings *settings)
{
  VbManager *self = g_object_new (VB_TYPE_MANAGER, NULL);
  self->hypervisor = g_object_ref (hypervisor);
  self->pool = g_object_ref (pool);
  self->claims = vb_pool_get_claims (pool);
  self->journal = g_object_ref (journal);
  self->settings = *settings;
  vb_manager_init_undos (self);
  g_signal_connect (hypervisor, "vps-changed", G_CALLBACK (on_vps_changed), self);
  g_signal_connect (hypervisor, "vps-removed", G_CALLBACK (on_vps_removed), self);
  g_signal_connect (hypervisor, "available-changed", G_CALLBACK (on_available_changed), self);
  return self;
}

void
vb_manager_emit_changed (VbManager *self, VbVps *vps)
{
  vb_manager_touch_schedules (self, vps);
  g_signal_emit (self, signals[SIGNAL_VPS_CHANGED], 0, vps, vb_vps_next_seq (vps));
}

void
vb_manager_emit_progress (VbManager *self, VbVps *vps, VbOperation *operation)
{
  g_signal_emit (self, signals[SIGNAL_OPERATION_PROGRESS], 0, vps, operation,
                 vb_vps_next_seq (vps));
}

void
vb_manager_emit_notification (VbManager *self, const VbNotification *notification)
{
  g_signal_emit (self, signals[SIGNAL_NOTIFICATION_ADDED], 0, notification);
}

void
vb_manager_refresh_availability (VbManager *self)
{
  gboolean hypervisor = vb_hypervisor_is_available (self->hypervisor);
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self);
  for (guint i = 0; i < all->len; i++)
    if (vb_vps_set_availability (g_ptr_array_index (all, i), hypervisor, self->pool_available,
                                 !self->journal_hung))
      vb_manager_emit_changed (self, g_ptr_array_index (all, i));
}

VbVps *
vb_manager_require_vps (VbManager *self, const char *uuid, GError **error)
{
  VbVps *vps = uuid ? g_hash_table_lookup (self->vps, uuid) : NULL;
  /* What there is, only the hypervisor can tell. */
  if (vps == NULL)
    vb_error_set_public (error, vb_manager_is_hypervisor_available (self)
                                    ? VB_ERROR_NOT_FOUND
                                    : VB_ERROR_HYPERVISOR_UNAVAILABLE);
  return vps;
}

VbBackup *
vb_manager_require_backup (VbVps *vps, const char *id, GError **error)
{
  VbBackup *backup = vb_vps_find_backup (vps, id);
  if (backup == NULL)
    vb_error_set_public (error, VB_ERROR_NOT_FOUND);
  return backup;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  VbVps *left = *(VbVps *const *) a;
  VbVps *right = *(VbVps *const *) b;
  gint by_name = g_strcmp0 (vb_vps_get_name (left), vb_vps_get_name (right));
  return by_name != 0 ? by_name : g_strcmp0 (vb_vps_get_uuid (left), vb_vps_get_uuid (right));
}

GPtrArray *
vb_manager_list_vps (VbManager *self)
{
  GPtrArray *all = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer vps;
  g_hash_table_iter_init (&iter, self->vps);
  while (g_hash_table_iter_next (&iter, NULL, &vps))
    g_ptr_array_add (all, vps);
  g_ptr_array_sort (all, compare_names);
  return all;
}

VbVps *
vb_manager_get_vps (VbManager *self, const char *vps)
{
  return g_hash_table_lookup (self->vps, vps);
}

VbJournal *
vb_manager_get_journal (VbManager *self)
{
  return self->journal;
}

VbOutbox *
vb_manager_get_outbox (VbManager *self)
{
  return VB_IS_OUTBOX (self->journal) ? VB_OUTBOX (self->journal) : NULL;
}

VbHypervisor *
vb_manager_get_hypervisor (VbManager *self)
{
  return self->hypervisor;
}

gboolean
vb_manager_is_hypervisor_available (VbManager *self)
{
  return vb_hypervisor_is_available (self->hypervisor);
}

guint
vb_manager_get_stall_timeout_s (VbManager *self)
{
  return self->settings.stall_timeout_s;
}

gboolean
vb_manager_get_pool_status (VbManager *self, VbPoolStatus *status)
{
  *status = self->pool_status;
  return self->pool_available;
}

gboolean
vb_manager_keeps_replaced (VbManager *self)
{
  return self->settings.undo_window_s > 0;
}
