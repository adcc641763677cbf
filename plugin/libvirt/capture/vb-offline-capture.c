/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-offline-capture.h"

#include "vb-capture-base.h"
#include "vb-image-stamps.h"
#include "libvirt/checkpoint/vb-disk-mark.h"
#include "libvirt/checkpoint/vb-libvirt-origins.h"
#include "libvirt/domain/vb-disk-image.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint-repair.h"
#include "core/base/vb-log.h"

typedef struct
{
  VbDomainXml *xml;
  VbCapture *capture;
  const VbCaptureRequest *request;
  GHashTable *images;  /* target → VbDiskImage */
  GHashTable *origins; /* target → VbDiskOrigin */
  const VbBackupInfo *base;
  GHashTable *base_targets; /* target → target in the base, of what is read incrementally */
  GHashTable *tracked;      /* set of the targets that got a bitmap */
} Begin;

static void
begin_clear (Begin *begin)
{
  g_clear_pointer (&begin->images, g_hash_table_unref);
  g_clear_pointer (&begin->origins, g_hash_table_unref);
  g_clear_pointer (&begin->base_targets, g_hash_table_unref);
  g_clear_pointer (&begin->tracked, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Begin, begin_clear)

static gboolean
read_images (Begin *begin, GError **error)
{
  for (guint i = 0; i < begin->xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (begin->xml->disks, i);
      VbDiskImage *image;
      VbCaptureDisk *entry;

      if (disk->skipped != NULL)
        {
          vb_capture_add_skipped (begin->capture, disk->target, disk->skipped);
          continue;
        }
      image = vb_disk_image_read (disk, error);
      if (image == NULL)
        return FALSE;
      g_hash_table_replace (begin->images, g_strdup (disk->target), image);
      entry = vb_capture_add_disk (begin->capture, disk->target);
      entry->virtual_size_bytes = image->virtual_size_bytes;
      entry->path = g_strdup (disk->path);
      entry->chain = vb_image_chain_ref (disk->chain);
      entry->format = g_strdup (disk->format);
    }
  return TRUE;
}

/* Bitmaps do not depend on each other, so that of the base says all that has changed since; a disk
 * without it is read whole. Returns whether any disk has it. */
static gboolean
use_base (Begin *begin, const VbBackupInfo *base)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (base->id);
  g_autoptr (GHashTable) candidates = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < begin->capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (begin->capture->disks, i);
      VbDiskImage *image = g_hash_table_lookup (begin->images, disk->target);

      if (GPOINTER_TO_INT (g_hash_table_lookup (image->bitmaps, name)))
        g_hash_table_add (candidates, disk->target);
    }
  begin->base_targets = vb_capture_base_match (begin->request, base, candidates, begin->origins);
  if (begin->base_targets == NULL)
    return FALSE;
  for (guint i = 0; i < begin->capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (begin->capture->disks, i);

      if (g_hash_table_contains (begin->base_targets, disk->target))
        disk->changed_context = g_strdup (name);
    }
  begin->base = base;
  return TRUE;
}

static void
choose_base (Begin *begin)
{
  GPtrArray *backups = begin->request->backups;
  guint n = backups != NULL && !begin->request->read_all ? backups->len : 0;

  for (guint i = 0; i < n; i++)
    if (use_base (begin, g_ptr_array_index (backups, i)))
      {
        begin->capture->base_backup = g_strdup (begin->base->id);
        return;
      }
  if (n > 0)
    begin->capture->full_reason
        = g_strdup ("no disk has a whole record of its changes since an earlier backup");
}

static gboolean
add_bitmaps (Begin *begin, const char *name, GError **error)
{
  for (guint i = 0; i < begin->xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (begin->xml->disks, i);

      if (disk->skipped != NULL || !vb_disk_image_can_hold_bitmaps (disk))
        continue;
      if (!vb_disk_image_add_bitmap (disk, name, error))
        return FALSE;
      g_hash_table_add (begin->tracked, disk->target);
    }
  return TRUE;
}

/* Without bitmaps the capture is as good, only the next one is not incremental; unless the reason
 * is that the VPS has just been started, which is for the caller to find out. */
static gboolean
add_bitmaps_or_do_without (Begin *begin, virDomainPtr domain, GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (begin->request->backup);
  g_autoptr (GError) local = NULL;
  gboolean active = TRUE;

  if (add_bitmaps (begin, name, &local))
    return TRUE;
  g_hash_table_remove_all (begin->tracked);
  if (!vb_libvirt_checkpoint_delete (domain, name, error)
      || !vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  if (active)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  vb_log_warning (begin->request->vps, begin->request->operation, begin->request->backup,
                  "The next backup cannot build on this one: %s", local->message);
  return TRUE;
}

static void
identify (Begin *begin, virDomainPtr domain, gboolean may_mark)
{
  g_autoptr (GHashTable) ids = may_mark ? vb_disk_marks_ensure (domain, begin->xml)
                                        : vb_disk_marks_read (domain, begin->xml);

  begin->origins = vb_libvirt_origins_look (begin->xml, ids);
}

/* Only now are our own bitmaps in them. */
static void
take_stamps (VbCapture *capture)
{
  for (guint i = 0; i < capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (capture->disks, i);
      disk->stamps = vb_image_stamps_take (disk->chain);
    }
}

gboolean
vb_offline_capture_check (VbCapture *capture, GError **error)
{
  for (guint i = 0; i < capture->disks->len; i++)
    {
      const VbCaptureDisk *disk = g_ptr_array_index (capture->disks, i);
      if (disk->stamps != NULL && !vb_image_stamps_check (disk->chain, disk->stamps, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vb_offline_capture_begin (virDomainPtr domain,
                          VbDomainXml *xml,
                          VbCapture *capture,
                          const VbCaptureRequest *request,
                          GError **error)
{
  g_auto (Begin) begin = {
    .xml = xml,
    .capture = capture,
    .request = request,
    .images
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) vb_disk_image_free),
    .tracked = g_hash_table_new (g_str_hash, g_str_equal),
  };
  const char *unwanted;
  gboolean wanted = vb_libvirt_checkpoint_is_wanted (domain, xml, &unwanted);

  if (!wanted && !vb_libvirt_checkpoint_forget (domain, error))
    return FALSE;
  capture->full_reason = g_strdup (unwanted);
  if (!read_images (&begin, error))
    return FALSE;
  if (wanted)
    vb_libvirt_checkpoint_repair_offline (domain, begin.images, request->backups);
  identify (&begin, domain, wanted);
  if (wanted)
    choose_base (&begin);
  /* Behind saved memory the disks are as they were in mid-run. */
  capture->consistency = virDomainHasManagedSaveImage (domain, 0) > 0 ? VB_CONSISTENCY_CRASH
                                                                      : VB_CONSISTENCY_OFFLINE;
  if (wanted && !add_bitmaps_or_do_without (&begin, domain, error))
    return FALSE;
  vb_capture_set_origins (capture, begin.base, begin.base_targets, begin.origins, begin.tracked);
  take_stamps (capture);
  return TRUE;
}
