/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-stage-job.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/model/vb-disk.h"
#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-image-reader.h"
#include "storage/qcow2/vb-qcow2.h"
#include "vb-staging-work.h"

/* One disk of the backup, on its way to a new image or onto a device. */
typedef struct
{
  char *target;
  VbStagedFile *file; /* (nullable): the new image, owned by the staging; NULL for a device */
  guint64 size_bytes;
  gboolean is_qcow2;
  VbQcow2Options options;     /* of the new image */
  guint64 virtual_size_bytes; /* of the new image: a disk that has grown since keeps its size */
} Part;

typedef struct
{
  VbStagingWork base;
  VbDeviceRestore *in_place; /* until the staging has it */
  GPtrArray *parts;          /* (element-type Part) */
} Job;

static void
part_free (gpointer data)
{
  Part *part = data;
  g_free (part->target);
  g_free (part);
}

static void
job_finalize (gpointer data)
{
  Job *job = data;

  vb_staging_work_clear (&job->base);
  g_clear_pointer (&job->parts, g_ptr_array_unref);
  g_clear_pointer (&job->in_place, vb_device_restore_free);
}

static void
job_unref (gpointer job)
{
  g_atomic_rc_box_release_full (job, job_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_unref)

/* --- planning --- */

static gboolean
plan_format (Part *part, int fd, const VbDisk *disk, const VbBackupDisk *from, GError **error)
{
  struct stat info;

  part->is_qcow2 = g_strcmp0 (disk->format, "qcow2") == 0;
  if (part->is_qcow2)
    {
      if (!vb_qcow2_options_read (fd, &part->options, error))
        return FALSE;
      part->options.virtual_size_bytes
          = MAX (part->options.virtual_size_bytes, from->virtual_size_bytes);
      part->virtual_size_bytes = part->options.virtual_size_bytes;
      return TRUE;
    }
  if (fstat (fd, &info) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to inspect the image of %s", part->target);
      return FALSE;
    }
  part->virtual_size_bytes = MAX ((guint64) info.st_size, from->virtual_size_bytes);
  return TRUE;
}

static gboolean
plan_device (Job *job, const VbDisk *disk, const VbBackupDisk *from, GError **error)
{
  if (g_strcmp0 (disk->format, "raw") != 0)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                   "The disk %s is an image inside a block device, which cannot be restored here; "
                   "restore it by hand",
                   from->target);
      return FALSE;
    }
  return vb_device_restore_add (job->in_place, disk->target, disk->path, from, error);
}

static gboolean
plan_part (Job *job, const VbBackupDisk *from, GError **error)
{
  const VbDisk *disk = g_hash_table_lookup (job->base.map, from->target);

  Part *part = g_new0 (Part, 1);
  vb_image_staging_set_restored (job->base.staging, disk->target, from);
  part->target = g_strdup (from->target);
  part->size_bytes = from->size_bytes;
  g_ptr_array_add (job->parts, part);
  if (disk->is_block)
    return plan_device (job, disk, from, error);
  part->file = vb_image_staging_add (job->base.staging, disk->target, disk->path, error);
  vb_autofd int fd = part->file ? vb_staged_file_open_disk (part->file, error) : -1;
  return fd >= 0 && plan_format (part, fd, disk, from, error);
}

/* All new images on one file system together. */
static gboolean
check_space (Job *job, const Part *wanted, GError **error)
{
  struct stat mine, other;
  struct statvfs info;
  guint64 needed = 0;

  int folder = vb_staged_file_get_folder (wanted->file);
  if (fstat (folder, &mine) != 0 || fstatvfs (folder, &info) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to read the free space");
      return FALSE;
    }
  for (guint i = 0; i < job->parts->len; i++)
    {
      const Part *part = g_ptr_array_index (job->parts, i);
      if (part->file && fstat (vb_staged_file_get_folder (part->file), &other) == 0
          && other.st_dev == mine.st_dev)
        needed += part->size_bytes
                  + (part->is_qcow2 ? vb_qcow2_get_overhead (&part->options, part->size_bytes) : 0);
    }
  if (needed < (guint64) info.f_bavail * info.f_frsize)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE,
               "The new disks need %" G_GUINT64_FORMAT " bytes beside the present ones", needed);
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
    if (!plan_part (job, g_ptr_array_index (job->base.manifest->info->disks, i), error))
      return FALSE;
  if (!vb_image_staging_add_nvram (job->base.staging, job->base.manifest, job->base.disks,
                                   &job->base.nvram, error))
    return FALSE;
  for (guint i = 0; i < job->parts->len; i++)
    {
      const Part *part = g_ptr_array_index (job->parts, i);
      if (part->file && !check_space (job, part, error))
        return FALSE;
    }
  if (vb_device_restore_get_count (job->in_place) > 0)
    vb_image_staging_set_in_place (job->base.staging, g_steal_pointer (&job->in_place));
  return TRUE;
}

/* --- in the thread --- */

static gboolean
sink_raw (gpointer data, const guint8 *bytes, gsize length, guint64 offset, GError **error)
{
  return vb_sparse_file_write (data, bytes, length, offset, FALSE, error) >= 0;
}

static gboolean
sink_qcow2 (gpointer data, const guint8 *bytes, gsize length, guint64 offset, GError **error)
{
  return vb_qcow2_writer_write (data, bytes, length, offset, error);
}

