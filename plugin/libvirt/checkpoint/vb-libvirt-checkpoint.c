/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-checkpoint.h"

#include <string.h>

#include "libvirt/xml/vb-backup-xml.h"
#include "libvirt/domain/vb-disk-image.h"
#include "libvirt/domain/vb-libvirt-obstacles.h"
#include "core/base/vb-error.h"
#include "core/base/vb-log.h"
#include "vb-disk-mark.h"
#include "vb-qcow2-bitmap.h"

#define PREFIX VB_LIBVIRT_OURS "."

/* How often to look again when the VPS is switched on or off while we look. */
#define ATTEMPTS 3

char *
vb_libvirt_checkpoint_name (const char *backup)
{
  return g_strconcat (PREFIX, backup, NULL);
}

gboolean
vb_libvirt_checkpoint_is_ours (const char *name)
{
  return g_str_has_prefix (name, PREFIX) && g_uuid_string_is_valid (name + strlen (PREFIX));
}

char *
vb_libvirt_checkpoint_backup (const char *name)
{
  return vb_libvirt_checkpoint_is_ours (name) ? g_strdup (name + strlen (PREFIX)) : NULL;
}

/* Returns NULL when libvirt has no record of the checkpoint, or cannot be asked, which *unknown
 * tells apart. Every call of libvirt, even one that frees, forgets the error of the one before. */
static GHashTable *
recorded_targets (virDomainPtr domain, const char *name, gboolean *unknown)
{
  virDomainCheckpointPtr checkpoint = virDomainCheckpointLookupByName (domain, name, 0);
  GHashTable *targets;
  char *text;

  *unknown = checkpoint == NULL && vb_libvirt_last_code () == VIR_ERR_NO_DOMAIN_CHECKPOINT;
  if (checkpoint == NULL)
    return NULL;
  text = virDomainCheckpointGetXMLDesc (checkpoint, VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN);
  virDomainCheckpointFree (checkpoint);
  if (text == NULL)
    return NULL;
  targets = vb_checkpoint_xml_targets (text);
  free (text);
  return targets;
}

GHashTable *
vb_libvirt_checkpoint_stored (VbDomainXml *xml, const char *name)
{
  GHashTable *targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      g_autoptr (VbDiskImage) image = NULL;

      if (disk->skipped != NULL || !vb_disk_image_can_hold_bitmaps (disk))
        continue;
      image = vb_disk_image_read (disk, NULL);
      if (image != NULL && g_hash_table_contains (image->bitmaps, name))
        g_hash_table_replace (targets, g_strdup (disk->target), g_strdup (name));
    }
  return targets;
}

/* The newest checkpoint, which a new one has to follow; NULL when there is none. */
static char *
newest_checkpoint (virDomainPtr domain)
{
  virDomainCheckpointPtr *leaves = NULL;
  int n = virDomainListAllCheckpoints (
      domain, &leaves, VIR_DOMAIN_CHECKPOINT_LIST_LEAVES | VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL);
  char *name = n > 0 ? g_strdup (virDomainCheckpointGetName (leaves[n - 1])) : NULL;

  for (int i = 0; i < n; i++)
    virDomainCheckpointFree (leaves[i]);
  free (leaves);
  return name;
}

static gboolean
redefine (virDomainPtr domain,
          VbDomainXml *xml,
          const char *name,
          GHashTable *targets,
          gboolean validate,
          GError **error)
{
  g_autofree char *parent = newest_checkpoint (domain);
  gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *text = vb_checkpoint_xml (xml, name, targets, parent, now_s);
  unsigned int flags = VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE
                       | (validate ? VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE : 0);
  g_autoptr (virDomainCheckpoint) checkpoint = virDomainCheckpointCreateXML (domain, text, flags);

  if (checkpoint == NULL)
    vb_libvirt_set_error (error, "Failed to define the checkpoint %s", name);
  return checkpoint != NULL;
}

/* A checkpoint that only the disks know is made known to libvirt again, if its bitmaps are
 * whole. */
static GHashTable *
take_up (virDomainPtr domain, VbDomainXml *xml, const char *name)
{
  g_autoptr (GHashTable) targets = vb_libvirt_checkpoint_stored (xml, name);
  g_autofree char *vps = vb_libvirt_get_uuid (domain);
  g_autoptr (GError) error = NULL;

  if (g_hash_table_size (targets) == 0)
    return NULL;
  if (!redefine (domain, xml, name, targets, TRUE, &error))
    {
      vb_log_info (vps, NULL, NULL, "%s", error->message);
      return NULL;
    }
  vb_log_info (vps, NULL, NULL,
               "Restored the record of the checkpoint %s, which was on the disks only", name);
  return g_steal_pointer (&targets);
}

