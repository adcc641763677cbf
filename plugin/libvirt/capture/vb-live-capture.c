/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-live-capture.h"

#include "libvirt/xml/vb-backup-xml.h"
#include "vb-capture-base.h"
#include "vb-capture-folder.h"
#include "libvirt/domain/vb-disk-image.h"
#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"
#include "libvirt/domain/vb-guest-agent.h"
#include "libvirt/domain/vb-libvirt-disks.h"
#include "vb-libvirt-backup.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint-repair.h"
#include "core/base/vb-log.h"
#include "libvirt/checkpoint/vb-disk-mark.h"
#include "libvirt/checkpoint/vb-libvirt-origins.h"

typedef struct
{
  VbConnectionPool *gate;
  virDomainPtr domain;
  VbDomainXml *xml;
  VbCapture *capture;
  const VbCaptureRequest *request;
  const char *runtime_folder;
  char *folder;
  char *socket;
  char *checkpoint;
  VbScratch *scratch;
  const char *unwanted;     /* why no checkpoint may be made, or NULL */
  GHashTable *recordable;   /* set of the targets that can have a bitmap */
  GHashTable *origins;      /* target → VbDiskOrigin */
  const VbBackupInfo *base; /* what is read incrementally counts from it, or NULL */
  GHashTable
      *base_targets;   /* target → target in the base, of what is read incrementally, or NULL */
  gboolean is_tracked; /* there is a checkpoint of the new backup */
} Begin;

