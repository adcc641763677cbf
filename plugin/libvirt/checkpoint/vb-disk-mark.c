/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-mark.h"

#include <string.h>

#include "core/base/vb-log.h"
#include "libvirt/domain/vb-disk-image.h"
#include "libvirt/domain/vb-libvirt-obstacles.h"
#include "libvirt/xml/vb-backup-xml.h"
#include "vb-libvirt-checkpoint.h"
#include "vb-qcow2-bitmap.h"

#define PREFIX VB_LIBVIRT_OURS "-disk."
#define UUID_BYTES 36

typedef struct
{
  virDomainPtr domain;
  VbDomainXml *xml;
  char *vps;
  GHashTable *ids; /* target → id */
  GHashTable
      *in_file; /* set of the targets whose marks only the image tells, while the VPS is on */
  GHashTable
      *shared; /* set of ids that tell nothing: several disks have them, or a disk has several */
} Marks;

static void
marks_clear (Marks *self)
{
  g_free (self->vps);
  g_clear_pointer (&self->ids, g_hash_table_unref);
  g_clear_pointer (&self->in_file, g_hash_table_unref);
  g_clear_pointer (&self->shared, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Marks, marks_clear)

char *
vb_disk_mark_name (const char *vps, const char *id)
{
  return g_strconcat (PREFIX, vps, ".", id, NULL);
}

gboolean
vb_disk_mark_is_ours (const char *name)
{
  return g_str_has_prefix (name, PREFIX)
         && strlen (name) == strlen (PREFIX) + UUID_BYTES + 1 + UUID_BYTES;
}

gboolean
vb_disk_mark_is_of (const char *name, virDomainPtr domain)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);

  return vb_disk_mark_is_ours (name) && strncmp (name + strlen (PREFIX), vps, UUID_BYTES) == 0;
}

/* Returns: (transfer none) (nullable): the id in the name, if it is a mark of this VPS */
static const char *
id_in (const Marks *self, const char *name)
{
  const char *id = name + strlen (PREFIX) + UUID_BYTES + 1;

  return vb_disk_mark_is_ours (name) && strncmp (name + strlen (PREFIX), self->vps, UUID_BYTES) == 0
                 && g_uuid_string_is_valid (id)
             ? id
             : NULL;
}

static gboolean
is_markable (const VbDomainDisk *disk)
{
  return disk->skipped == NULL && vb_disk_image_can_hold_bitmaps (disk);
}

/* --- reading --- */

/* A mark that was made since the VPS was started is not in the file yet; libvirt tells the size of
 * a bitmap only if the disk of that name has it now. */
static void
read_record (Marks *self, virDomainCheckpointPtr record, const char *id)
{
  char *text = virDomainCheckpointGetXMLDesc (record, VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN
                                                          | VIR_DOMAIN_CHECKPOINT_XML_SIZE);
  g_autoptr (GHashTable) sizes = text != NULL ? vb_checkpoint_xml_sizes (text) : NULL;
  GHashTableIter iter;
  gpointer target;

  free (text);
  if (sizes == NULL)
    return;
  g_hash_table_iter_init (&iter, sizes);
  while (g_hash_table_iter_next (&iter, &target, NULL))
    {
      const char *other = g_hash_table_lookup (self->ids, target);

      if (other != NULL)
        {
          g_hash_table_add (self->shared, g_strdup (other));
          g_hash_table_add (self->shared, g_strdup (id));
        }
      g_hash_table_replace (self->ids, g_strdup (target), g_strdup (id));
    }
}

static void
read_records (Marks *self)
{
  virDomainCheckpointPtr *records = NULL;
  int n = virDomainListAllCheckpoints (self->domain, &records, 0);

  for (int i = 0; i < n; i++)
    {
      const char *id = id_in (self, virDomainCheckpointGetName (records[i]));

      if (id != NULL)
        read_record (self, records[i], id);
      virDomainCheckpointFree (records[i]);
    }
  free (records);
}

static void
read_image (Marks *self, const VbDomainDisk *disk)
{
  g_auto (GStrv) names = vb_qcow2_bitmap_names (disk->path);
  const char *found = NULL;
  guint n = 0;

  for (guint i = 0; names[i] != NULL; i++)
    {
      const char *id = id_in (self, names[i]);

      n += id != NULL;
      found = id != NULL ? id : found;
    }
  if (n == 1)
    {
      g_hash_table_replace (self->ids, g_strdup (disk->target), g_strdup (found));
      g_hash_table_add (self->in_file, g_strdup (disk->target));
    }
  for (guint i = 0; n > 1 && names[i] != NULL; i++)
    if (id_in (self, names[i]) != NULL)
      g_hash_table_add (self->shared, g_strdup (id_in (self, names[i])));
}

static void
leave_out_shared (Marks *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, self->ids);
  while (g_hash_table_iter_next (&iter, NULL, &id))
    if (!g_hash_table_add (seen, id))
      g_hash_table_add (self->shared, g_strdup (id));
  g_hash_table_iter_init (&iter, self->ids);
  while (g_hash_table_iter_next (&iter, NULL, &id))
    if (g_hash_table_contains (self->shared, id))
      g_hash_table_iter_remove (&iter);
}

