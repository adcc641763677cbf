/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-staging-work.h"

#include <fcntl.h>

#include "core/model/vb-disk-map.h"
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
  g_clear_pointer (&self->map, g_hash_table_unref);
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

typedef struct
{
  const VbStagingWork *work;
  int backup;
} Asked;

/* Returns: (transfer full) (nullable): the id that the only disk with a bitmap of @id has there */
static char *
id_in_other (const Asked *asked, const char *id)
{
  g_autofree char *name = g_strconcat ("../", id, NULL);
  vb_autofd int folder = openat (asked->backup, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (VbManifest) manifest
      = folder >= 0 ? vb_manifest_load (folder, asked->work->vps, id, NULL) : NULL;
  const VbDiskOrigin *only = NULL;
  guint n = 0;

  for (guint i = 0; manifest && i < manifest->info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (manifest->info->disks, i);
      if (disk->origin == NULL || !disk->origin->is_tracked)
        continue;
      only = disk->origin;
      n++;
    }
  return n == 1 ? g_strdup (only->id) : NULL;
}

static gboolean
is_known (const VbDisk *disk, const VbBackupDisk *from)
{
  const char *id = disk->origin ? disk->origin->id : NULL;

  return (id && g_strcmp0 (id, from->origin->id) == 0)
         || g_strcmp0 (disk->path, from->origin->path) == 0;
}

/* How many disks of the backup, or of the VPS, are known to be none of the others. */
static void
count_unknown (const VbStagingWork *self, guint *n_from, guint *n_disks)
{
  const GPtrArray *froms = self->manifest->info->disks;

  *n_from = froms->len;
  *n_disks = 0;
  for (guint i = 0; i < self->disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (self->disks, i);
      gboolean found = disk->is_nvram;

      for (guint k = 0; k < froms->len && !found; k++)
        {
          const VbBackupDisk *from = g_ptr_array_index (froms, k);

          found = from->origin && is_known (disk, from);
          *n_from -= found;
        }
      *n_disks += !found;
    }
}

/* A raw image carries no id. If it is the only one that is not known, and the file that it was is
 * not there any more, it has moved. */
static gboolean
is_moved (const VbStagingWork *self, const VbDisk *disk, const VbBackupDisk *from)
{
  guint n_from, n_disks;

  if (disk->is_block || g_strcmp0 (disk->format, "raw") != 0
      || !g_str_equal (disk->target, from->target)
      || disk->virtual_size_bytes != from->virtual_size_bytes
      || g_file_test (from->origin->path, G_FILE_TEST_EXISTS))
    return FALSE;
  count_unknown (self, &n_from, &n_disks);
  return n_from == 1 && n_disks == 1;
}

/* A bitmap of a backup of one disk tells which disk that is. */
static gboolean
is_same (const VbDisk *disk, const VbBackupDisk *from, gpointer user_data)
{
  const Asked *asked = user_data;
  char **backups = disk->origin ? disk->origin->backups : NULL;

  if (is_moved (asked->work, disk, from))
    return TRUE;

  for (guint i = 0; backups && backups[i]; i++)
    {
      g_autofree char *id = id_in_other (asked, backups[i]);
      if (id && g_strcmp0 (id, from->origin->id) == 0)
        return TRUE;
    }
  return FALSE;
}

gboolean
vb_staging_work_map (VbStagingWork *self, int backup, GError **error)
{
  Asked asked = { self, backup };

  self->map = self->is_clone
                  ? vb_disk_map_clone (self->manifest->info, self->disks, error)
                  : vb_disk_map_restore (self->manifest->info, self->disks, is_same, &asked, error);
  return self->map != NULL;
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
    vb_log_warning (self->vps, self->operation, self->backup, "Failed to remove a new image: %s",
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
