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
  vb_manager_check_schedule (self, vps);
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
    vb_log_warning (data, NULL, NULL, "Reading the backups of the VPS again: %s", error->message);
  g_task_return_pointer (task, infos, (GDestroyNotify) g_ptr_array_unref);
}

static void
listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autofree char *uuid = g_strdup (g_task_get_task_data (G_TASK (result)));
  g_autoptr (GPtrArray) infos = g_task_propagate_pointer (G_TASK (result), NULL);

  g_hash_table_remove (self->refreshing, uuid);
  if (infos != NULL)
    vb_manager_merge_vps (self, uuid, infos);
  vb_manager_leave (self, uuid);
}

/* Inside the gate and without an operation nothing of ours changes the backups meanwhile. */
static void
refresh_inside (VbManager *self, GTask *turn)
{
  g_autoptr (GTask) owned = turn;
  const char *uuid = g_task_get_task_data (turn);
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);

  if (vps == NULL || vb_vps_get_operation (vps) != NULL || !self->pool_available)
    {
      g_autofree char *left = g_strdup (uuid);
      g_hash_table_remove (self->refreshing, left);
      vb_manager_leave (self, left);
      return;
    }
  g_autoptr (GTask) task = g_task_new (self, NULL, listed, NULL);
  g_task_set_task_data (task, g_strdup (uuid), g_free);
  vb_worker_run (self->pool_worker, task, list_in_thread);
}

void
vb_manager_refresh_vps (VbManager *self, const char *uuid)
{
  if (self->claims == NULL || !self->pool_available || self->stopping
      || !g_hash_table_add (self->refreshing, g_strdup (uuid)))
    return;
  GTask *turn = g_task_new (self, NULL, NULL, NULL);
  g_task_set_task_data (turn, g_strdup (uuid), g_free);
  vb_manager_enter (self, uuid, turn, refresh_inside);
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
