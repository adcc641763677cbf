/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-capture-job.h"

#include <string.h>

#include "vb-domain-files.h"
#include "vb-disk-copy.h"
#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-log.h"
#include "storage/layout/vb-manifest.h"
#include "storage/nbd/vb-nbd-server.h"
#include "storage/base/vb-run-abandonable.h"

#define BITMAP_CONTEXT "qemu:dirty-bitmap:"

/* Everything that the thread needs, which may outlive the caller. */
typedef struct
{
  VbPoolLayout *folder;
  gboolean reflinks;
  VbIdLocks *busy;
  char *busy_id;
  VbTransfer *transfer;
  gboolean resumed; /* take up what is there of an earlier run */
  gboolean lasting; /* the point in time stays when the service stops */

  char *operation;
  char *base;
  VbDomainFiles *definition;
  GPtrArray *disks; /* (element-type VbDiskCopy) */
  VbManifest *manifest;

  int root; /* the thread's, while it runs */
} Job;

static void
job_finalize (gpointer data)
{
  Job *job = data;

  vb_fd_clear (&job->root);
  if (job->busy_id)
    vb_id_locks_release (job->busy, job->busy_id);
  g_clear_pointer (&job->busy, vb_id_locks_unref);
  g_clear_pointer (&job->folder, vb_pool_layout_free);
  g_clear_object (&job->transfer);
  g_clear_pointer (&job->manifest, vb_manifest_free);
  g_clear_pointer (&job->definition, vb_domain_files_free);
  g_clear_pointer (&job->disks, g_ptr_array_unref);
  g_free (job->busy_id);
  g_free (job->operation);
  g_free (job->base);
}

static void
job_unref (gpointer job)
{
  g_atomic_rc_box_release_full (job, job_finalize);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_unref)

/* --- in the thread --- */

static void
log_full (const Job *job, const char *target, const char *reason)
{
  const VbBackupInfo *info = job->manifest->info;
  vb_log_info (info->vps, job->operation, info->id, "Reading all of %s: %s", target, reason);
}

/* Returns: a descriptor of the base's folder, or -1 when there is nothing to share */
static int
open_base (Job *job)
{
  const VbBackupInfo *info = job->manifest->info;
  g_autoptr (GError) error = NULL;

  if (job->base == NULL)
    return -1;
  if (!job->reflinks)
    {
      log_full (job, "each disk", "the pool's file system cannot share extents");
      return -1;
    }
  vb_autofd int base = vb_pool_layout_open_backup (job->root, info->vps, job->base, &error);
  g_autoptr (VbManifest) manifest
      = base >= 0 ? vb_manifest_load (base, info->vps, job->base, &error) : NULL;
  if (manifest == NULL)
    {
      log_full (job, "each disk", error->message);
      return -1;
    }
  return g_steal_fd (&base);
}

static gboolean
resume_disk (Job *job, VbDiskCopy *disk, int partial, int base)
{
  const VbBackupInfo *info = job->manifest->info;
  g_autoptr (GError) reason = NULL;

  if (!job->resumed)
    return FALSE;
  if (vb_disk_copy_resume (disk, partial, base, &reason))
    return TRUE;
  vb_log_info (info->vps, job->operation, info->id, "The copy of %s restarts: %s",
               vb_disk_copy_get_target (disk), reason->message);
  return FALSE;
}

/* The image of a disk that can share the base's extents does so. */
static gboolean
prepare_disk (Job *job, VbDiskCopy *disk, int partial, int base, GError **error)
{
  g_autoptr (GError) reason = NULL;

  if (resume_disk (job, disk, partial, base))
    return TRUE;
  if (!vb_disk_copy_create (disk, partial, error))
    return FALSE;
  if (base >= 0 && !vb_disk_copy_clone (disk, base, &reason))
    log_full (job, vb_disk_copy_get_target (disk), reason->message);
  return vb_disk_copy_begin_marks (disk, partial, error);
}

static gboolean
prepare (Job *job, int partial, GCancellable *stop, GError **error)
{
  guint64 todo = 0, done = 0;

  vb_autofd int base = open_base (job);
  for (guint i = 0; i < job->disks->len; i++)
    {
      VbDiskCopy *disk = g_ptr_array_index (job->disks, i);
      if (!vb_disk_copy_connect (disk, stop, error)
          || !prepare_disk (job, disk, partial, base, error))
        {
          g_prefix_error (error, "Failed to prepare to copy %s: ", vb_disk_copy_get_target (disk));
          return FALSE;
        }
      /* At once, since the disk has one connection less after it. */
      if (!vb_disk_copy_scan (disk, partial, stop, error))
        return FALSE;
      todo += vb_disk_copy_get_todo (disk);
      done += vb_disk_copy_get_done (disk);
    }
  vb_transfer_set_total (job->transfer, done + todo);
  vb_transfer_set_done (job->transfer, done);
  return vb_pool_layout_check_space (job->folder, job->root, todo, error);
}

