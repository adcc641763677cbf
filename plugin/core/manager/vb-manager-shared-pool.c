/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other hosts that share the pool: what they have changed in it, and what they work on. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

static void
give_back_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  vb_claims_give_back (self->claims, data);
  g_task_return_boolean (task, TRUE);
}

void
vb_manager_give_back (VbManager *self, const char *vps)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);
  g_task_set_task_data (task, g_strdup (vps), g_free);
  vb_worker_run (self->pool_worker, task, give_back_in_thread);
}

void
vb_manager_merge_vps (VbManager *self, const char *uuid, GPtrArray *infos)
{
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  g_autoptr (GHashTable) present = g_hash_table_new (g_str_hash, g_str_equal);
  gboolean changed = FALSE;

  if (vps == NULL)
    return;
  for (guint i = 0; i < infos->len; i++)
    {
      const VbBackupInfo *info = g_ptr_array_index (infos, i);
      g_hash_table_add (present, info->id);
      changed = vb_manager_attach_backup (self, vps, info) || changed;
    }
  changed = vb_manager_drop_vanished (vps, present) || changed;
  if (!changed)
    return;
  vb_log_info (uuid, NULL, NULL, "The backups of the VPS were changed by another host");
  vb_manager_check_schedules (self, vps);
  vb_manager_emit_changed (self, vps);
  vb_manager_remember_backups (self);
  vb_manager_measure_unique_sizes (self, uuid);
}

/* --- reading again --- */

static void
list_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *infos = vb_pool_list_again (VB_MANAGER (source)->pool, data, &error);
  if (error != NULL)
    vb_log_warning (data, NULL, NULL, "Failed to read the backups of the VPS again: %s",
                    error->message);
  g_task_return_pointer (task, infos, (GDestroyNotify) g_ptr_array_unref);
}

typedef struct
{
  VbManager *manager;
  char *vps;
  VbVpsLock *lock;  /* (nullable) */
  GPtrArray *infos; /* (nullable) */
} Refresh;

/* The VPS can be refreshed again from here on, whatever became of this time. */
static void
refresh_free (Refresh *refresh)
{
  g_hash_table_remove (refresh->manager->refreshing, refresh->vps);
  g_clear_pointer (&refresh->infos, g_ptr_array_unref);
  g_clear_pointer (&refresh->lock, vb_vps_lock_free);
  g_object_unref (refresh->manager);
  g_free (refresh->vps);
  g_free (refresh);
}

static void
merge (gpointer user_data)
{
  Refresh *refresh = user_data;

  if (refresh->infos != NULL)
    vb_manager_merge_vps (refresh->manager, refresh->vps, refresh->infos);
  refresh_free (refresh);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Refresh *refresh = user_data;

  refresh->infos = g_task_propagate_pointer (G_TASK (result), NULL);
  vb_vps_lock_regain (refresh->lock, merge, refresh);
}

static void
nobody_waits (const GError *error, gpointer user_data)
{
}

/* Under the lock and without an operation nothing of ours changes the backups meanwhile. */
static void
refresh_inside (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  Refresh *refresh = user_data;
  VbManager *self = refresh->manager;
  VbVps *vps = g_hash_table_lookup (self->vps, refresh->vps);

  refresh->lock = lock;
  if (lock == NULL || vps == NULL || vb_vps_get_operation (vps) != NULL || !self->pool_available)
    {
      refresh_free (refresh);
      return;
    }
  g_autoptr (GTask) task = g_task_new (self, NULL, listed, refresh);
  g_task_set_task_data (task, g_strdup (refresh->vps), g_free);
  vb_vps_lock_yield (lock, 0, nobody_waits, NULL);
  vb_worker_run (self->pool_worker, task, list_in_thread);
}

void
vb_manager_refresh_vps (VbManager *self, const char *uuid)
{
  if (self->claims == NULL || !self->pool_available || self->stopping
      || !g_hash_table_add (self->refreshing, g_strdup (uuid)))
    return;
  Refresh *refresh = g_new0 (Refresh, 1);
  refresh->manager = g_object_ref (self);
  refresh->vps = g_strdup (uuid);
  vb_vps_locks_acquire (self->locks, uuid, VB_VPS_LOCK_NEEDS_POOL, refresh_inside, refresh);
}

/* --- what they work on --- */

char **
vb_manager_list_idle (VbManager *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer uuid, vps;

  g_hash_table_iter_init (&iter, self->vps);
  while (self->claims != NULL && g_hash_table_iter_next (&iter, &uuid, &vps))
    if (vb_vps_get_operation (vps) == NULL)
      g_strv_builder_add (builder, uuid);
  return g_strv_builder_end (builder);
}

void
vb_manager_note_elsewhere (VbManager *self)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self);
  for (guint i = 0; self->claims != NULL && i < all->len; i++)
    {
      VbVps *vps = g_ptr_array_index (all, i);
      if (vb_vps_set_elsewhere (vps, vb_claims_is_elsewhere (self->claims, vb_vps_get_uuid (vps))))
        vb_manager_emit_changed (self, vps);
    }
}