static void
begin_clear (Begin *begin)
{
  g_free (begin->folder);
  g_free (begin->socket);
  g_free (begin->checkpoint);
  g_clear_pointer (&begin->scratch, vb_scratch_free);
  g_hash_table_unref (begin->recordable);
  g_clear_pointer (&begin->origins, g_hash_table_unref);
  g_clear_pointer (&begin->base_targets, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Begin, begin_clear)

static gboolean
read_sizes (Begin *begin, GError **error)
{
  for (guint i = 0; i < begin->xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (begin->xml->disks, i);
      virDomainBlockInfo info;
      VbCaptureDisk *entry;

      if (disk->skipped != NULL)
        {
          vb_capture_add_skipped (begin->capture, disk->target, disk->skipped);
          continue;
        }
      if (virDomainGetBlockInfo (begin->domain, disk->target, &info, 0) < 0)
        {
          vb_libvirt_set_error (error, "Failed to ask for the size of the disk %s", disk->target);
          return FALSE;
        }
      entry = vb_capture_add_disk (begin->capture, disk->target);
      entry->virtual_size_bytes = info.capacity;
      entry->format = g_strdup (disk->format);
      if (begin->unwanted == NULL && vb_disk_image_can_hold_bitmaps (disk))
        g_hash_table_add (begin->recordable, g_strdup (disk->target));
    }
  return TRUE;
}

/* libvirt would make us wait half a minute for another's job. */
static gboolean
check_idle (Begin *begin, GError **error)
{
  gboolean running;

  if (!vb_libvirt_backup_is_running (begin->domain, NULL, &running, error))
    return FALSE;
  if (running)
    g_set_error (error, VB_ERROR, VB_ERROR_DISK_BUSY,
                 "Another program is making a backup of the VPS");
  return !running && vb_libvirt_disks_check_idle (begin->domain, begin->xml, error);
}

static gboolean
has_block_device (VbDomainXml *xml)
{
  for (guint i = 0; i < xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (disk->skipped == NULL && disk->is_block)
        return TRUE;
    }
  return FALSE;
}

static gboolean
prepare_files (Begin *begin, GError **error)
{
  const char *operation = begin->request->operation;
  gint64 uid = begin->xml->qemu_uid;
  gint64 gid = begin->xml->qemu_gid;
  g_autofree char *scratch_folder = NULL;

  begin->folder = vb_capture_folder_create (begin->runtime_folder, operation, uid, gid, error);
  if (begin->folder == NULL)
    return FALSE;
  if (has_block_device (begin->xml))
    {
      scratch_folder = vb_capture_folder_create_scratch (begin->folder, operation, uid, gid, error);
      if (scratch_folder == NULL)
        return FALSE;
    }
  begin->socket = vb_capture_folder_socket (begin->folder);
  begin->scratch = vb_scratch_new (begin->xml, operation, scratch_folder);
  return vb_scratch_check (begin->scratch, begin->request->scratch_reserve_bytes, error);
}

/* Since libvirt 11.10 a guest that shuts down stays, reset and paused, until the job ends: its point in time is not lost. The
 * program may have been built with an older one. */
static unsigned int
job_flags (Begin *begin)
{
  static const unsigned long preserving_libvirt = 11010000;
  static const unsigned int preserve_shutdown_domain = 1 << 1; /* libvirt-domain.h of 11.10 */
  unsigned long version = 0;

  if (virConnectGetLibVersion (virDomainGetConnect (begin->domain), &version) < 0)
    return 0;
  return version >= preserving_libvirt ? preserve_shutdown_domain : 0;
}

static gboolean
begin_job (Begin *begin, const char *base, gboolean with_checkpoint)
{
  g_autofree char *backup = vb_backup_xml (
      begin->xml, begin->socket, vb_scratch_get_paths (begin->scratch), base, begin->base_targets);
  g_autofree char *checkpoint = with_checkpoint ? vb_checkpoint_xml (begin->xml, begin->checkpoint,
                                                                     begin->recordable, NULL, 0)
                                                : NULL;

  begin->is_tracked = with_checkpoint;
  return VB_FAULT_AROUND (
             virDomainBackupBegin (begin->domain, backup, checkpoint, job_flags (begin)),
             "backup-begin")
         == 0;
}

static void
forget_base (Begin *begin, const char *base, const char *name)
{
  g_autoptr (GError) error = NULL;

  vb_log_info (begin->request->vps, begin->request->operation, begin->request->backup,
               "The changes since the backup %s are not known any more: %s", base,
               virGetLastErrorMessage ());
  if (!vb_libvirt_checkpoint_delete (begin->domain, name, &error))
    vb_log_warning (begin->request->vps, begin->request->operation, begin->request->backup, "%s",
                    error->message);
}

static gboolean
has_bases (Begin *begin)
{
  return begin->unwanted == NULL && begin->request->backups != NULL
         && begin->request->backups->len > 0;
}

/* Only these say that this base is the trouble, and another one may do. */
static gboolean
is_base_broken (void)
{
  int code = vb_libvirt_last_code ();

  return code == VIR_ERR_CHECKPOINT_INCONSISTENT || code == VIR_ERR_NO_DOMAIN_CHECKPOINT;
}

static GHashTable *
match_base (Begin *begin, const VbBackupInfo *base, const char *name)
{
  g_autoptr (GHashTable) candidates
      = vb_libvirt_checkpoint_targets (begin->domain, begin->xml, name);

  return candidates != NULL
             ? vb_capture_base_match (begin->request, base, candidates, begin->origins)
             : NULL;
}

/* Tries the bases in their order. Returns FALSE when none is any good, which libvirt's last error
 * then tells from other trouble. */
static gboolean
begin_incremental (Begin *begin, gboolean *give_up)
{
  *give_up = FALSE;
  for (guint i = 0; has_bases (begin) && i < begin->request->backups->len; i++)
    {
      const VbBackupInfo *base = g_ptr_array_index (begin->request->backups, i);
      g_autofree char *name = vb_libvirt_checkpoint_name (base->id);

      if (begin->request->read_all)
        return FALSE;
      begin->base_targets = match_base (begin, base, name);
      if (begin->base_targets == NULL)
        continue;
      if (begin_job (begin, name, TRUE))
        {
          begin->base = base;
          begin->capture->base_backup = g_strdup (base->id);
          return TRUE;
        }
      g_clear_pointer (&begin->base_targets, g_hash_table_unref);
      if (!is_base_broken ())
        {
          *give_up = TRUE;
          return FALSE;
        }
      forget_base (begin, base->id, name);
    }
  if (has_bases (begin))
    begin->capture->full_reason
        = g_strdup ("no disk has a whole record of its changes since an earlier backup");
  return FALSE;
}

/* An image that cannot hold a bitmap for a reason of its own still can be read whole. */
static gboolean
may_work_without_checkpoint (Begin *begin)
{
  int code = vb_libvirt_last_code ();

  return g_hash_table_size (begin->recordable) > 0 && code != VIR_ERR_OPERATION_TIMEOUT
         && code != VIR_ERR_OPERATION_INVALID && code != VIR_ERR_NO_DOMAIN
         && !vb_libvirt_last_is_connection ();
}

static gboolean
begin_any (Begin *begin, GError **error)
{
  gboolean give_up;

  if (begin_incremental (begin, &give_up))
    return TRUE;
  if (!give_up)
    {
      if (has_bases (begin))
        vb_libvirt_checkpoint_repair_online (begin->domain, begin->xml, begin->request->backups);
      if (begin_job (begin, NULL, g_hash_table_size (begin->recordable) > 0))
        return TRUE;
      if (may_work_without_checkpoint (begin))
        {
          vb_log_warning (begin->request->vps, begin->request->operation, begin->request->backup,
                          "The next backup cannot build on this one: %s",
                          virGetLastErrorMessage ());
          if (begin_job (begin, NULL, FALSE))
            return TRUE;
        }
    }
  vb_libvirt_set_error (error, "Failed to begin the backup job");
  return FALSE;
}

/* The lower images are looked at before the point in time: a change after that is one. */
static void
identify (Begin *begin)
{
  g_autoptr (GHashTable) ids = begin->unwanted == NULL
                                   ? vb_disk_marks_ensure (begin->domain, begin->xml)
                                   : vb_disk_marks_read (begin->domain, begin->xml);

  begin->origins = vb_libvirt_origins_look (begin->xml, ids);
}

static gboolean
should_freeze (Begin *begin)
{
  VbPower power;

  return begin->request->freeze_timeout_s > 0 && begin->xml->agent_connected
         && vb_libvirt_get_power (begin->domain, &power, NULL) && power == VB_POWER_RUNNING;
}

static gboolean
begin_frozen (Begin *begin, GError **error)
{
  const char *operation = begin->request->operation;
  gboolean ask = should_freeze (begin);
  gboolean frozen
      = ask && vb_guest_agent_freeze (begin->domain, begin->request->freeze_timeout_s, operation);
  gboolean begun = begin_any (begin, error);
  /* Also after a freeze that failed: the guest may have frozen after we stopped waiting. */
  gboolean thawed = ask && vb_guest_agent_thaw (begin->gate, begin->domain, operation);

  /* A guest that thawed by itself before (as Windows does after 10 s) says so by refusing the
   * thaw. */
  begin->capture->consistency = frozen && thawed ? VB_CONSISTENCY_FILESYSTEM : VB_CONSISTENCY_CRASH;
  return begun;
}

static void
name_exports (Begin *begin)
{
  for (guint i = 0; i < begin->capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (begin->capture->disks, i);
      g_autofree char *bitmap = vb_backup_xml_bitmap (disk->target);

      disk->nbd_socket = g_strdup (begin->socket);
      disk->nbd_export = g_strdup (disk->target);
      if (begin->base_targets != NULL && g_hash_table_contains (begin->base_targets, disk->target))
        disk->changed_context = g_strconcat ("qemu:dirty-bitmap:", bitmap, NULL);
    }
}

/* libvirt undoes a begin that fails; this is for what it may have overlooked. */
static void
undo (Begin *begin)
{
  g_autoptr (GError) error = NULL;

  if (!vb_libvirt_backup_abort (begin->domain, begin->request->operation, &error)
      || !vb_libvirt_checkpoint_delete (begin->domain, begin->checkpoint, &error))
    vb_log_warning (begin->request->vps, begin->request->operation, begin->request->backup, "%s",
                    error->message);
  if (begin->scratch != NULL)
    vb_scratch_remove (begin->scratch);
  vb_capture_folder_remove (begin->runtime_folder, begin->request->operation);
}

/* What an earlier backup has left goes, so that the next revert works. */
static void
let_go (Begin *begin)
{
  g_autoptr (GError) error = NULL;

  begin->capture->full_reason = g_strdup (begin->unwanted);
  if (!vb_libvirt_checkpoint_forget (begin->domain, &error))
    vb_log_warning (begin->request->vps, begin->request->operation, begin->request->backup,
                    "Failed to release the checkpoints: %s", error->message);
}

VbLiveJob *
vb_live_capture_begin (VbConnectionPool *gate,
                       const char *runtime_folder,
                       virDomainPtr domain,
                       VbDomainXml *xml,
                       VbCapture *capture,
                       const VbCaptureRequest *request,
                       GCancellable *cancellable,
                       GError **error)
{
  g_auto (Begin) begin = {
    .gate = gate,
    .domain = domain,
    .xml = xml,
    .capture = capture,
    .request = request,
    .runtime_folder = runtime_folder,
    .checkpoint = vb_libvirt_checkpoint_name (request->backup),
    .recordable = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
  VbLiveJob *job;

  if (!vb_libvirt_checkpoint_is_wanted (domain, xml, &begin.unwanted))
    let_go (&begin);
  if (!read_sizes (&begin, error) || !check_idle (&begin, error))
    return NULL;
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_CANCELLED, "Cancelled");
      return NULL;
    }
  /* Else it is seen from the bases whether there is anything to heal; the guest waits for that,
   * frozen. */
  if (!has_bases (&begin))
    vb_libvirt_checkpoint_repair_online (domain, xml, NULL);
  identify (&begin);
  if (!prepare_files (&begin, error) || !begin_frozen (&begin, error))
    {
      undo (&begin);
      return NULL;
    }
  capture->running = TRUE;
  name_exports (&begin);
  vb_capture_set_origins (capture, begin.base, begin.base_targets, begin.origins,
                          begin.is_tracked ? begin.recordable : NULL);
  job = vb_live_job_new (gate, request->vps, request->operation, g_steal_pointer (&begin.scratch),
                         request->scratch_reserve_bytes);
  vb_live_job_know_process (job, begin.socket);
  vb_live_job_watch (job);
  return job;
}
