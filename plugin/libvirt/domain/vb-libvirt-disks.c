/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-disks.h"

#include <sys/stat.h>

#include "vb-disk-chains.h"
#include "vb-disk-image.h"
#include "vb-libvirt-volumes.h"
#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

VbDomainXml *
vb_libvirt_disks_read (virDomainPtr domain, GError **error)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, error);

  if (xml == NULL)
    return NULL;
  if (xml->unsupported != NULL)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, xml->unsupported);
      return NULL;
    }
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (disk->trouble == NULL)
        continue;
      g_propagate_error (error, g_error_copy (disk->trouble));
      return NULL;
    }
  return g_steal_pointer (&xml);
}

gboolean
vb_libvirt_disks_find_unsupported (virDomainPtr domain,
                                   VbDomainXml *xml,
                                   gint64 limit_us,
                                   char **sentence,
                                   GError **error)
{
  gboolean active;

  *sentence = g_strdup (xml->unsupported);
  if (*sentence != NULL)
    return TRUE;
  if (!vb_libvirt_is_active (domain, &active, error)
      || !vb_libvirt_volumes_find (virDomainGetConnect (domain), xml, error)
      || !vb_disk_chains_look_within (xml, active, limit_us, error))
    return FALSE;
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (*sentence == NULL && g_error_matches (disk->trouble, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK))
        *sentence = g_strdup (disk->trouble->message);
    }
  return TRUE;
}

gboolean
vb_libvirt_disks_check_idle (virDomainPtr domain, VbDomainXml *xml, GError **error)
{
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      virDomainBlockJobInfo info;

      if (disk->skipped != NULL || virDomainGetBlockJobInfo (domain, disk->target, &info, 0) <= 0)
        continue;
      g_set_error (
          error, VB_ERROR, VB_ERROR_DISK_BUSY,
          _ ("The disk %s is being copied or moved by a block job; wait until it has ended."),
          disk->target);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_live_sizes (virDomainPtr domain, const VbDomainDisk *entry, VbDisk *disk, GError **error)
{
  virDomainBlockInfo info;

  if (virDomainGetBlockInfo (domain, entry->target, &info, 0) < 0)
    {
      vb_libvirt_set_error (error, "Failed to ask for the size of the disk %s", entry->target);
      return FALSE;
    }
  disk->virtual_size_bytes = info.capacity;
  disk->allocated_bytes = vb_disk_image_allocated (entry);
  return TRUE;
}

static gboolean
read_stored_sizes (const VbDomainDisk *entry, VbDisk *disk, GError **error)
{
  g_autoptr (VbDiskImage) image = vb_disk_image_read (entry, error);

  if (image == NULL)
    return FALSE;
  disk->virtual_size_bytes = image->virtual_size_bytes;
  disk->allocated_bytes = image->actual_size_bytes;
  return TRUE;
}

static VbDisk *
read_disk (virDomainPtr domain, const VbDomainDisk *entry, gboolean active, GError **error)
{
  g_autoptr (VbDisk) disk = vb_disk_new (entry->target, entry->path, entry->format);

  disk->is_block = entry->is_block;
  if (!(active ? read_live_sizes (domain, entry, disk, error)
               : read_stored_sizes (entry, disk, error)))
    return NULL;
  /* A block device tells nobody how much of it is in use. */
  if (disk->is_block)
    disk->allocated_bytes = disk->virtual_size_bytes;
  disk->allocated_bytes = MIN (disk->allocated_bytes, disk->virtual_size_bytes);
  return g_steal_pointer (&disk);
}

/* Returns NULL when there is none, as before the first start of the VPS. */
static VbDisk *
find_nvram (VbDomainXml *xml)
{
  struct stat status;
  VbDisk *nvram;

  if (xml->nvram_path == NULL || stat (xml->nvram_path, &status) != 0 || !S_ISREG (status.st_mode))
    return NULL;
  nvram = vb_disk_new ("nvram", xml->nvram_path, "raw");
  nvram->is_nvram = TRUE;
  nvram->virtual_size_bytes = nvram->allocated_bytes = (guint64) status.st_size;
  return nvram;
}

GPtrArray *
vb_libvirt_disks_list (virDomainPtr domain, GError **error)
{
  g_autoptr (GPtrArray) disks = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_free);
  g_autoptr (VbDomainXml) xml = vb_libvirt_disks_read (domain, error);
  VbDisk *nvram;
  gboolean active;

  if (xml == NULL || !vb_libvirt_is_active (domain, &active, error))
    return NULL;
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *entry = g_ptr_array_index (xml->disks, i);
      VbDisk *disk = NULL;

      if (entry->skipped != NULL)
        continue;
      disk = read_disk (domain, entry, active, error);
      if (disk == NULL)
        return NULL;
      g_ptr_array_add (disks, disk);
    }
  nvram = find_nvram (xml);
  if (nvram != NULL)
    g_ptr_array_add (disks, nvram);
  return g_steal_pointer (&disks);
}
