/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is the pool there, and what is in it. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

#define CHECK_PERIOD_S 5
/* A file system that has not answered for so long hangs. */
#define HUNG_AFTER_US (10 * G_USEC_PER_SEC)
#define REMEMBER_AFTER_MS 500

/* What to ask for besides whether it is there. */
#define ASK_LIST 1
#define ASK_SWEEP 2

typedef struct
{
  VbPoolStatus status;
  GPtrArray *infos; /* (nullable): only when the list was asked for */
  char **changed;   /* (nullable): VPSs that have to be listed again */
} PoolAnswer;

typedef struct
{
  int asked;
  char **idle; /* VPSs whose backups nobody but another host can have changed */
} PoolQuestion;

static void
pool_question_free (PoolQuestion *question)
{
  g_strfreev (question->idle);
  g_free (question);
}

static void
pool_answer_free (PoolAnswer *answer)
{
  g_clear_pointer (&answer->infos, g_ptr_array_unref);
  g_clear_pointer (&answer->changed, g_strfreev);
  g_free (answer);
}

void
vb_manager_store_backup (VbManager *self, const VbBackupInfo *info)
{
  GPtrArray *infos = g_hash_table_lookup (self->stored, info->vps);
  if (infos == NULL)
    {
      infos = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
      g_hash_table_insert (self->stored, g_strdup (info->vps), infos);
    }
  g_ptr_array_add (infos, vb_backup_info_copy (info));
}

/* Returns: whether that is news */
gboolean
vb_manager_attach_backup (VbManager *self, VbVps *vps, const VbBackupInfo *info)
{
  VbBackup *known = vb_vps_find_backup (vps, info->id);
  if (known != NULL)
    {
      const VbBackupInfo *old = vb_backup_get_info (known);
      gboolean changed
          = old->is_protected != info->is_protected || g_strcmp0 (old->name, info->name) != 0;
      /* Another host may have changed it, and journals of old do not know of schedules. */
      vb_backup_set_protected (known, info->is_protected);
      vb_backup_set_schedule (known, info->is_scheduled, info->schedule);
      vb_backup_set_name (known, info->name);
      vb_backup_take_disks (known, info);
      vb_vps_sort_backups (vps);
      return changed;
    }
  VbSlotLease *lease = vb_slots_lease (vb_vps_get_slots (vps));
  g_autoptr (VbBackup) backup
      = vb_backup_new (vb_backup_info_copy (info), VB_BACKUP_AVAILABLE, lease);
  const VbCheck *check = vb_backup_checks_get (self->checks, info->id);
  if (check != NULL)
    vb_backup_set_check (backup, check);
  vb_vps_add_backup (vps, backup);
  return TRUE;
}

void
vb_manager_attach_stored (VbManager *self, VbVps *vps)
{
  GPtrArray *infos = g_hash_table_lookup (self->stored, vb_vps_get_uuid (vps));
  for (guint i = 0; infos != NULL && i < infos->len; i++)
    vb_manager_attach_backup (self, vps, g_ptr_array_index (infos, i));
  g_hash_table_remove (self->stored, vb_vps_get_uuid (vps));
}

/* Returns: whether there were any */
gboolean
vb_manager_drop_vanished (VbVps *vps, GHashTable *present)
{
  gboolean dropped = FALSE;
  GPtrArray *backups = vb_vps_get_backups (vps);
  for (guint i = backups->len; i > 0; i--)
    {
      VbBackup *backup = g_ptr_array_index (backups, i - 1);
      if (vb_backup_get_state (backup) == VB_BACKUP_AVAILABLE
          && !g_hash_table_contains (present, vb_backup_get_id (backup)))
        {
          vb_vps_remove_backup (vps, vb_backup_get_id (backup));
          dropped = TRUE;
        }
    }
  return dropped;
}

void
vb_manager_merge_backups (VbManager *self, GPtrArray *infos)
{
  g_autoptr (GHashTable) present = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_remove_all (self->stored);
  for (guint i = 0; i < infos->len; i++)
    {
      const VbBackupInfo *info = g_ptr_array_index (infos, i);
      VbVps *vps = g_hash_table_lookup (self->vps, info->vps);
      g_hash_table_add (present, info->id);
      if (vps != NULL)
        vb_manager_attach_backup (self, vps, info);
      else
        vb_manager_store_backup (self, info);
    }

  g_autoptr (GPtrArray) all = vb_manager_list_vps (self);
  for (guint i = 0; i < all->len; i++)
    {
      vb_manager_drop_vanished (g_ptr_array_index (all, i), present);
      vb_manager_check_schedules (self, g_ptr_array_index (all, i));
      vb_manager_emit_changed (self, g_ptr_array_index (all, i));
    }
  vb_backup_checks_keep_only (self->checks, present);
  vb_manager_remember_backups (self);
}

static void
save_backups_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  g_autoptr (GError) error = NULL;
  if (!vb_journal_save_backups (self->journal, data, &error))
    vb_log_warning (NULL, NULL, NULL, "Failed to store the list of backups: %s", error->message);
  g_task_return_boolean (task, TRUE);
}

static void
collect_vps (VbVps *vps, GPtrArray *infos)
{
  GPtrArray *backups = vb_vps_get_backups (vps);
  for (guint i = 0; i < backups->len; i++)
    {
      VbBackup *backup = g_ptr_array_index (backups, i);
      VbBackupState state = vb_backup_get_state (backup);
      if (state == VB_BACKUP_AVAILABLE || state == VB_BACKUP_RESTORING)
        g_ptr_array_add (infos, vb_backup_info_copy (vb_backup_get_info (backup)));
    }
}