GHashTable *
vb_libvirt_checkpoint_targets (virDomainPtr domain, VbDomainXml *xml, const char *name)
{
  gboolean unknown;
  g_autoptr (GHashTable) targets = recorded_targets (domain, name, &unknown);
  GHashTableIter iter;
  gpointer target;

  if (targets == NULL && unknown)
    targets = take_up (domain, xml, name);
  if (targets == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, targets);
  while (g_hash_table_iter_next (&iter, &target, NULL))
    {
      VbDomainDisk *disk = vb_domain_xml_find_disk (xml, target);

      if (disk == NULL || disk->skipped != NULL)
        g_hash_table_iter_remove (&iter);
    }
  return g_hash_table_size (targets) > 0 ? g_steal_pointer (&targets) : NULL;
}

gboolean
vb_libvirt_checkpoint_define (virDomainPtr domain,
                              VbDomainXml *xml,
                              const char *name,
                              GHashTable *targets,
                              GError **error)
{
  return redefine (domain, xml, name, targets, FALSE, error);
}

/* Success when there is none. */
static gboolean
delete_record (virDomainPtr domain, const char *name, unsigned int flags, GError **error)
{
  g_autoptr (virDomainCheckpoint) checkpoint = virDomainCheckpointLookupByName (domain, name, 0);

  if (checkpoint == NULL && vb_libvirt_last_code () == VIR_ERR_NO_DOMAIN_CHECKPOINT)
    return TRUE;
  if (checkpoint != NULL
      && (virDomainCheckpointDelete (checkpoint, flags) == 0
          || vb_libvirt_last_code () == VIR_ERR_NO_DOMAIN_CHECKPOINT))
    return TRUE;
  vb_libvirt_set_error (error, "Failed to delete the checkpoint %s", name);
  return FALSE;
}

static gboolean
delete_metadata (virDomainPtr domain, const char *name, GError **error)
{
  return delete_record (domain, name, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY, error);
}

gboolean
vb_libvirt_checkpoint_adopt (virDomainPtr domain,
                             VbDomainXml *xml,
                             const char *name,
                             GHashTable *targets,
                             GError **error)
{
  return delete_metadata (domain, name, error)
         && redefine (domain, xml, name, targets, TRUE, error);
}

/* The record is first made to say what is on the disks. */
static gboolean
delete_stored (virDomainPtr domain, VbDomainXml *xml, const char *name, GError **error)
{
  g_autoptr (GHashTable) targets = vb_libvirt_checkpoint_stored (xml, name);
  g_autoptr (GError) local = NULL;

  if (!delete_metadata (domain, name, error))
    return FALSE;
  if (g_hash_table_size (targets) == 0)
    return TRUE;
  if (redefine (domain, xml, name, targets, FALSE, &local)
      && delete_record (domain, name, 0, &local))
    return TRUE;
  /* A bitmap may be left behind; it costs a little memory and nothing else. */
  vb_log_warning (NULL, NULL, NULL, "%s", local->message);
  return delete_metadata (domain, name, error);
}

