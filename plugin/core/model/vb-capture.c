/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-capture.h"

static const char *const consistency_words[] = { "crash", "filesystem", "offline" };

const char *
vb_consistency_to_string (VbConsistency consistency)
{
  return consistency_words[consistency];
}

VbConsistency
vb_consistency_from_string (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (consistency_words); i++)
    if (g_strcmp0 (consistency_words[i], text) == 0)
      return (VbConsistency) i;
  return VB_CONSISTENCY_CRASH;
}

static void
capture_disk_free (VbCaptureDisk *disk)
{
  g_free (disk->target);
  g_free (disk->nbd_socket);
  g_free (disk->nbd_export);
  g_free (disk->path);
  g_clear_pointer (&disk->chain, vb_image_chain_unref);
  g_clear_pointer (&disk->stamps, g_array_unref);
  g_free (disk->format);
  g_free (disk->changed_context);
  g_free (disk->base_target);
  g_clear_pointer (&disk->origin, vb_disk_origin_unref);
  g_free (disk);
}

static void
skipped_disk_free (VbSkippedDisk *disk)
{
  g_free (disk->target);
  g_free (disk->reason);
  g_free (disk);
}

VbCapture *
vb_capture_new (const char *vps, const char *backup, const char *operation)
{
  VbCapture *self = g_new0 (VbCapture, 1);
  self->vps = g_strdup (vps);
  self->backup = g_strdup (backup);
  self->operation = g_strdup (operation);
  self->disks = g_ptr_array_new_with_free_func ((GDestroyNotify) capture_disk_free);
  self->skipped = g_ptr_array_new_with_free_func ((GDestroyNotify) skipped_disk_free);
  return self;
}

void
vb_capture_free (VbCapture *self)
{
  g_free (self->vps);
  g_free (self->backup);
  g_free (self->operation);
  g_free (self->domain_xml);
  g_free (self->nvram_path);
  g_free (self->base_backup);
  g_free (self->full_reason);
  g_ptr_array_unref (self->disks);
  g_ptr_array_unref (self->skipped);
  g_free (self);
}

VbCaptureDisk *
vb_capture_add_disk (VbCapture *self, const char *target)
{
  VbCaptureDisk *disk = g_new0 (VbCaptureDisk, 1);
  disk->target = g_strdup (target);
  g_ptr_array_add (self->disks, disk);
  return disk;
}

void
vb_capture_add_skipped (VbCapture *self, const char *target, const char *reason)
{
  VbSkippedDisk *disk = g_new0 (VbSkippedDisk, 1);
  disk->target = g_strdup (target);
  disk->reason = g_strdup (reason);
  g_ptr_array_add (self->skipped, disk);
}
