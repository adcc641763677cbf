/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-volumes.h"

#include "core/base/vb-error.h"
#include "core/base/vb-i18n.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virStoragePool, virStoragePoolFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virStorageVol, virStorageVolFree)

static virStorageVolPtr
look_up (virConnectPtr connection, const VbDomainDisk *disk)
{
  g_autoptr (virStoragePool) pool
      = disk->pool != NULL ? virStoragePoolLookupByName (connection, disk->pool) : NULL;

  return pool != NULL && disk->volume != NULL ? virStorageVolLookupByName (pool, disk->volume)
                                              : NULL;
}

static gboolean
find (virConnectPtr connection, VbDomainXml *xml, VbDomainDisk *disk, GError **error)
{
  g_autoptr (virStorageVol) volume = look_up (connection, disk);
  char *path = volume != NULL ? virStorageVolGetPath (volume) : NULL;
  virStorageVolInfo info;

  if (path == NULL && vb_libvirt_last_is_connection ())
    {
      vb_libvirt_set_error (error, "Failed to look for the volume of the disk %s", disk->target);
      return FALSE;
    }
  if (path == NULL || virStorageVolGetInfo (volume, &info) != 0)
    g_set_error (&disk->trouble, VB_ERROR, VB_ERROR_DISK_MISSING,
                 "Failed to look for the volume of the disk %s: %s", disk->target,
                 virGetLastErrorMessage ());
  else if (info.type != VIR_STORAGE_VOL_FILE && info.type != VIR_STORAGE_VOL_BLOCK)
    g_set_error (&disk->trouble, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK,
                 _ ("The disk %s is a network disk, which cannot be backed up."), disk->target);
  else
    {
      disk->path = g_strdup (path);
      disk->is_block = info.type == VIR_STORAGE_VOL_BLOCK;
    }
  free (path);
  return TRUE;
}

gboolean
vb_libvirt_volumes_find (virConnectPtr connection, VbDomainXml *xml, GError **error)
{
  for (guint i = 0; i < xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (disk->skipped == NULL && disk->path == NULL && disk->pool != NULL
          && !find (connection, xml, disk, error))
        return FALSE;
    }
  return TRUE;
}
