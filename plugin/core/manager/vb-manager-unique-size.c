/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What deleting a backup would free: it changes with every other backup of its VPS that shares data
 * with it. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

/* A file system may let go of a deleted file's data in the background, and to look is to read the
 * map of every image of the VPS: it is done once for all that happens meanwhile. */
#define SETTLED_AFTER_US (3 * G_USEC_PER_SEC)

static void
list_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  GError *error = NULL;
  GPtrArray *infos = vb_pool_list_vps (self->pool, data, &error);

  if (infos != NULL)
    g_task_return_pointer (task, infos, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
measured (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  const char *uuid = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) infos = g_task_propagate_pointer (G_TASK (result), &error);
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  gboolean changed = FALSE;

  if (infos == NULL)
    vb_log_warning (uuid, NULL, NULL, "Failed to measure the backups of the VPS: %s",
                    error->message);
  for (guint i = 0; vps != NULL && infos != NULL && i < infos->len; i++)
    {
      const VbBackupInfo *info = g_ptr_array_index (infos, i);
      VbBackup *backup = vb_vps_find_backup (vps, info->id);
      changed |= backup != NULL && vb_backup_set_unique_bytes (backup, info->unique_bytes);
    }
  if (!changed)
    return;
  vb_manager_emit_changed (self, vps);
  vb_manager_remember_backups (self);
}

static void
measure (VbManager *self, const char *uuid)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, measured, NULL);

  g_task_set_task_data (task, g_strdup (uuid), g_free);
  vb_worker_run (self->bulk_worker, task, list_in_thread);
}

static gboolean
measure_settled (gpointer data)
{
  VbManager *self = data;
  gint64 now_us = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer uuid, due_us;

  g_hash_table_iter_init (&iter, self->to_measure);
  while (g_hash_table_iter_next (&iter, &uuid, &due_us))
    if (*(gint64 *) due_us <= now_us)
      {
        measure (self, uuid);
        g_hash_table_iter_remove (&iter);
      }
  if (g_hash_table_size (self->to_measure) > 0)
    return G_SOURCE_CONTINUE;
  self->measure_timer = 0;
  return G_SOURCE_REMOVE;
}

void
vb_manager_measure_unique_sizes (VbManager *self, const char *uuid)
{
  gint64 due_us = g_get_monotonic_time () + SETTLED_AFTER_US;

  if (!self->pool_available)
    return;
  g_hash_table_replace (self->to_measure, g_strdup (uuid), g_memdup2 (&due_us, sizeof due_us));
  if (self->measure_timer == 0)
    self->measure_timer = g_timeout_add_seconds (1, measure_settled, self);
}