static gboolean
delete_online (virDomainPtr domain, VbDomainXml *xml, const char *name, GError **error)
{
  g_autoptr (virDomainCheckpoint) checkpoint = virDomainCheckpointLookupByName (domain, name, 0);
  g_autoptr (GError) local = NULL;

  if (checkpoint == NULL && vb_libvirt_last_code () == VIR_ERR_NO_DOMAIN_CHECKPOINT)
    return delete_stored (domain, xml, name, error);
  if (delete_record (domain, name, 0, &local))
    return TRUE;
  /* When disks were replaced, some may have the bitmap and others not; libvirt then deletes
   * none. */
  if (local->code == VB_ERROR_INTERNAL && delete_stored (domain, xml, name, NULL))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
delete_offline (virDomainPtr domain, VbDomainXml *xml, const char *name, GError **error)
{
  g_autoptr (GHashTable) targets = vb_libvirt_checkpoint_stored (xml, name);
  GHashTableIter iter;
  gpointer target;

  g_hash_table_iter_init (&iter, targets);
  while (g_hash_table_iter_next (&iter, &target, NULL))
    if (!vb_disk_image_remove_bitmap (vb_domain_xml_find_disk (xml, target), name, error))
      return FALSE;
  return delete_metadata (domain, name, error);
}

gboolean
vb_libvirt_checkpoint_delete (virDomainPtr domain, const char *name, GError **error)
{
  for (guint attempt = 1;; attempt++)
    {
      g_autoptr (VbDomainXml) xml = NULL;
      g_autoptr (GError) local = NULL;
      gboolean before;
      gboolean after;

      if (!vb_libvirt_is_active (domain, &before, error))
        return FALSE;
      xml = vb_libvirt_read_disks (domain, error);
      if (xml == NULL)
        return FALSE;
      if (before ? delete_online (domain, xml, name, &local)
                 : delete_offline (domain, xml, name, &local))
        return TRUE;
      if (attempt == ATTEMPTS || !vb_libvirt_is_active (domain, &after, NULL) || before == after)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
    }
}

static gboolean
is_one_of (const char *name, const char *const *backups)
{
  for (; *backups != NULL; backups++)
    {
      g_autofree char *kept = vb_libvirt_checkpoint_name (*backups);

      if (g_str_equal (kept, name))
        return TRUE;
    }
  return FALSE;
}

gboolean
vb_libvirt_checkpoint_keep (virDomainPtr domain, const char *const *backups, GError **error)
{
  virDomainCheckpointPtr *checkpoints = NULL;
  int n = virDomainListAllCheckpoints (domain, &checkpoints, 0);
  gboolean ok = n >= 0;

  if (!ok)
    vb_libvirt_set_error (error, "Failed to list the checkpoints");
  for (int i = 0; i < n; i++)
    {
      const char *name = virDomainCheckpointGetName (checkpoints[i]);

      if (ok && vb_libvirt_checkpoint_is_ours (name) && !is_one_of (name, backups))
        ok = vb_libvirt_checkpoint_delete (domain, name, error);
      virDomainCheckpointFree (checkpoints[i]);
    }
  free (checkpoints);
  return ok;
}

static gboolean
is_any_of_ours (const char *name)
{
  return vb_libvirt_checkpoint_is_ours (name) || vb_disk_mark_is_ours (name);
}

static gboolean
forget_known (virDomainPtr domain, GError **error)
{
  virDomainCheckpointPtr *checkpoints = NULL;
  int n = virDomainListAllCheckpoints (domain, &checkpoints, 0);
  gboolean ok = n >= 0;

  if (!ok)
    vb_libvirt_set_error (error, "Failed to list the checkpoints");
  for (int i = 0; i < n; i++)
    {
      const char *name = virDomainCheckpointGetName (checkpoints[i]);

      ok = ok && (!is_any_of_ours (name) || vb_libvirt_checkpoint_delete (domain, name, error));
      virDomainCheckpointFree (checkpoints[i]);
    }
  free (checkpoints);
  return ok;
}

/* Returns FALSE when one of ours stays. */
static gboolean
forget_stored (virDomainPtr domain, VbDomainXml *xml, GError **error)
{
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      g_autoptr (VbDiskImage) image = NULL;
      GHashTableIter iter;
      gpointer name;

      if (disk->skipped != NULL || !vb_disk_image_can_hold_bitmaps (disk))
        continue;
      image = vb_disk_image_read_top (disk, error);
      if (image == NULL)
        return FALSE;
      g_hash_table_iter_init (&iter, image->bitmaps);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        if (is_any_of_ours (name) && !vb_libvirt_checkpoint_delete (domain, name, error))
          return FALSE;
    }
  return TRUE;
}

gboolean
vb_libvirt_checkpoint_forget (virDomainPtr domain, GError **error)
{
  g_autoptr (VbDomainXml) xml = NULL;

  if (!forget_known (domain, error))
    return FALSE;
  xml = vb_libvirt_read_disks (domain, error);
  return xml != NULL && forget_stored (domain, xml, error);
}

/* Of a VPS that is off: the bitmaps stay, and the next capture takes the records up again. */
static gboolean
forget_our_records (virDomainPtr domain, gboolean *any, GError **error)
{
  virDomainCheckpointPtr *checkpoints = NULL;
  int n = virDomainListAllCheckpoints (domain, &checkpoints, 0);
  gboolean ok = n >= 0;

  if (!ok)
    vb_libvirt_set_error (error, "Failed to list the checkpoints");
  for (int i = 0; i < n; i++)
    {
      const char *name = virDomainCheckpointGetName (checkpoints[i]);

      *any = *any || is_any_of_ours (name);
      ok = ok && (!is_any_of_ours (name) || delete_metadata (domain, name, error));
      virDomainCheckpointFree (checkpoints[i]);
    }
  free (checkpoints);
  return ok;
}

