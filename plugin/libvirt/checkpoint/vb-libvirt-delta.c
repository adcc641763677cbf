/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-delta.h"

#include "libvirt/xml/vb-backup-xml.h"
#include "libvirt/domain/vb-disk-image.h"
#include "core/base/vb-error.h"
#include "vb-disk-mark.h"
#include "vb-libvirt-checkpoint.h"
#include "vb-libvirt-origins.h"
#include "libvirt/domain/vb-libvirt-disks.h"
#include "vb-qcow2-bitmap.h"

static gboolean
set_unknown (const VbDomainDisk *disk, GError **error)
{
  g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND,
               "The changes of the disk %s since the backup are not known", disk->target);
  return FALSE;
}

/* libvirt adds the sizes up only for a VPS that is on. */
static GHashTable *
read_live_sizes (virDomainPtr domain, VbDomainXml *xml, const char *name)
{
  g_autoptr (GHashTable) targets = vb_libvirt_checkpoint_targets (domain, xml, name);
  virDomainCheckpointPtr checkpoint;
  GHashTable *sizes;
  char *text;

  if (targets == NULL)
    return NULL;
  checkpoint = virDomainCheckpointLookupByName (domain, name, 0);
  if (checkpoint == NULL)
    return NULL;
  text = virDomainCheckpointGetXMLDesc (checkpoint, VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
                                                        | VIR_DOMAIN_CHECKPOINT_XML_SIZE);
  virDomainCheckpointFree (checkpoint);
  if (text == NULL)
    return NULL;
  sizes = vb_checkpoint_xml_sizes (text);
  free (text);
  return sizes;
}

static gboolean
measure_live (virDomainPtr domain,
              VbDomainXml *xml,
              const char *name,
              guint64 *bytes,
              GError **error)
{
  g_autoptr (GHashTable) sizes = read_live_sizes (domain, xml, name);

  *bytes = 0;
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      const guint64 *size = sizes != NULL ? g_hash_table_lookup (sizes, disk->target) : NULL;

      if (disk->skipped != NULL)
        continue;
      if (size == NULL)
        return set_unknown (disk, error);
      *bytes += *size;
    }
  return TRUE;
}

/* Returns NULL unless the bitmap is whole. */
static VbDiskImage *
read_tracked (const VbDomainDisk *disk, const char *name, GError **error)
{
  g_autoptr (VbDiskImage) image
      = vb_disk_image_can_hold_bitmaps (disk) ? vb_disk_image_read (disk, NULL) : NULL;

  if (image != NULL && GPOINTER_TO_INT (g_hash_table_lookup (image->bitmaps, name)))
    return g_steal_pointer (&image);
  set_unknown (disk, error);
  return NULL;
}

static gboolean
measure_offline (VbDomainXml *xml, const char *name, guint64 *bytes, GError **error)
{
  *bytes = 0;
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      g_autoptr (VbDiskImage) image = NULL;
      guint64 size;

      if (disk->skipped != NULL)
        continue;
      image = read_tracked (disk, name, error);
      if (image == NULL)
        return FALSE;
      if (!vb_qcow2_bitmap_count (disk->path, name, &size, error))
        return FALSE;
      *bytes += size;
    }
  return TRUE;
}

gboolean
vb_libvirt_delta_measure (virDomainPtr domain, const char *backup, guint64 *bytes, GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (backup);
  g_autoptr (VbDomainXml) xml = vb_libvirt_disks_read (domain, error);
  gboolean active;

  if (xml == NULL || !vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  return active ? measure_live (domain, xml, name, bytes, error)
                : measure_offline (xml, name, bytes, error);
}

static void
set_origins (virDomainPtr domain, VbDomainXml *xml, VbCapture *delta)
{
  g_autoptr (GHashTable) ids = vb_disk_marks_read (domain, xml);
  g_autoptr (GHashTable) origins = vb_libvirt_origins_look (xml, ids);

  for (guint i = 0; i < delta->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (delta->disks, i);

      disk->origin = vb_disk_origin_ref (g_hash_table_lookup (origins, disk->target));
    }
}

VbCapture *
vb_libvirt_delta_begin (virDomainPtr domain,
                        const char *vps,
                        const char *operation,
                        const char *backup,
                        GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (backup);
  g_autoptr (VbDomainXml) xml = vb_libvirt_disks_read (domain, error);
  g_autoptr (VbCapture) delta = vb_capture_new (vps, backup, operation);

  if (xml == NULL)
    return NULL;
  delta->consistency = VB_CONSISTENCY_OFFLINE;
  delta->base_backup = g_strdup (backup);
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      g_autoptr (VbDiskImage) image = NULL;
      VbCaptureDisk *entry;

      if (disk->skipped != NULL)
        continue;
      image = read_tracked (disk, name, error);
      if (image == NULL)
        return NULL;
      entry = vb_capture_add_disk (delta, disk->target);
      entry->virtual_size_bytes = image->virtual_size_bytes;
      entry->path = g_strdup (disk->path);
      entry->chain = vb_image_chain_ref (disk->chain);
      entry->format = g_strdup (disk->format);
      entry->changed_context = g_strdup (name);
    }
  set_origins (domain, xml, delta);
  return g_steal_pointer (&delta);
}
