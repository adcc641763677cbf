/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-staging-work.h"

#include "core/model/vb-disk.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-log.h"
#include "vb-nvram-staging.h"

void
vb_staging_work_init (VbStagingWork *self,
                      const VbPoolLayout *folder,
                      const char *vps,
                      const char *backup,
                      const char *operation,
                      GPtrArray *disks)
{
  self->folder = vb_pool_layout_copy (folder);
  self->vps = g_strdup (vps);
  self->backup = g_strdup (backup);
  self->operation = g_strdup (operation);
  self->disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_free);
  for (guint i = 0; i < disks->len; i++)
    g_ptr_array_add (self->disks, vb_disk_copy (g_ptr_array_index (disks, i)));
}

void
vb_staging_work_clear (VbStagingWork *self)
{
  if (self->busy != NULL)
    vb_id_locks_release (self->busy, self->operation);
  g_clear_pointer (&self->busy, vb_id_locks_unref);
  g_clear_pointer (&self->folder, vb_pool_layout_free);
  g_clear_pointer (&self->disks, g_ptr_array_unref);
  g_clear_object (&self->transfer);
  g_clear_object (&self->staging);
  g_clear_pointer (&self->manifest, vb_manifest_free);
  g_clear_pointer (&self->vps, g_free);
  g_clear_pointer (&self->backup, g_free);
  g_clear_pointer (&self->operation, g_free);
}

int
vb_staging_work_open_backup (const VbStagingWork *self, GError **error)
{
  vb_autofd int root = vb_pool_layout_open (self->folder, NULL, error);
  return root >= 0 ? vb_pool_layout_open_backup (root, self->vps, self->backup, error) : -1;
}

gboolean
vb_staging_work_complete (VbStagingWork *self, int backup, GCancellable *stop, GError **error)
{
  return (self->nvram == NULL || vb_nvram_stage (backup, self->manifest, self->nvram, error))
         && vb_image_staging_complete (self->staging, error)
         && vb_run_abandonable_check (stop, error);
}

void
vb_staging_work_discard (gpointer work)
{
  VbStagingWork *self = work;
  g_autoptr (GError) error = NULL;

  if (self->staging && !vb_staging_discard (VB_STAGING (self->staging), &error))
    vb_log_warning (self->vps, self->operation, self->backup, "A new image stays behind: %s",
                    error->message);
}

VbImageStaging *
vb_staging_work_run (gpointer job,
                     VbIdLocks *busy,
                     VbTransfer *transfer,
                     VbRunAbandonableFunc work,
                     GDestroyNotify job_unref,
                     GError **error)
{
  VbStagingWork *self = job;

  self->transfer = g_object_ref (transfer);
  if (!vb_id_locks_acquire (busy, self->operation, transfer, error))
    return NULL;
  self->busy = vb_id_locks_ref (busy);
  if (!vb_run_abandonable (transfer, work, vb_staging_work_discard, g_atomic_rc_box_acquire (job),
                           job_unref, error))
    return NULL;
  return g_steal_pointer (&self->staging);
}