static gboolean
look_at_space (gpointer data, GError **error)
{
  Job *job = data;
  return vb_pool_layout_check_space (job->folder, job->root, 0, error);
}

static gboolean
copy_disks (Job *job, int partial, GCancellable *stop, GError **error)
{
  VbBackupInfo *info = job->manifest->info;
  gboolean incremental = job->disks->len > 0;

  info->size_bytes = 0;
  for (guint i = 0; i < job->disks->len; i++)
    {
      VbDiskCopy *disk = g_ptr_array_index (job->disks, i);
      if (!vb_disk_copy_run (disk, partial, look_at_space, job, job->transfer, stop, error))
        return FALSE;

      VbBackupDisk *entry = vb_backup_info_add_disk (info, vb_disk_copy_get_target (disk));
      entry->virtual_size_bytes = vb_disk_copy_get_virtual_size (disk);
      entry->size_bytes = vb_disk_copy_get_size (disk);
      if (vb_disk_copy_get_origin (disk))
        entry->origin = vb_disk_origin_ref (vb_disk_copy_get_origin (disk));
      info->size_bytes += entry->size_bytes;
      incremental = incremental && vb_disk_copy_is_incremental (disk);
    }
  info->incremental = incremental;
  job->manifest->base = incremental ? g_strdup (job->base) : NULL;
  return TRUE;
}

/* First of all: unlike the disks it is not held as it is. */
static gboolean
write_definition (Job *job, int partial, GError **error)
{
  return vb_domain_files_write (job->definition, partial, job->resumed, job->manifest, error);
}

static gboolean
write_manifest (Job *job, int partial, GError **error)
{
  g_autofree char *text = vb_manifest_to_text (job->manifest);

  for (guint i = 0; i < job->disks->len; i++)
    if (!vb_disk_copy_end_marks (g_ptr_array_index (job->disks, i), partial, error))
      return FALSE;
  return vb_files_replace (partial, VB_MANIFEST_FILE, text, strlen (text), error);
}

/* Returns: a descriptor of the folder, that of an earlier run if there is one to be taken up */
static int
open_partial (Job *job, GError **error)
{
  const VbBackupInfo *info = job->manifest->info;

  int partial
      = job->resumed ? vb_pool_layout_open_partial (job->root, info->vps, info->id, NULL) : -1;
  if (partial >= 0)
    return partial;
  if (!vb_pool_layout_remove_partial (job->root, info->vps, info->id, error))
    return -1;
  return vb_pool_layout_make_partial (job->root, info->vps, info->id, error);
}

static gboolean
fill_folder (Job *job, GCancellable *stop, GError **error)
{
  vb_autofd int partial = open_partial (job, error);
  if (partial < 0)
    return FALSE;

  VB_FAULT_POINT ("capture.partial");
  gboolean ok = VB_FAULT_AROUND (write_definition (job, partial, error), "capture.definition")
                && prepare (job, partial, stop, error)
                && VB_FAULT_AROUND (copy_disks (job, partial, stop, error), "capture.copy")
                && VB_FAULT_AROUND (write_manifest (job, partial, error), "capture.texts")
                && vb_run_abandonable_check (stop, error);
  /* The images must not stay open: while they are, their space is not free. */
  g_ptr_array_set_size (job->disks, 0);
  return ok;
}

static void
remove_partial (gpointer data)
{
  Job *job = data;
  const VbBackupInfo *info = job->manifest->info;
  g_autoptr (GError) error = NULL;

  if (job->lasting && vb_transfer_is_suspended (job->transfer))
    return;
  if (!vb_pool_layout_remove_partial (job->root, info->vps, info->id, &error))
    vb_log_warning (info->vps, job->operation, info->id,
                    "Failed to remove an incomplete backup: %s", error->message);
}

static gboolean
work (gpointer data, GCancellable *stop, GError **error)
{
  Job *job = data;

  job->root = vb_pool_layout_open (job->folder, NULL, error);
  if (job->root < 0)
    return FALSE;
  gboolean ok = fill_folder (job, stop, error);
  if (!ok)
    remove_partial (job);
  return ok;
}

/* --- in the caller's thread --- */

static VbDiskCopy *
serve (const VbCaptureDisk *disk,
       const char *bitmap,
       GPtrArray *servers,
       GCancellable *stop,
       GError **error)
{
  g_autofree char *context = bitmap ? g_strconcat (BITMAP_CONTEXT, bitmap, NULL) : NULL;

  if (disk->chain == NULL)
    {
      vb_error_set_public (error, VB_ERROR_DISK_MISSING);
      return NULL;
    }
  g_autoptr (VbNbdServer) server = vb_nbd_server_start (disk->chain, bitmap, error);
  if (server == NULL)
    return NULL;
  g_autoptr (VbDiskCopy) copy
      = vb_disk_copy_new (disk->target, vb_nbd_server_get_socket (server), NULL, context);
  if (!vb_disk_copy_connect (copy, stop, error))
    {
      g_autofree char *complaint = vb_nbd_server_dup_complaint (server);
      g_prefix_error (error, "Failed to open %s (%s): ", disk->target, complaint);
      return NULL;
    }
  g_ptr_array_add (servers, g_steal_pointer (&server));
  return g_steal_pointer (&copy);
}