static gboolean
holds_any_of_ours (virDomainPtr domain, VbDomainXml *xml)
{
  gboolean any = vb_libvirt_obstacles_has_records (domain);

  for (guint i = 0; !any && i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);
      g_auto (GStrv) names = NULL;

      if (disk->skipped != NULL || !vb_disk_image_can_hold_bitmaps (disk))
        continue;
      names = vb_qcow2_bitmap_names (disk->path);
      for (guint n = 0; names[n] != NULL; n++)
        any = any || is_any_of_ours (names[n]);
    }
  return any;
}

static gboolean
release_for_snapshots (virDomainPtr domain, const char *vps, GError **error)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, error);

  if (xml == NULL)
    return FALSE;
  if (!holds_any_of_ours (domain, xml))
    return TRUE;
  if (!vb_libvirt_checkpoint_forget (domain, error))
    return FALSE;
  vb_log_info (vps, NULL, NULL,
               "Removed our bitmaps from the disks, since the VPS has internal snapshots: they can "
               "be reverted, and every backup reads all of the disks");
  return TRUE;
}

gboolean
vb_libvirt_checkpoint_release (virDomainPtr domain, GError **error)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);
  gboolean active;
  gboolean any = FALSE;

  if (virDomainSnapshotNum (domain, VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL) > 0)
    return release_for_snapshots (domain, vps, error);
  if (!vb_libvirt_is_active (domain, &active, error))
    return FALSE;
  if (!active && !forget_our_records (domain, &any, error))
    return FALSE;
  if (any)
    vb_log_debug (vps, NULL, NULL,
                  "The records of our checkpoints are removed while the VPS is off");
  return TRUE;
}

static gboolean
has_internal_snapshot (virDomainPtr domain, VbDomainXml *xml)
{
  if (virDomainSnapshotNum (domain, VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL) > 0)
    return TRUE;
  for (guint i = 0; i < xml->disks->len; i++)
    {
      const VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (disk->chain != NULL && vb_image_chain_has_snapshots (disk->chain))
        return TRUE;
    }
  return FALSE;
}

gboolean
vb_libvirt_checkpoint_is_wanted (virDomainPtr domain, VbDomainXml *xml, const char **reason)
{
  const char *words = NULL;

  if (xml->no_bitmaps)
    words = "the VPS's metadata says that no bitmap is to be kept on its disks";
  else if (has_internal_snapshot (domain, xml))
    words = "the VPS has internal snapshots, which bitmaps on its disks would keep from being "
            "reverted";
  if (reason != NULL)
    *reason = words;
  return words == NULL;
}

/* Whether every disk that the checkpoint speaks of still has its bitmap. */
static gboolean
is_stored (VbDomainXml *xml, GHashTable *recorded)
{
  GHashTableIter iter;
  gpointer target;
  gpointer bitmap;

  g_hash_table_iter_init (&iter, recorded);
  while (g_hash_table_iter_next (&iter, &target, &bitmap))
    {
      VbDomainDisk *disk = vb_domain_xml_find_disk (xml, target);
      g_autoptr (VbDiskImage) image = NULL;

      if (disk == NULL || disk->path == NULL)
        continue;
      image = vb_disk_image_read (disk, NULL);
      if (image == NULL || bitmap == NULL || !g_hash_table_contains (image->bitmaps, bitmap))
        return FALSE;
    }
  return TRUE;
}

static gboolean
forget_record_if_moot (virDomainPtr domain, VbDomainXml *xml, const char *name, GError **error)
{
  g_autofree char *vps = NULL;
  gboolean unknown;

  /* Marks, too: libvirt takes no snapshot back beside any record, and adopts them from the disks. */
  if (!is_any_of_ours (name))
    {
      g_autoptr (GHashTable) recorded = recorded_targets (domain, name, &unknown);

      if (recorded == NULL || is_stored (xml, recorded))
        return TRUE;
      vps = vb_libvirt_get_uuid (domain);
      vb_log_warning (vps, NULL, NULL,
                      "Removed the record of the checkpoint %s, which the restored disks lack",
                      name);
    }
  return delete_metadata (domain, name, error);
}

