/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-live-resume.h"

#include "vb-capture-base.h"
#include "libvirt/checkpoint/vb-disk-mark.h"
#include "libvirt/checkpoint/vb-libvirt-origins.h"
#include "libvirt/xml/vb-backup-xml.h"
#include "core/base/vb-error.h"
#include "vb-libvirt-backup.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint.h"

static VbBackupJobXml *
read_job (virDomainPtr domain, const char *operation, GError **error)
{
  gboolean running = FALSE;
  char *text;
  VbBackupJobXml *job;

  if (!vb_libvirt_backup_is_running (domain, operation, &running, error))
    return NULL;
  if (!running)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "The backup job has ended");
      return NULL;
    }
  text = virDomainBackupGetXMLDesc (domain, 0);
  job = text != NULL ? vb_backup_job_xml_parse (text) : NULL;
  if (text == NULL)
    vb_libvirt_set_error (error, "Failed to ask for the backup job");
  else if (job == NULL)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "The backup job is not one of ours");
  free (text);
  return job;
}

static gboolean
add_disk (VbCapture *capture,
          virDomainPtr domain,
          const VbBackupJobXml *job,
          const VbBackupJobDisk *from,
          GError **error)
{
  virDomainBlockInfo info;
  VbCaptureDisk *disk;

  if (virDomainGetBlockInfo (domain, from->target, &info, 0) < 0)
    {
      vb_libvirt_set_error (error, "Failed to ask for the size of the disk %s", from->target);
      return FALSE;
    }
  disk = vb_capture_add_disk (capture, from->target);
  disk->virtual_size_bytes = info.capacity;
  disk->nbd_socket = g_strdup (job->socket);
  disk->nbd_export = g_strdup (from->export_name);
  if (from->bitmap != NULL)
    disk->changed_context = g_strconcat ("qemu:dirty-bitmap:", from->bitmap, NULL);
  if (from->base != NULL && capture->base_backup == NULL)
    capture->base_backup = vb_libvirt_checkpoint_backup (from->base);
  return TRUE;
}

/* In the order of the definition, as in the beginning. A disk that was plugged in since is not part
 * of it. */
static gboolean
add_disks (VbCapture *capture,
           virDomainPtr domain,
           VbDomainXml *xml,
           const VbBackupJobXml *job,
           GError **error)
{
  for (guint i = 0; i < xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      const VbBackupJobDisk *from = g_hash_table_lookup (job->disks, disk->target);

      if (disk->skipped != NULL)
        vb_capture_add_skipped (capture, disk->target, disk->skipped);
      else if (from != NULL && !add_disk (capture, domain, job, from, error))
        return FALSE;
    }
  if (capture->disks->len == g_hash_table_size (job->disks))
    return TRUE;
  g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "A disk that was being read is gone");
  return FALSE;
}

static const VbBackupInfo *
find_backup (GPtrArray *backups, const char *id)
{
  for (guint i = 0; backups != NULL && id != NULL && i < backups->len; i++)
    if (g_str_equal (((const VbBackupInfo *) g_ptr_array_index (backups, i))->id, id))
      return g_ptr_array_index (backups, i);
  return NULL;
}

static GHashTable *
incremental_targets (VbCapture *capture)
{
  GHashTable *targets = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (capture->disks, i);

      if (disk->changed_context != NULL)
        g_hash_table_add (targets, disk->target);
    }
  return targets;
}

/* Which disks have a bitmap of the backup is what libvirt has noted of its checkpoint. */
static GHashTable *
tracked_targets (virDomainPtr domain, VbDomainXml *xml, const char *backup)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (backup);

  return vb_libvirt_checkpoint_targets (domain, xml, name);
}

/* The lower images may have been changed since the point in time, so nothing is known of them. */
static void
forget_layers (GHashTable *origins)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, origins);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      VbDiskOrigin *origin = value;

      if (origin->layers != NULL && origin->layers->len > 0)
        g_clear_pointer (&origin->layers, g_ptr_array_unref);
    }
}

/* Returns FALSE when it is not known any more what the changes count from. */
static gboolean
set_origins (VbCapture *capture,
             virDomainPtr domain,
             VbDomainXml *xml,
             const VbCaptureRequest *request,
             GError **error)
{
  const VbBackupInfo *base = find_backup (request->backups, capture->base_backup);
  g_autoptr (GHashTable) ids = vb_disk_marks_read (domain, xml);
  g_autoptr (GHashTable) origins = vb_libvirt_origins_look (xml, ids);
  g_autoptr (GHashTable) candidates = incremental_targets (capture);
  g_autoptr (GHashTable) tracked = tracked_targets (domain, xml, request->backup);
  g_autoptr (GHashTable) matched = NULL;

  if (base != NULL)
    matched = vb_capture_base_match (request, base, candidates, origins);
  if (g_hash_table_size (candidates) > 0
      && (matched == NULL || g_hash_table_size (matched) != g_hash_table_size (candidates)))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                           "It is not known any more what the changes count from");
      return FALSE;
    }
  forget_layers (origins);
  vb_capture_set_origins (capture, base, matched, origins, tracked);
  return TRUE;
}

static VbScratch *
scratch_of (const VbBackupJobXml *job)
{
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer disk;

  g_hash_table_iter_init (&iter, job->disks);
  while (g_hash_table_iter_next (&iter, NULL, &disk))
    {
      const VbBackupJobDisk *from = disk;

      g_hash_table_replace (paths, g_strdup (from->target), g_strdup (from->scratch));
    }
  return vb_scratch_new_for_paths (paths);
}

VbLiveJob *
vb_live_resume (VbConnectionPool *gate,
                virDomainPtr domain,
                VbDomainXml *xml,
                VbCapture *capture,
                const VbCaptureRequest *request,
                GError **error)
{
  g_autoptr (VbBackupJobXml) job = read_job (domain, request->operation, error);
  VbLiveJob *live;

  if (job == NULL || !add_disks (capture, domain, xml, job, error)
      || !set_origins (capture, domain, xml, request, error))
    return NULL;
  capture->running = TRUE;
  capture->resumed = TRUE;
  live = vb_live_job_new (gate, request->vps, request->operation, scratch_of (job),
                          request->scratch_reserve_bytes);
  vb_live_job_know_process (live, job->socket);
  vb_live_job_watch (live);
  return live;
}
