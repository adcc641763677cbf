/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-origins.h"

#include "libvirt/domain/vb-disk-layers.h"
#include "vb-disk-mark.h"
#include "vb-libvirt-checkpoint.h"
#include "vb-qcow2-bitmap.h"

static char **
read_backups (const VbDomainDisk *disk)
{
  g_auto (GStrv) names = vb_qcow2_bitmap_names (disk->path);
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *id = vb_libvirt_checkpoint_backup (names[i]);

      if (id != NULL)
        g_strv_builder_add (ids, id);
    }
  return g_strv_builder_end (ids);
}

GHashTable *
vb_libvirt_origins_look (const VbDomainXml *xml, GHashTable *ids)
{
  GHashTable *origins = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify) vb_disk_origin_unref);

  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      VbDiskOrigin *origin;

      if (disk->skipped != NULL)
        continue;
      origin = vb_disk_origin_new (g_hash_table_lookup (ids, disk->target), disk->path);
      origin->layers = vb_disk_layers_of (disk->chain);
      g_hash_table_replace (origins, g_strdup (disk->target), origin);
    }
  return origins;
}

void
vb_libvirt_origins_fill (virDomainPtr domain, GPtrArray *disks)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, NULL);
  g_autoptr (GHashTable) ids = xml != NULL ? vb_disk_marks_read (domain, xml) : NULL;
  g_autoptr (GHashTable) origins = xml != NULL ? vb_libvirt_origins_look (xml, ids) : NULL;

  for (guint i = 0; origins != NULL && i < disks->len; i++)
    {
      VbDisk *disk = g_ptr_array_index (disks, i);
      VbDiskOrigin *origin = g_hash_table_lookup (origins, disk->target);

      if (origin == NULL || disk->is_nvram)
        continue;
      origin->backups = read_backups (vb_domain_xml_find_disk (xml, disk->target));
      disk->origin = vb_disk_origin_ref (origin);
    }
}
