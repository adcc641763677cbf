/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-checkpoint-repair.h"

#include "libvirt/xml/vb-backup-xml.h"
#include "libvirt/domain/vb-disk-image.h"
#include "vb-disk-mark.h"
#include "vb-libvirt-checkpoint.h"
#include "core/base/vb-log.h"

static void
delete_all (virDomainPtr domain, GHashTable *names)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autoptr (GError) error = NULL;

      if (vb_libvirt_checkpoint_delete (domain, name, &error))
        vb_log_info (vps, NULL, NULL, "The checkpoint %s cannot be used and has been removed",
                     (const char *) name);
      else
        vb_log_warning (vps, NULL, NULL,
                        "Failed to remove the checkpoint %s, which cannot be used: %s",
                        (const char *) name, error->message);
    }
}

static gboolean
is_known (const char *name, GPtrArray *backups)
{
  g_autofree char *id = vb_libvirt_checkpoint_backup (name);

  for (guint i = 0; backups != NULL && id != NULL && i < backups->len; i++)
    if (g_str_equal (((const VbBackupInfo *) g_ptr_array_index (backups, i))->id, id))
      return TRUE;
  return FALSE;
}

/* Whether a bitmap of ours came with an image that was another VPS's: a copy of it, for example. */
static gboolean
is_foreign (virDomainPtr domain, const char *name, GPtrArray *backups)
{
  return vb_disk_mark_is_ours (name)
             ? !vb_disk_mark_is_of (name, domain)
             : vb_libvirt_checkpoint_is_ours (name) && !is_known (name, backups);
}

static void
add_foreign (virDomainPtr domain, const VbDiskImage *image, GPtrArray *backups, GHashTable *names)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, image->bitmaps);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (is_foreign (domain, name, backups))
      g_hash_table_add (names, g_strdup (name));
}

void
vb_libvirt_checkpoint_repair_offline (virDomainPtr domain, GHashTable *images, GPtrArray *backups)
{
  g_autoptr (GHashTable) broken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer image;

  g_hash_table_iter_init (&iter, images);
  while (g_hash_table_iter_next (&iter, NULL, &image))
    {
      GPtrArray *in_use = ((VbDiskImage *) image)->in_use;

      for (guint i = 0; i < in_use->len; i++)
        if (vb_libvirt_checkpoint_is_ours (g_ptr_array_index (in_use, i))
            || vb_disk_mark_is_ours (g_ptr_array_index (in_use, i)))
          g_hash_table_add (broken, g_strdup (g_ptr_array_index (in_use, i)));
      add_foreign (domain, image, backups, broken);
    }
  delete_all (domain, broken);
}

/* libvirt tells the size of a bitmap only if it is whole. */
static gboolean
is_broken (virDomainCheckpointPtr checkpoint, VbDomainXml *xml)
{
  char *text = virDomainCheckpointGetXMLDesc (checkpoint, VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
                                                              | VIR_DOMAIN_CHECKPOINT_XML_SIZE);
  g_autoptr (GHashTable) targets = NULL;
  g_autoptr (GHashTable) sizes = NULL;
  GHashTableIter iter;
  gpointer target;
  gboolean broken = FALSE;

  if (text == NULL)
    return FALSE;
  targets = vb_checkpoint_xml_targets (text);
  sizes = vb_checkpoint_xml_sizes (text);
  free (text);
  g_hash_table_iter_init (&iter, targets);
  while (g_hash_table_iter_next (&iter, &target, NULL))
    broken = broken
             || (vb_domain_xml_find_disk (xml, target) != NULL
                 && !g_hash_table_contains (sizes, target));
  return broken;
}

/* libvirt lists no checkpoint that was made before the VPS was defined anew. */
static void
add_stored (VbDomainXml *xml, GHashTable *names)
{
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      g_autoptr (VbDiskImage) image = NULL;
      GHashTableIter iter;
      gpointer name;

      if (disk->skipped != NULL || !vb_disk_image_can_hold_bitmaps (disk))
        continue;
      image = vb_disk_image_read (disk, NULL);
      if (image == NULL)
        continue;
      g_hash_table_iter_init (&iter, image->bitmaps);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        if (vb_libvirt_checkpoint_is_ours (name) || vb_disk_mark_is_ours (name))
          g_hash_table_add (names, g_strdup (name));
    }
}

/* Those that libvirt knows drop out of @names. */
static GHashTable *
list_broken (virDomainPtr domain, VbDomainXml *xml, GHashTable *names)
{
  GHashTable *broken = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  virDomainCheckpointPtr *known = NULL;
  int n = virDomainListAllCheckpoints (domain, &known, 0);

  for (int i = 0; i < n; i++)
    {
      const char *name = virDomainCheckpointGetName (known[i]);

      g_hash_table_remove (names, name);
      if (vb_libvirt_checkpoint_is_ours (name) && is_broken (known[i], xml))
        g_hash_table_add (broken, g_strdup (name));
      virDomainCheckpointFree (known[i]);
    }
  free (known);
  return broken;
}

void
vb_libvirt_checkpoint_repair_online (virDomainPtr domain, VbDomainXml *xml, GPtrArray *backups)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) broken = NULL;
  GHashTableIter iter;
  gpointer name;

  add_stored (xml, names);
  broken = list_broken (domain, xml, names);
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autoptr (GHashTable) targets = NULL;

      /* Marks of this VPS are looked after where they are read. */
      if (is_foreign (domain, name, backups))
        g_hash_table_add (broken, g_strdup (name));
      else if (!vb_disk_mark_is_ours (name))
        targets = vb_libvirt_checkpoint_targets (domain, xml, name);
      if (targets == NULL && !vb_disk_mark_is_ours (name))
        g_hash_table_add (broken, g_strdup (name));
    }
  delete_all (domain, broken);
}