static gboolean
remember_now (gpointer data)
{
  VbManager *self = data;
  GHashTableIter iter;
  gpointer value;
  GPtrArray *infos = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);

  self->remember_timer = 0;
  g_hash_table_iter_init (&iter, self->vps);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    collect_vps (value, infos);
  g_hash_table_iter_init (&iter, self->stored);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    for (guint i = 0; i < ((GPtrArray *) value)->len; i++)
      g_ptr_array_add (infos, vb_backup_info_copy (g_ptr_array_index ((GPtrArray *) value, i)));

  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);
  g_task_set_task_data (task, infos, (GDestroyNotify) g_ptr_array_unref);
  vb_worker_run (self->journal_worker, task, save_backups_in_thread);
  return G_SOURCE_REMOVE;
}

void
vb_manager_remember_backups (VbManager *self)
{
  self->list_outdated = TRUE;
  if (self->remember_timer == 0 && self->pool_available)
    self->remember_timer = g_timeout_add (REMEMBER_AFTER_MS, remember_now, self);
}

static void
ask_pool_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const PoolQuestion *question = data;
  int asked = question->asked;
  GError *error = NULL;
  PoolAnswer *answer = g_new0 (PoolAnswer, 1);

  gboolean there = vb_pool_check (self->pool, &answer->status, &error);
  if (there && (asked & ASK_SWEEP))
    vb_manager_sweep_pool (self);
  if (there && (asked & ASK_LIST))
    answer->infos = vb_pool_list (self->pool, &error);
  else if (there)
    answer->changed = vb_pool_list_changed (self->pool, (const char *const *) question->idle);
  if (error == NULL)
    {
      g_task_return_pointer (task, answer, (GDestroyNotify) pool_answer_free);
      return;
    }
  pool_answer_free (answer);
  g_task_return_error (task, error);
}

static void
set_pool_available (VbManager *self, gboolean available, const char *why)
{
  if (self->pool_available == available)
    return;
  self->pool_available = available;
  if (available)
    vb_log_info (NULL, NULL, NULL, "The pool is available");
  else
    {
      vb_log_warning (NULL, NULL, NULL, "The pool is not available: %s", why);
    }
  vb_vps_locks_set_pool_missing (self->locks, !available);
  vb_vps_locks_set_pool_missing (self->verifying, !available);
  vb_manager_refresh_availability (self);
}

static gboolean ask_pool (gpointer data);

static void
pool_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autoptr (GError) error = NULL;
  PoolAnswer *answer = g_task_propagate_pointer (G_TASK (result), &error);

  self->pool_check_since_us = 0;
  if (answer != NULL && answer->infos != NULL && self->list_outdated && self->pool_timer != 0)
    {
      /* A backup that was completed while the pool was read must not vanish, nor one that was
       * deleted come back. */
      pool_answer_free (answer);
      ask_pool (self);
      return;
    }
  if (answer == NULL && !self->pool_asked_once)
    vb_log_warning (NULL, NULL, NULL, "The pool is not available: %s", error->message);
  self->pool_asked_once = TRUE;
  if (answer != NULL)
    {
      self->pool_status = answer->status;
      set_pool_available (self, TRUE, NULL);
      if (answer->infos != NULL)
        {
          vb_manager_merge_backups (self, answer->infos);
          vb_manager_look_for_unfinished (self);
          self->swept = FALSE;
          vb_manager_sweep_checkpoints (self);
        }
      for (guint i = 0; answer->changed != NULL && answer->changed[i] != NULL; i++)
        vb_manager_refresh_vps (self, answer->changed[i]);
      vb_manager_note_elsewhere (self);
      self->sweep_due = self->sweep_due || answer->status.remains;
      pool_answer_free (answer);
    }
  else
    set_pool_available (self, FALSE, error->message);
  vb_manager_check_started (self);
}

static gboolean
ask_pool (gpointer data)
{
  VbManager *self = data;
  gint64 now_us = g_get_monotonic_time ();

  if (self->pool_check_since_us != 0)
    {
      if (now_us - self->pool_check_since_us > HUNG_AFTER_US)
        set_pool_available (self, FALSE, "its file system does not answer");
      return G_SOURCE_CONTINUE;
    }
  self->pool_check_since_us = now_us;
  g_autoptr (GTask) task = g_task_new (self, NULL, pool_answered, NULL);
  int asked = self->pool_available ? 0 : ASK_LIST | ASK_SWEEP;
  if (self->sweep_due)
    asked |= ASK_SWEEP;
  self->sweep_due = FALSE;
  self->list_outdated = FALSE;
  PoolQuestion *question = g_new0 (PoolQuestion, 1);
  question->asked = asked;
  question->idle = vb_manager_list_idle (self);
  g_task_set_task_data (task, question, (GDestroyNotify) pool_question_free);
  vb_worker_run (self->health_worker, task, ask_pool_in_thread);
  return G_SOURCE_CONTINUE;
}

void
vb_manager_watch_pool (VbManager *self)
{
  ask_pool (self);
  self->pool_timer = g_timeout_add_seconds (CHECK_PERIOD_S, ask_pool, self);
}

void
vb_manager_unwatch_pool (VbManager *self)
{
  if (self->pool_timer != 0)
    g_source_remove (self->pool_timer);
  self->pool_timer = 0;
}