static void
marks_read (Marks *self, virDomainPtr domain, VbDomainXml *xml)
{
  gboolean is_active = FALSE;

  self->domain = domain;
  self->xml = xml;
  self->vps = vb_libvirt_get_uuid (domain);
  self->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->in_file = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->shared = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (vb_libvirt_is_active (domain, &is_active, NULL) && is_active)
    read_records (self);
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (is_markable (disk) && !g_hash_table_contains (self->ids, disk->target))
        read_image (self, disk);
    }
  leave_out_shared (self);
}

GHashTable *
vb_disk_marks_read (virDomainPtr domain, VbDomainXml *xml)
{
  g_auto (Marks) marks = { NULL };

  marks_read (&marks, domain, xml);
  return g_steal_pointer (&marks.ids);
}

/* --- marking --- */

static gboolean
add_online (Marks *self, const VbDomainDisk *disk, const char *name, GError **error)
{
  g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *text = NULL;
  g_autoptr (virDomainCheckpoint) record = NULL;

  g_hash_table_add (targets, disk->target);
  text = vb_checkpoint_xml (self->xml, name, targets, NULL, 0);
  record = virDomainCheckpointCreateXML (self->domain, text, 0);
  if (record == NULL)
    vb_libvirt_set_error (error, "Failed to mark the disk %s", disk->target);
  return record != NULL;
}

static void
mark (Marks *self, const VbDomainDisk *disk)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *name = vb_disk_mark_name (self->vps, id);
  g_autoptr (GError) error = NULL;
  gboolean is_active = FALSE;

  if (vb_libvirt_is_active (self->domain, &is_active, &error)
      && (is_active ? add_online (self, disk, name, &error)
                    : vb_disk_image_add_mark (disk, name, &error)))
    g_hash_table_replace (self->ids, g_strdup (disk->target), g_steal_pointer (&id));
  else
    vb_log_warning (self->vps, NULL, NULL, "%s", error->message);
}

/* What QEMU has not loaded whole, because it was killed before, is in nobody's way no longer: while
 * it is there the disk cannot be resized. */
static void
adopt_or_replace (Marks *self, const VbDomainDisk *disk)
{
  g_autoptr (GHashTable) targets = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *name
      = vb_disk_mark_name (self->vps, g_hash_table_lookup (self->ids, disk->target));
  gboolean is_active = FALSE;

  g_hash_table_add (targets, disk->target);
  if (!vb_libvirt_is_active (self->domain, &is_active, NULL) || !is_active
      || vb_libvirt_checkpoint_adopt (self->domain, self->xml, name, targets, NULL))
    return;
  vb_libvirt_checkpoint_delete (self->domain, name, NULL);
  g_hash_table_remove (self->ids, disk->target);
}

/* Marks that several disks have tell nothing. */
static void
remove_shared (Marks *self)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, self->shared);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    {
      g_autofree char *name = vb_disk_mark_name (self->vps, id);
      g_autoptr (GError) error = NULL;

      if (!vb_libvirt_checkpoint_delete (self->domain, name, &error))
        vb_log_warning (self->vps, NULL, NULL, "%s", error->message);
    }
}

static gboolean
is_of_a_disk (const Marks *self, const char *id)
{
  GHashTableIter iter;
  gpointer other;

  g_hash_table_iter_init (&iter, self->ids);
  while (g_hash_table_iter_next (&iter, NULL, &other))
    if (g_str_equal (other, id))
      return TRUE;
  return FALSE;
}

/* QEMU writes a mark into the image when it closes it: of one that was killed before, or whose host
 * lost its power, there is only libvirt's record. */
static void
remove_records_without_mark (Marks *self)
{
  virDomainCheckpointPtr *records = NULL;
  int n = virDomainListAllCheckpoints (self->domain, &records, 0);

  for (int i = 0; i < n; i++)
    {
      const char *id = id_in (self, virDomainCheckpointGetName (records[i]));

      if (id != NULL && !is_of_a_disk (self, id)
          && virDomainCheckpointDelete (records[i], VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY) < 0)
        {
          g_autoptr (GError) error = NULL;

          vb_libvirt_set_error (&error, "Failed to remove the record of the mark %s", id);
          vb_log_warning (self->vps, NULL, NULL, "%s", error->message);
        }
      virDomainCheckpointFree (records[i]);
    }
  free (records);
}

GHashTable *
vb_disk_marks_ensure (virDomainPtr domain, VbDomainXml *xml)
{
  g_autoptr (GPtrArray) markable = g_ptr_array_new ();
  g_auto (Marks) marks = { NULL };

  for (guint i = 0; i < xml->disks->len; i++)
    if (is_markable (g_ptr_array_index (xml->disks, i)))
      g_ptr_array_add (markable, g_ptr_array_index (xml->disks, i));
  marks_read (&marks, domain, xml);
  if (markable->len > 1)
    {
      remove_shared (&marks);
      for (guint i = 0; i < markable->len; i++)
        {
          const VbDomainDisk *disk = g_ptr_array_index (markable, i);

          if (g_hash_table_contains (marks.ids, disk->target)
              && g_hash_table_contains (marks.in_file, disk->target))
            adopt_or_replace (&marks, disk);
          if (!g_hash_table_contains (marks.ids, disk->target))
            mark (&marks, disk);
        }
    }
  remove_records_without_mark (&marks);
  return g_steal_pointer (&marks.ids);
}
