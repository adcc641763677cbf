/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-delta-job.h"

#include <fcntl.h>
#include <stdlib.h>

#include "vb-delta-disk.h"
#include "vb-error.h"
#include "vb-files.h"
#include "vb-log.h"
#include "vb-manifest.h"
#include "vb-nvram.h"
#include "vb-run.h"
#include "vb-sparse-file.h"

typedef struct
{
  VbPoolFolder *folder;
  VbBusySet *busy;
  char *busy_id;
  char *vps;
  char *backup;
  char *operation;
  guint64 limit_bytes;
  VbTransfer *transfer;
  GPtrArray *present; /* (element-type VbDisk) */
  GPtrArray *disks;   /* (element-type VbDeltaDisk) */

  VbManifest *manifest;
  VbImageStaging *staging;
  GPtrArray *order; /* (element-type VbDeltaDisk) those that the backup holds */
  GPtrArray *files; /* (element-type VbStagedFile) their new images, owned by the staging */
  VbStagedFile *nvram; /* (nullable): likewise */
} Job;

static void
job_finalize (gpointer data)
{
  Job *job = data;

  if (job->busy_id)
    vb_busy_set_release (job->busy, job->busy_id);
  vb_busy_set_unref (job->busy);
  vb_pool_folder_free (job->folder);
  g_ptr_array_unref (job->order);
  g_ptr_array_unref (job->files);
  g_ptr_array_unref (job->disks);
  g_ptr_array_unref (job->present);
  g_clear_pointer (&job->manifest, vb_manifest_free);
  g_object_unref (job->transfer);
  g_clear_object (&job->staging);
  g_free (job->busy_id);
  g_free (job->vps);
  g_free (job->backup);
  g_free (job->operation);
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
  for (guint i = 0; i < job->disks->len; i++)
    if (g_str_equal (vb_delta_disk_get_target (g_ptr_array_index (job->disks, i)), target))
      return g_ptr_array_index (job->disks, i);
  return NULL;
}

static gboolean
plan (Job *job, int backup, GError **error)
{
  job->manifest = vb_manifest_load (backup, job->vps, job->backup, error);
  job->staging = job->manifest ? vb_image_staging_new (job->operation, error) : NULL;
  if (job->staging == NULL)
    return FALSE;
  for (guint i = 0; i < job->manifest->info->disks->len; i++)
    {
      const char *target = ((const VbBackupDisk *) g_ptr_array_index (job->manifest->info->disks, i))->target;
      VbDeltaDisk *disk = find_delta (job, target);
      if (disk == NULL)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING, "It is not known what has changed on %s", target);
          return FALSE;
        }
      VbStagedFile *file = vb_image_staging_add (job->staging, target, vb_delta_disk_get_image (disk), error);
      if (file == NULL)
        return FALSE;
      g_ptr_array_add (job->order, disk);
      g_ptr_array_add (job->files, file);
    }
  return vb_image_staging_add_nvram (job->staging, job->manifest, job->present, &job->nvram, error);
}

static gboolean
look (Job *job, GCancellable *stop, GError **error)
{
  guint64 total = 0, bytes;

  for (guint i = 0; i < job->order->len; i++)
    {
      if (!vb_delta_disk_look (g_ptr_array_index (job->order, i), &bytes, stop, error))
        return FALSE;
      total += bytes;
    }
  if (total > job->limit_bytes)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "%" G_GUINT64_FORMAT " bytes have changed since the backup", total);
      return FALSE;
    }
  vb_transfer_set_total (job->transfer, total);
  return TRUE;
}

static void
discard (gpointer data)
{
  Job *job = data;
  g_autoptr (GError) error = NULL;

  if (job->staging && !vb_staging_discard (VB_STAGING (job->staging), &error))
    vb_log_warning (job->vps, job->operation, job->backup, "A new image stays behind: %s", error->message);
}

static gboolean
work (gpointer data, GCancellable *stop, GError **error)
{
  Job *job = data;

  vb_autofd int root = vb_pool_folder_open (job->folder, NULL, error);
  vb_autofd int backup = root >= 0 ? vb_pool_folder_open_backup (root, job->vps, job->backup, error) : -1;
  gboolean ok = backup >= 0 && plan (job, backup, error) && look (job, stop, error);
  for (guint i = 0; ok && i < job->order->len; i++)
    ok = vb_delta_disk_write_back (g_ptr_array_index (job->order, i), backup, g_ptr_array_index (job->files, i),
                                   job->transfer, stop, error);
  ok = ok && (job->nvram == NULL || vb_nvram_stage (backup, job->manifest, job->nvram, error));
  ok = ok && vb_image_staging_complete (job->staging, error) && vb_run_check (stop, error);
  if (!ok)
    discard (job);
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
add_disks (Job *job, const VbCapture *delta, GPtrArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    g_ptr_array_add (job->present, vb_disk_copy (g_ptr_array_index (disks, i)));
  for (guint i = 0; i < delta->disks->len; i++)
    {
      const VbCaptureDisk *changes = g_ptr_array_index (delta->disks, i);
      const VbDisk *disk = vb_image_staging_find_disk (disks, changes->target);
      if (disk && changes->path && changes->changed_context)
        g_ptr_array_add (job->disks, vb_delta_disk_new (disk->target, disk->path, disk->format, changes->path,
                                                        changes->changed_context));
    }
}

static Job *
job_new (const VbPoolFolder *folder, VbBusySet *busy, const VbCapture *delta, guint64 limit_bytes, VbTransfer *transfer)
{
  Job *job = g_atomic_rc_box_new0 (Job);
  job->folder = vb_pool_folder_copy (folder);
  job->busy = vb_busy_set_ref (busy);
  job->vps = g_strdup (delta->vps);
  job->backup = g_strdup (delta->backup);
  job->operation = g_strdup (delta->operation);
  job->limit_bytes = limit_bytes;
  job->transfer = g_object_ref (transfer);
  job->order = g_ptr_array_new ();
  job->files = g_ptr_array_new ();
  job->disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_delta_disk_free);
  job->present = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_free);
  return job;
}

VbImageStaging *
vb_delta_job_run (const VbPoolFolder *folder,
                  VbBusySet *busy,
                  const VbCapture *delta,
                  GPtrArray *disks,
                  guint64 limit_bytes,
                  VbTransfer *transfer,
                  GError **error)
{
  g_autoptr (Job) job = job_new (folder, busy, delta, limit_bytes, transfer);

  if (!vb_busy_set_acquire (busy, job->operation, transfer, error))
    return NULL;
  job->busy_id = g_strdup (job->operation);
  add_disks (job, delta, disks);
  if (!vb_run (transfer, work, discard, g_atomic_rc_box_acquire (job), job_unref, error))
    return NULL;
  return g_steal_pointer (&job->staging);
}
