/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "core/model/vb-disk-match.h"

#define BACKUP "2f0c7c0e-8a0b-4a5e-9d3c-1f2e3d4c5b6a"
#define VPS "5b1d3a52-0c6f-4f2c-8a77-3e9b1c2d4e5f"

static VbDiskOrigin *
origin (const char *id, guint n_layers)
{
  VbDiskOrigin *self = vb_disk_origin_new (id, "/images/x.qcow2");

  self->is_tracked = TRUE;
  self->layers = vb_layers_new ();
  for (guint i = 0; i < n_layers; i++)
    {
      g_autofree char *path = g_strdup_printf ("/images/layer%u", i);
      VbLayer *layer = vb_layers_add (self->layers, path);

      layer->inode = i + 1;
      layer->size_bytes = 100;
      layer->modified_ns = 7;
      layer->changed_ns = 8;
    }
  return self;
}

static VbBackupDisk *
add (VbBackupInfo *info, const char *target, const char *id, guint n_layers)
{
  VbBackupDisk *disk = vb_backup_info_add_disk (info, target);

  disk->origin = origin (id, n_layers);
  return disk;
}

/* Returns: (transfer none): the target that the disk had, or "" */
static const char *
match (const VbBackupInfo *base, const char *target, VbDiskOrigin *now, guint n_disks)
{
  g_autoptr (VbDiskOrigin) known = now;
  g_autoptr (GError) error = NULL;
  const VbBackupDisk *disk = vb_disk_match_base (base, target, known, n_disks, &error);

  if (disk == NULL)
    g_assert_error (error, VB_ERROR, VB_ERROR_NOT_FOUND);
  return disk != NULL ? disk->target : "";
}

static void
test_by_id (void)
{
  g_autoptr (VbBackupInfo) base = vb_backup_info_new (BACKUP, VPS);

  add (base, "vda", "a", 0);
  add (base, "vdb", "b", 0);
  g_assert_cmpstr (match (base, "vda", origin ("a", 0), 2), ==, "vda");
  /* They have changed places. */
  g_assert_cmpstr (match (base, "vda", origin ("b", 0), 2), ==, "vdb");
  /* Another disk, or nobody knows which. */
  g_assert_cmpstr (match (base, "vda", origin ("c", 0), 2), ==, "");
  g_assert_cmpstr (match (base, "vda", origin (NULL, 0), 2), ==, "");
}

/* Only its own disk can have got the bitmap of a backup of one. */
static void
test_single (void)
{
  g_autoptr (VbBackupInfo) base = vb_backup_info_new (BACKUP, VPS);

  add (base, "vda", "a", 0);
  add (base, "vdb", "b", 0)->origin->is_tracked = FALSE;
  g_assert_cmpstr (match (base, "sda", origin (NULL, 0), 2), ==, "vda");
  g_assert_cmpstr (match (base, "sda", origin ("z", 0), 2), ==, "vda");
}

static void
test_layers (void)
{
  static const struct
  {
    guint64 inode, size, delta_mtime, delta_ctime;
  } changes[] = { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } };
  g_autoptr (VbBackupInfo) base = vb_backup_info_new (BACKUP, VPS);

  add (base, "vda", "a", 2);
  g_assert_cmpstr (match (base, "vda", origin ("a", 2), 1), ==, "vda");
  g_assert_cmpstr (match (base, "vda", origin ("a", 1), 1), ==, "");
  g_assert_cmpstr (match (base, "vda", origin ("a", 3), 1), ==, "");
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      VbDiskOrigin *now = origin ("a", 2);
      VbLayer *lowest = g_ptr_array_index (now->layers, 1);

      lowest->inode += changes[i].inode;
      lowest->size_bytes += changes[i].size;
      lowest->modified_ns += (gint64) changes[i].delta_mtime;
      lowest->changed_ns += (gint64) changes[i].delta_ctime;
      g_assert_cmpstr (match (base, "vda", now, 1), ==, "");
    }
  VbDiskOrigin *unknown = origin ("a", 2);
  g_clear_pointer (&unknown->layers, g_ptr_array_unref);
  g_assert_cmpstr (match (base, "vda", unknown, 1), ==, "");
}

/* Backups of older versions have no ids. */
static void
test_old (void)
{
  g_autoptr (VbBackupInfo) base = vb_backup_info_new (BACKUP, VPS);

  vb_backup_info_add_disk (base, "vda");
  g_assert_cmpstr (match (base, "vda", origin (NULL, 0), 1), ==, "vda");
  g_assert_cmpstr (match (base, "vdb", origin (NULL, 0), 1), ==, "");
  g_assert_cmpstr (match (base, "vda", origin (NULL, 0), 2), ==, "");
  g_assert_cmpstr (match (base, "vda", origin (NULL, 1), 1), ==, "");
  vb_backup_info_add_disk (base, "vdb");
  g_assert_cmpstr (match (base, "vda", origin (NULL, 0), 2), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/disk-match/by-id", test_by_id);
  g_test_add_func ("/disk-match/single", test_single);
  g_test_add_func ("/disk-match/layers", test_layers);
  g_test_add_func ("/disk-match/old", test_old);
  return g_test_run ();
}
