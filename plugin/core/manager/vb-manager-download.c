/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a disk of a backup to be handed out: only reads, so it waits for nobody. */
#include "vb-manager-private.h"

typedef struct
{
  char *vps;
  char *backup;
  char *target;
} Wanted;

static void
wanted_free (gpointer data)
{
  Wanted *wanted = data;

  g_free (wanted->vps);
  g_free (wanted->backup);
  g_free (wanted->target);
  g_free (wanted);
}

static void
open_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const Wanted *wanted = data;
  GError *error = NULL;
  VbDiskFile *file
      = vb_pool_open_disk (self->pool, wanted->vps, wanted->backup, wanted->target, &error);

  if (file != NULL)
    g_task_return_pointer (task, file, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
vb_manager_open_disk_async (VbManager *self,
                            const char *vps,
                            const char *backup,
                            const char *target,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autoptr (GError) error = NULL;
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->vps = g_strdup (vps);
  wanted->backup = g_strdup (backup);
  wanted->target = g_strdup (target);
  g_task_set_source_tag (task, vb_manager_open_disk_async);
  g_task_set_task_data (task, wanted, wanted_free);
  if (vb_manager_require_readable (self, vps, backup, &error) == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    vb_worker_run (self->pool_worker, task, open_in_thread);
}

VbDiskFile *
vb_manager_open_disk_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