static gboolean
fill_raw (Job *job,
          const Part *part,
          int image,
          VbSums *sums,
          VbSparseFile *file,
          GCancellable *stop,
          GError **error)
{
  if (ftruncate (vb_sparse_file_get_fd (file), (off_t) part->virtual_size_bytes) != 0)
    {
      vb_error_set_errno (error, errno, "Failed to create the new image");
      return FALSE;
    }
  return vb_image_reader_run (image, sums, VB_SUMS_CHUNK_BYTES, sink_raw, file, NULL,
                              job->base.transfer, stop, error)
         && vb_sparse_file_sync (file, error);
}

static gboolean
fill_qcow2 (Job *job,
            const Part *part,
            int image,
            VbSums *sums,
            VbSparseFile *file,
            GCancellable *stop,
            GError **error)
{
  g_autoptr (VbQcow2Writer) writer = vb_qcow2_writer_new (file, &part->options);
  gsize unit = MAX (VB_SUMS_CHUNK_BYTES, part->options.cluster_bytes);

  return vb_image_reader_run (image, sums, unit, sink_qcow2, writer, NULL, job->base.transfer, stop,
                              error)
         && vb_qcow2_writer_finish (writer, error);
}

static gboolean
fill_file (Job *job, const Part *part, int image, VbSums *sums, GCancellable *stop, GError **error)
{
  int fd = vb_staged_file_create (part->file, error);
  if (fd < 0)
    return FALSE;
  g_autoptr (VbSparseFile) file = vb_sparse_file_new (fd);
  return part->is_qcow2 ? fill_qcow2 (job, part, image, sums, file, stop, error)
                        : fill_raw (job, part, image, sums, file, stop, error);
}

static gboolean
fill_part (Job *job, int backup, guint index, GCancellable *stop, GError **error)
{
  const Part *part = g_ptr_array_index (job->parts, index);
  g_autoptr (VbSums) sums = NULL;

  vb_autofd int image = vb_image_reader_open (backup, part->target, &sums, error);
  if (image < 0)
    return FALSE;
  /* A device cannot be staged, but what it will be overwritten with can be known to be good. */
  gboolean ok = part->file ? fill_file (job, part, image, sums, stop, error)
                           : vb_image_reader_run (image, sums, VB_SUMS_CHUNK_BYTES, NULL, NULL,
                                                  NULL, job->base.transfer, stop, error);
  if (!ok)
    g_prefix_error (error, "Failed to restore %s: ", part->target);
  return ok;
}

static gboolean
set_total (Job *job, int backup, GError **error)
{
  guint64 total = 0;

  for (guint i = 0; i < job->parts->len; i++)
    {
      const Part *part = g_ptr_array_index (job->parts, i);
      g_autoptr (VbSums) sums = NULL;
      guint64 bytes;
      vb_autofd int image = vb_image_reader_open (backup, part->target, &sums, error);
      if (image < 0 || !vb_image_reader_get_todo (image, sums, &bytes, error))
        return FALSE;
      /* Read to be verified, and once more when the device is overwritten. */
      total += part->file ? bytes : 2 * bytes;
    }
  vb_transfer_set_total (job->base.transfer, total);
  return TRUE;
}

static gboolean
work (gpointer data, GCancellable *stop, GError **error)
{
  Job *job = data;

  vb_autofd int backup = vb_staging_work_open_backup (&job->base, error);
  gboolean ok = backup >= 0 && plan (job, backup, error) && set_total (job, backup, error);
  for (guint i = 0; ok && i < job->parts->len; i++)
    ok = fill_part (job, backup, i, stop, error);
  ok = ok && vb_staging_work_complete (&job->base, backup, stop, error);
  if (!ok)
    vb_staging_work_discard (job);
  return ok;
}

/* --- in the caller's thread --- */

static Job *
job_new (const VbPoolLayout *folder,
         const char *vps,
         const char *backup,
         const char *operation,
         GPtrArray *disks,
         gboolean is_clone)
{
  Job *job = g_atomic_rc_box_new0 (Job);

  vb_staging_work_init (&job->base, folder, vps, backup, operation, disks);
  job->base.is_clone = is_clone;
  job->in_place = vb_device_restore_new (folder, operation, vps, backup);
  job->parts = g_ptr_array_new_with_free_func (part_free);
  return job;
}

gboolean
vb_stage_job_check (const VbPoolLayout *folder,
                    const char *vps,
                    const char *backup,
                    GPtrArray *disks,
                    gboolean is_clone,
                    GError **error)
{
  /* Nothing is created, so any id will do. */
  g_autofree char *operation = g_uuid_string_random ();
  g_autoptr (Job) job = job_new (folder, vps, backup, operation, disks, is_clone);

  vb_autofd int opened = vb_staging_work_open_backup (&job->base, error);
  return opened >= 0 && plan (job, opened, error);
}

VbImageStaging *
vb_stage_job_run (const VbPoolLayout *folder,
                  VbIdLocks *busy,
                  const char *vps,
                  const char *backup,
                  const char *operation,
                  GPtrArray *disks,
                  gboolean is_clone,
                  VbTransfer *transfer,
                  GError **error)
{
  g_autoptr (Job) job = job_new (folder, vps, backup, operation, disks, is_clone);

  return vb_staging_work_run (job, busy, transfer, work, job_unref, error);
}