static gboolean
forget_records (virDomainPtr domain, VbDomainXml *xml, GError **error)
{
  virDomainCheckpointPtr *checkpoints = NULL;
  int n = virDomainListAllCheckpoints (domain, &checkpoints, 0);
  gboolean ok = n >= 0;

  if (!ok)
    vb_libvirt_set_error (error, "Failed to list the checkpoints of the replaced disks");
  for (int i = 0; i < n; i++)
    {
      ok = ok
           && forget_record_if_moot (domain, xml, virDomainCheckpointGetName (checkpoints[i]),
                                     error);
      virDomainCheckpointFree (checkpoints[i]);
    }
  free (checkpoints);
  return ok;
}

static gboolean
remove_our_bitmaps (const VbDomainDisk *disk, GError **error)
{
  g_autoptr (VbDiskImage) image = vb_disk_image_read (disk, error);
  GHashTableIter iter;
  gpointer name;

  if (image == NULL)
    return FALSE;
  g_hash_table_iter_init (&iter, image->bitmaps);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (vb_libvirt_checkpoint_is_ours (name) && !vb_disk_image_remove_bitmap (disk, name, error))
      return FALSE;
  return TRUE;
}

/* An image of memory that was saved with the old disks would corrupt the new ones when the VPS
 * starts. */
static gboolean
forget_managed_save (virDomainPtr domain, GError **error)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);

  if (virDomainHasManagedSaveImage (domain, 0) <= 0)
    return TRUE;
  if (virDomainManagedSaveRemove (domain, 0) < 0)
    {
      vb_libvirt_set_error (error,
                            "Failed to remove the saved memory that belongs to the replaced disks");
      return FALSE;
    }
  vb_log_warning (vps, NULL, NULL,
                  "The VPS's saved memory did not fit the restored disks and was removed");
  return TRUE;
}

/* The disk has the id that the backup gave it, so that the next capture finds it there. */
static gboolean
mark_restored (virDomainPtr domain,
               const VbDomainDisk *disk,
               const char *id,
               gboolean is_marked,
               GError **error)
{
  g_autofree char *vps = vb_libvirt_get_uuid (domain);
  g_autofree char *mark = vb_disk_mark_name (vps, id);

  return *id == '\0' || !is_marked || vb_disk_image_add_mark (disk, mark, error);
}

static gboolean
reset_disk (virDomainPtr domain,
            const VbDomainDisk *disk,
            const char *name,
            GHashTable *restored,
            GError **error)
{
  const char *id = restored != NULL ? g_hash_table_lookup (restored, disk->target) : NULL;

  return remove_our_bitmaps (disk, error)
         && (id == NULL
             || (vb_disk_image_add_bitmap (disk, name, error)
                 && mark_restored (domain, disk, id, g_hash_table_size (restored) > 1, error)));
}

static VbDomainXml *
forget_all (virDomainPtr domain, GError **error)
{
  g_autoptr (VbDomainXml) xml = vb_libvirt_read_disks (domain, error);
  gboolean active;

  if (xml == NULL || !vb_libvirt_is_active (domain, &active, error))
    return NULL;
  if (active)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL,
                           "Checkpoints of replaced disks cannot be reset while the VPS is on");
      return NULL;
    }
  if (!forget_managed_save (domain, error) || !forget_records (domain, xml, error))
    return NULL;
  return g_steal_pointer (&xml);
}

gboolean
vb_libvirt_checkpoint_forget_records (virDomainPtr domain, GError **error)
{
  g_autoptr (VbDomainXml) xml = forget_all (domain, error);

  return xml != NULL;
}

gboolean
vb_libvirt_checkpoint_reset (virDomainPtr domain,
                             const char *name,
                             GHashTable *restored,
                             GError **error)
{
  g_autoptr (VbDomainXml) xml = forget_all (domain, error);
  g_autoptr (GHashTable) targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  if (xml == NULL)
    return FALSE;
  /* Snapshots that the disks have kept are to be of use. */
  if (!vb_libvirt_checkpoint_is_wanted (domain, xml, NULL))
    return vb_libvirt_checkpoint_forget (domain, error);
  for (guint i = 0; i < xml->disks->len; i++)
    {
      VbDomainDisk *disk = g_ptr_array_index (xml->disks, i);

      if (disk->skipped != NULL || !vb_disk_image_can_hold_bitmaps (disk))
        continue;
      if (!reset_disk (domain, disk, name, restored, error))
        return FALSE;
      if (restored != NULL && g_hash_table_contains (restored, disk->target))
        g_hash_table_replace (targets, g_strdup (disk->target), g_strdup (name));
    }
  return g_hash_table_size (targets) == 0
         || vb_libvirt_checkpoint_define (domain, xml, name, targets, error);
}
