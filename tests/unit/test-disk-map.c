/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/base/vb-error.h"
#include "core/model/vb-disk-map.h"

#define BACKUP "2f0c7c0e-8a0b-4a5e-9d3c-1f2e3d4c5b6a"
#define VPS "5b1d3a52-0c6f-4f2c-8a77-3e9b1c2d4e5f"

/* A disk is written "target:id:path:size"; an empty id is not known. */
static VbDiskOrigin *
read_origin (char **words)
{
  return vb_disk_origin_new (*words[1] ? words[1] : NULL, words[2]);
}

static VbBackupInfo *
read_backup (const char *text)
{
  VbBackupInfo *info = vb_backup_info_new (BACKUP, VPS);
  g_auto (GStrv) disks = g_strsplit (text, " ", 0);

  for (guint i = 0; disks[i]; i++)
    {
      g_auto (GStrv) words = g_strsplit (disks[i], ":", 4);
      VbBackupDisk *disk = vb_backup_info_add_disk (info, words[0]);
      disk->origin = read_origin (words);
      disk->virtual_size_bytes = g_ascii_strtoull (words[3], NULL, 10);
    }
  return info;
}

static GPtrArray *
read_disks (const char *text)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_disk_free);
  g_auto (GStrv) disks = g_strsplit (text, " ", 0);

  for (guint i = 0; disks[i]; i++)
    {
      g_auto (GStrv) words = g_strsplit (disks[i], ":", 4);
      VbDisk *disk = vb_disk_new (words[0], words[2], "qcow2");
      disk->origin = read_origin (words);
      disk->virtual_size_bytes = g_ascii_strtoull (words[3], NULL, 10);
      g_ptr_array_add (list, disk);
    }
  return list;
}

/* Each row: the backup's disks, the VPS's, and where each goes in that order; NULL: refused. */
static const struct
{
  const char *backup;
  const char *disks;
  const char *wanted;
} rows[] = {
  { "vda:a:/a:1 vdb:b:/b:1", "vda:a:/a:1 vdb:b:/b:1", "vda vdb" },
  /* They have changed places: the names are what the guest sees. */
  { "vda:a:/a:1 vdb:b:/b:1", "vda:b:/b:1 vdb:a:/a:1", "vda vdb" },
  /* Other names on another bus. */
  { "vda:a:/a:1 vdb:b:/b:1", "sda:b:/x:1 sdb:a:/y:1", "sdb sda" },
  { "vda::/a:1 vdb::/b:1", "sda::/b:1 sdb::/a:1", "sdb sda" },
  { "vda::/a:1", "sda::/a:1", "sda" },
  /* All have moved on by one. */
  { "vda:a:/a:1 vdb:b:/b:1", "vdb:a:/a:1 vdc:b:/b:1", "vdb vdc" },
  { "vda::/a:1 vdb::/b:2", "vdb::/a:1 vdc::/b:2", "vdb vdc" },
  /* Another disk under the same name, or in the place of one that is gone. */
  { "vda:a:/a:1 vdb:b:/b:1", "vda:a:/a:1 vdb::/new:1", NULL },
  { "vda:a:/a:1 vdb:b:/b:1", "vda:a:/a:1 vdb:c:/new:1", NULL },
  { "vda:a:/a:1 vdb:b:/b:1", "vda:a:/a:1 vdc::/new:1", NULL },
  { "vda::/a:1", "vda::/new:1", NULL },
  /* A disk that has moved, but is known again; one more that the backup lacks. */
  { "vda:a:/a:1 vdb:b:/b:1", "vda:a:/moved:1 vdb:b:/b:1 vdc:c:/c:1", "vda vdb" },
  /* One is gone. */
  { "vda:a:/a:1 vdb:b:/b:1", "vda:a:/a:1", NULL },
};

static void
test_rows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (VbBackupInfo) backup = read_backup (rows[i].backup);
      g_autoptr (GPtrArray) disks = read_disks (rows[i].disks);
      g_autoptr (GError) error = NULL;
      g_autoptr (GHashTable) map = vb_disk_map_restore (backup, disks, NULL, NULL, &error);

      g_test_message ("%s on %s", rows[i].backup, rows[i].disks);
      if (rows[i].wanted == NULL)
        {
          g_assert_null (map);
          g_assert_error (error, VB_ERROR, VB_ERROR_DISK_MISSING);
          continue;
        }
      g_assert_no_error (error);
      g_auto (GStrv) wanted = g_strsplit (rows[i].wanted, " ", 0);
      for (guint k = 0; wanted[k]; k++)
        {
          const VbBackupDisk *from = g_ptr_array_index (backup->disks, k);
          g_assert_cmpstr (((VbDisk *) g_hash_table_lookup (map, from->target))->target, ==,
                           wanted[k]);
        }
    }
}

static gboolean
say_yes (const VbDisk *disk, const VbBackupDisk *from, gpointer user_data)
{
  return TRUE;
}

/* Where neither id nor path tells, another backup may. */
static void
test_proven_otherwise (void)
{
  g_autoptr (VbBackupInfo) backup = read_backup ("vda::/a:1");
  g_autoptr (GPtrArray) disks = read_disks ("vda::/moved:1");
  g_autoptr (GHashTable) map = vb_disk_map_restore (backup, disks, say_yes, NULL, NULL);

  g_assert_nonnull (map);
}

/* After an external snapshot the disk rests on the file that it was. */
static void
test_snapshot (void)
{
  g_autoptr (VbBackupInfo) backup = read_backup ("vda::/a:1");
  g_autoptr (GPtrArray) disks = read_disks ("vda::/a.s1:1");
  VbDisk *disk = g_ptr_array_index (disks, 0);

  disk->origin->layers = vb_layers_new ();
  vb_layers_add (disk->origin->layers, "/a");
  g_autoptr (GHashTable) map = vb_disk_map_restore (backup, disks, NULL, NULL, NULL);
  g_assert_nonnull (map);
}

/* After a commit it is the file that it rested on. */
static void
test_commit (void)
{
  g_autoptr (VbBackupInfo) backup = read_backup ("vda::/a.s1:1");
  g_autoptr (GPtrArray) disks = read_disks ("vda::/a:1");
  VbBackupDisk *disk = g_ptr_array_index (backup->disks, 0);

  disk->origin->layers = vb_layers_new ();
  vb_layers_add (disk->origin->layers, "/a");
  g_autoptr (GHashTable) map = vb_disk_map_restore (backup, disks, NULL, NULL, NULL);
  g_assert_nonnull (map);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/disk-map/rows", test_rows);
  g_test_add_func ("/disk-map/proven-otherwise", test_proven_otherwise);
  g_test_add_func ("/disk-map/snapshot", test_snapshot);
  g_test_add_func ("/disk-map/commit", test_commit);
  return g_test_run ();
}
