/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hypervisor makes and reverts no snapshot of a VPS beside what it keeps for us: that goes as
 * soon as it is in the way, before anybody has to ask for it. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

/* A job of the VPS that keeps it from being changed, such as a snapshot being made, takes time. */
#define AGAIN_S 20

enum
{
  ONCE = 1,
  AGAIN,
};

typedef struct
{
  VbManager *manager;
  char *vps;
  VbVpsLock *lock; /* (nullable) */
} Release;

static void
release_free (Release *release)
{
  g_clear_pointer (&release->lock, vb_vps_lock_free);
  g_object_unref (release->manager);
  g_free (release->vps);
  g_free (release);
}

void
vb_manager_init_release (VbManager *self)
{
  self->releasing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->release_again = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
vb_manager_clear_release (VbManager *self)
{
  g_clear_handle_id (&self->release_timer, g_source_remove);
  g_clear_pointer (&self->releasing, g_hash_table_unref);
  g_clear_pointer (&self->release_again, g_hash_table_unref);
}

static gboolean
try_again (gpointer data)
{
  VbManager *self = data;
  g_autoptr (GHashTable) again = g_steal_pointer (&self->release_again);
  GHashTableIter iter;
  gpointer uuid;

  self->release_timer = 0;
  self->release_again = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, again);
  while (g_hash_table_iter_next (&iter, &uuid, NULL))
    {
      VbVps *vps = g_hash_table_lookup (self->vps, uuid);
      if (vps != NULL)
        vb_manager_release_marks (self, vps);
    }
  return G_SOURCE_REMOVE;
}

static void
release_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const Release *release = data;
  GError *error = NULL;

  if (vb_hypervisor_release_marks (self->hypervisor, release->vps, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Returns: whether it was asked for once more meanwhile */
static gboolean
end (VbManager *self, Release *release)
{
  gpointer again = NULL;

  if (self->releasing != NULL)
    again = g_hash_table_lookup (self->releasing, release->vps);
  if (self->releasing != NULL)
    g_hash_table_remove (self->releasing, release->vps);
  return GPOINTER_TO_INT (again) == AGAIN;
}

static void
released (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Release *release = user_data;
  g_autoptr (VbManager) self = g_object_ref (release->manager);
  VbVps *vps = g_hash_table_lookup (self->vps, release->vps);
  gboolean again = end (self, release);
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) && self->release_again != NULL
      && !self->stopping && !g_error_matches (error, VB_ERROR, VB_ERROR_NOT_FOUND))
    {
      vb_log_warning (release->vps, NULL, NULL,
                      "Failed to release what is in the way of the VPS's snapshots: %s",
                      error->message);
      g_hash_table_add (self->release_again, g_strdup (release->vps));
      if (self->release_timer == 0)
        self->release_timer = g_timeout_add_seconds (AGAIN_S, try_again, self);
    }
  release_free (release);
  if (again && vps != NULL)
    vb_manager_release_marks (self, vps);
}

static gboolean
is_due (VbManager *self, VbVps *vps)
{
  /* A backup of a VPS that is off has just given it a record, which is not news of the
   * hypervisor's. */
  return !self->stopping && vb_vps_get_operation (vps) == NULL
         && vb_hypervisor_is_available (self->hypervisor)
         && (vb_vps_has_marks_in_way (vps) || vb_vps_get_power (vps) == VB_POWER_STOPPED);
}

static void
release_inside (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  Release *release = user_data;
  VbManager *self = release->manager;
  VbVps *vps = g_hash_table_lookup (self->vps, release->vps);

  release->lock = lock;
  if (lock == NULL || vps == NULL || !is_due (self, vps))
    {
      end (self, release);
      release_free (release);
      return;
    }
  /* Power actions do not wait for it. */
  vb_vps_lock_yield (lock, 0, NULL, NULL);
  g_autoptr (GTask) task = g_task_new (self, NULL, released, release);
  g_task_set_task_data (task, release, NULL);
  vb_worker_run (self->hypervisor_worker, task, release_in_thread);
}

void
vb_manager_release_marks (VbManager *self, VbVps *vps)
{
  const char *uuid = vb_vps_get_uuid (vps);
  gboolean under_way = g_hash_table_contains (self->releasing, uuid);
  Release *release;

  if (!is_due (self, vps))
    return;
  g_hash_table_replace (self->releasing, g_strdup (uuid),
                        GINT_TO_POINTER (under_way ? AGAIN : ONCE));
  if (under_way)
    return;
  release = g_new0 (Release, 1);
  release->manager = g_object_ref (self);
  release->vps = g_strdup (uuid);
  vb_vps_locks_acquire (self->locks, uuid, VB_VPS_LOCK_NEEDS_NOTHING, release_inside, release);
}

void
vb_manager_release_all_marks (VbManager *self)
{
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self);

  for (guint i = 0; i < all->len; i++)
    if (vb_vps_has_marks_in_way (g_ptr_array_index (all, i)))
      vb_manager_release_marks (self, g_ptr_array_index (all, i));
}