/* The servers belong to the caller: they must be gone when it returns, even if the thread hangs. */
static VbDiskCopy *
serve_disk (Job *job,
            const VbCaptureDisk *disk,
            const char *bitmap,
            GPtrArray *servers,
            GError **error)
{
  GCancellable *stop = vb_transfer_get_cancellable (job->transfer);
  g_autoptr (GError) local = NULL;

  VbDiskCopy *copy = bitmap ? serve (disk, bitmap, servers, stop, &local) : NULL;
  if (copy)
    return copy;
  if (local)
    log_full (job, disk->target, local->message); /* the bitmap is missing or inconsistent */
  return serve (disk, NULL, servers, stop, error);
}

static gboolean
add_disks (Job *job, const VbCapture *capture, GPtrArray *servers, GError **error)
{
  for (guint i = 0; i < capture->disks->len; i++)
    {
      const VbCaptureDisk *disk = g_ptr_array_index (capture->disks, i);
      const char *changed = capture->base_backup ? disk->changed_context : NULL;

      if (!vb_manifest_is_target (disk->target))
        {
          g_set_error (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                       "The disk name “%s” cannot be used", disk->target);
          return FALSE;
        }
      VbDiskCopy *copy = disk->nbd_socket ? vb_disk_copy_new (disk->target, disk->nbd_socket,
                                                              disk->nbd_export, changed)
                                          : serve_disk (job, disk, changed, servers, error);
      if (copy == NULL)
        return FALSE;
      vb_disk_copy_set_origin (copy, disk->origin, disk->base_target);
      g_ptr_array_add (job->disks, copy);
      g_ptr_array_add (job->manifest->formats, g_strdup (disk->format ? disk->format : "raw"));
    }
  return TRUE;
}

static Job *
job_new (const VbPoolLayout *folder,
         gboolean reflinks,
         VbIdLocks *busy,
         const VbCapture *capture,
         VbTransfer *transfer)
{
  Job *job = g_atomic_rc_box_new0 (Job);
  job->folder = vb_pool_layout_copy (folder);
  job->reflinks = reflinks;
  job->busy = vb_id_locks_ref (busy);
  job->transfer = g_object_ref (transfer);
  job->resumed = capture->resumed;
  job->lasting = capture->running;
  job->operation = g_strdup (capture->operation);
  job->base = g_strdup (capture->base_backup);
  job->disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_copy_free);
  job->root = -1;
  return job;
}

static VbManifest *
begin_manifest (const VbCapture *capture, const VbBackupInfo *info)
{
  VbManifest *manifest = vb_manifest_new (info);
  g_ptr_array_set_size (manifest->info->disks, 0);
  manifest->info->consistency = capture->consistency;
  for (guint i = 0; i < capture->skipped->len; i++)
    {
      const VbSkippedDisk *skipped = g_ptr_array_index (capture->skipped, i);
      vb_manifest_add_skipped (manifest, skipped->target, skipped->reason);
    }
  return manifest;
}

static void
take_result (const Job *job, VbBackupInfo *info)
{
  const VbBackupInfo *from = job->manifest->info;

  vb_backup_info_take_disks (info, from);
  info->size_bytes = from->size_bytes;
  info->incremental = from->incremental;
}

static void
log_complaints (const VbCapture *capture, GPtrArray *servers)
{
  for (guint i = 0; i < servers->len; i++)
    {
      g_autofree char *complaint = vb_nbd_server_dup_complaint (g_ptr_array_index (servers, i));
      if (*complaint)
        vb_log_warning (capture->vps, capture->operation, capture->backup, "%s", complaint);
    }
}

gboolean
vb_capture_job_run (const VbPoolLayout *folder,
                    gboolean reflinks,
                    VbIdLocks *busy,
                    const VbCapture *capture,
                    VbBackupInfo *info,
                    VbTransfer *transfer,
                    GError **error)
{
  g_autoptr (GPtrArray) servers
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_nbd_server_free);
  g_autoptr (Job) job = job_new (folder, reflinks, busy, capture, transfer);

  job->manifest = begin_manifest (capture, info);
  if (!vb_id_locks_acquire (busy, info->id, transfer, error))
    return FALSE;
  job->busy_id = g_strdup (info->id);
  job->definition = vb_domain_files_new (capture, error);
  if (job->definition == NULL || !add_disks (job, capture, servers, error))
    return FALSE;

  gboolean ok = vb_run_abandonable (transfer, work, remove_partial, g_atomic_rc_box_acquire (job),
                                    job_unref, error);
  if (ok)
    take_result (job, info);
  else
    log_complaints (capture, servers);
  return ok;
}
