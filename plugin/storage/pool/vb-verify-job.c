/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-verify-job.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-image-reader.h"
#include "core/base/vb-log.h"
#include "storage/layout/vb-manifest.h"
#include "storage/base/vb-run-abandonable.h"

/* linux/ioprio.h came with newer headers only. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)

typedef struct
{
  VbPoolLayout *folder;
  char *vps;
  char *backup;
  VbTransfer *transfer;
  guint64 bad_chunks;
} Job;

static void
job_finalize (gpointer data)
{
  Job *job = data;

  vb_pool_layout_free (job->folder);
  g_object_unref (job->transfer);
  g_free (job->vps);
  g_free (job->backup);
}

static void
job_unref (gpointer job)
{
  g_atomic_rc_box_release_full (job, job_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_unref)

static gboolean
verify_disk (Job *job, int folder, const VbBackupDisk *disk, GCancellable *stop, GError **error)
{
  g_autoptr (VbSums) sums = NULL;
  g_autoptr (GError) local = NULL;
  guint64 bad = 0;

  vb_autofd int image = vb_image_reader_open (folder, disk->target, &sums, &local);
  if (image >= 0)
    vb_image_reader_run (image, sums, VB_SUMS_CHUNK_BYTES, NULL, NULL, &bad, job->transfer, stop,
                         &local);
  if (g_error_matches (local, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH))
    {
      vb_log_warning (job->vps, NULL, job->backup, "The backup of %s is damaged: %s", disk->target,
                      local->message);
      g_clear_error (&local);
      bad = disk->virtual_size_bytes / VB_SUMS_CHUNK_BYTES + 1;
    }
  job->bad_chunks += bad;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* For this thread and those that it starts. A kernel that does not know it reads as for everybody
 * else. */
static void
step_back (void)
{
  (void) syscall (SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
  (void) setpriority (PRIO_PROCESS, 0, PRIO_MAX);
}

static gboolean
work (gpointer data, GCancellable *stop, GError **error)
{
  Job *job = data;

  if (vb_transfer_is_background (job->transfer))
    step_back ();
  vb_autofd int root = vb_pool_layout_open (job->folder, NULL, error);
  vb_autofd int folder
      = root >= 0 ? vb_pool_layout_open_backup (root, job->vps, job->backup, error) : -1;
  g_autoptr (VbManifest) manifest
      = folder >= 0 ? vb_manifest_load (folder, job->vps, job->backup, error) : NULL;
  if (manifest == NULL)
    return FALSE;

  vb_transfer_set_total (job->transfer, manifest->info->size_bytes);
  for (guint i = 0; i < manifest->info->disks->len; i++)
    if (!verify_disk (job, folder, g_ptr_array_index (manifest->info->disks, i), stop, error))
      return FALSE;
  return TRUE;
}

gboolean
vb_verify_job_run (const VbPoolLayout *folder,
                   const char *vps,
                   const char *backup,
                   VbTransfer *transfer,
                   guint64 *bad_chunks,
                   GError **error)
{
  g_autoptr (Job) job = g_atomic_rc_box_new0 (Job);
  job->folder = vb_pool_layout_copy (folder);
  job->vps = g_strdup (vps);
  job->backup = g_strdup (backup);
  job->transfer = g_object_ref (transfer);

  gboolean ok
      = vb_run_abandonable (transfer, work, NULL, g_atomic_rc_box_acquire (job), job_unref, error);
  *bad_chunks = job->bad_chunks;
  return ok;
}
