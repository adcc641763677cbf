/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-delta-job.h"

#include <fcntl.h>
#include <stdlib.h>

#include "vb-delta-disk.h"
#include "core/base/vb-error.h"
#include "core/model/vb-disk-match.h"
#include "storage/base/vb-files.h"
#include "storage/base/vb-sparse-file.h"
#include "vb-staging-work.h"

typedef struct
{
  VbStagingWork base;
  guint64 limit_bytes;
  GHashTable *origins; /* target → VbDiskOrigin of the disks as they are now */
  GPtrArray *deltas;   /* (element-type VbDeltaDisk) */
  GPtrArray *order;    /* (element-type VbDeltaDisk) those that the backup holds */
  GPtrArray *files;    /* (element-type VbStagedFile) their new images, owned by the staging */
} Job;

static void
job_finalize (gpointer data)
{
  Job *job = data;

  vb_staging_work_clear (&job->base);
  g_hash_table_unref (job->origins);
  g_ptr_array_unref (job->order);
  g_ptr_array_unref (job->files);
  g_ptr_array_unref (job->deltas);
}

static void
job_unref (gpointer job)
{
  g_atomic_rc_box_release_full (job, job_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_unref)

/* --- in the thread --- */

static VbDeltaDisk *
find_delta (const Job *job, const char *target)
{
  for (guint i = 0; i < job->deltas->len; i++)
    if (g_str_equal (vb_delta_disk_get_target (g_ptr_array_index (job->deltas, i)), target))
      return g_ptr_array_index (job->deltas, i);
  return NULL;
}

/* A bitmap tells what has changed, but not on which disk of the backup. */
static gboolean
check_origin (const Job *job, const VbBackupDisk *from, const char *target, GError **error)
{
  g_autoptr (VbDiskOrigin) unknown = vb_disk_origin_new (NULL, NULL);
  const VbDiskOrigin *now = g_hash_table_lookup (job->origins, target);
  const VbBackupInfo *info = job->base.manifest->info;
  const VbBackupDisk *matched = vb_disk_match_base (info, target, now ? now : unknown,
                                                    g_hash_table_size (job->origins), error);

  if (matched == from)
    return TRUE;
  if (matched)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "it was %s in the backup", matched->target);
  g_prefix_error (error, "The changes of the disk %s are not used: ", target);
  return FALSE;
}

static gboolean
plan (Job *job, int backup, GError **error)
{
  job->base.manifest = vb_manifest_load (backup, job->base.vps, job->base.backup, error);
  job->base.staging = job->base.manifest ? vb_image_staging_new (job->base.operation, error) : NULL;
  if (job->base.staging == NULL || !vb_staging_work_map (&job->base, backup, error))
    return FALSE;
  for (guint i = 0; i < job->base.manifest->info->disks->len; i++)
    {
      const VbBackupDisk *from = g_ptr_array_index (job->base.manifest->info->disks, i);
      const VbDisk *disk_now = g_hash_table_lookup (job->base.map, from->target);
      const char *target = disk_now->target;
      VbDeltaDisk *disk = find_delta (job, target);
      if (disk == NULL)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                       "It is not known what has changed on %s", target);
          return FALSE;
        }
      if (!check_origin (job, from, target, error))
        return FALSE;
      vb_image_staging_set_restored (job->base.staging, target, from);
      VbStagedFile *file
          = vb_image_staging_add (job->base.staging, target, vb_delta_disk_get_image (disk), error);
      if (file == NULL)
        return FALSE;
      g_ptr_array_add (job->order, disk);
      g_ptr_array_add (job->files, file);
    }
  return vb_image_staging_add_nvram (job->base.staging, job->base.manifest, job->base.disks,
                                     &job->base.nvram, error);
}

static gboolean
look (Job *job, int backup, GCancellable *stop, GError **error)
{
  guint64 total = 0, bytes;

  for (guint i = 0; i < job->order->len; i++)
    {
      const VbBackupDisk *from = g_ptr_array_index (job->base.manifest->info->disks, i);
      if (!vb_delta_disk_look (g_ptr_array_index (job->order, i), backup, from->target, &bytes,
                               stop, error))
        return FALSE;
      total += bytes;
    }
  if (total > job->limit_bytes)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
                   "%" G_GUINT64_FORMAT " bytes have changed since the backup", total);
      return FALSE;
    }
  vb_transfer_set_total (job->base.transfer, total);
  return TRUE;
}

static gboolean
work (gpointer data, GCancellable *stop, GError **error)
{
  Job *job = data;

  vb_autofd int backup = vb_staging_work_open_backup (&job->base, error);
  gboolean ok = backup >= 0 && plan (job, backup, error) && look (job, backup, stop, error);
  for (guint i = 0; ok && i < job->order->len; i++)
    ok = vb_delta_disk_write_back (g_ptr_array_index (job->order, i), backup,
                                   g_ptr_array_index (job->files, i), job->base.transfer, stop,
                                   error);
  ok = ok && vb_staging_work_complete (&job->base, backup, stop, error);
  if (!ok)
    vb_staging_work_discard (job);
  return ok;
}

/* --- in the caller's thread --- */

static gboolean
can_clone (const VbDisk *disk)
{
  g_autofree char *real = disk->is_block ? NULL : realpath (disk->path, NULL);
  if (real == NULL || g_strcmp0 (disk->format, "qcow2") != 0)
    return FALSE;
  g_autofree char *parent = g_path_get_dirname (real);
  vb_autofd int folder = vb_files_open_folder (AT_FDCWD, parent, NULL);
  return folder >= 0 && vb_sparse_file_can_clone (folder);
}

gboolean
vb_delta_job_can_clone (GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VbDisk *disk = g_ptr_array_index (disks, i);
      if (!disk->is_nvram && !can_clone (disk))
        return FALSE;
    }
  return disks->len > 0;
}

static void
add_deltas (Job *job, const VbCapture *delta, GPtrArray *disks)
{
  for (guint i = 0; i < delta->disks->len; i++)
    {
      const VbCaptureDisk *changes = g_ptr_array_index (delta->disks, i);
      const VbDisk *disk = vb_image_staging_find_disk (disks, changes->target);
      if (changes->origin)
        g_hash_table_replace (job->origins, g_strdup (changes->target),
                              vb_disk_origin_ref (changes->origin));
      if (disk && changes->chain && changes->changed_context)
        g_ptr_array_add (job->deltas, vb_delta_disk_new (disk->target, disk->path, disk->format,
                                                         changes->chain, changes->changed_context));
    }
}

static Job *
job_new (const VbPoolLayout *folder, const VbCapture *delta, GPtrArray *disks, guint64 limit_bytes)
{
  Job *job = g_atomic_rc_box_new0 (Job);

  vb_staging_work_init (&job->base, folder, delta->vps, delta->backup, delta->operation, disks);
  job->limit_bytes = limit_bytes;
  job->origins = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) vb_disk_origin_unref);
  job->order = g_ptr_array_new ();
  job->files = g_ptr_array_new ();
  job->deltas = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_delta_disk_free);
  add_deltas (job, delta, disks);
  return job;
}

VbImageStaging *
vb_delta_job_run (const VbPoolLayout *folder,
                  VbIdLocks *busy,
                  const VbCapture *delta,
                  GPtrArray *disks,
                  guint64 limit_bytes,
                  VbTransfer *transfer,
                  GError **error)
{
  g_autoptr (Job) job = job_new (folder, delta, disks, limit_bytes);

  return vb_staging_work_run (job, busy, transfer, work, job_unref, error);
}
