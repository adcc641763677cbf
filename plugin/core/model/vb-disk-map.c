/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-map.h"

#include "core/base/vb-error.h"

typedef struct
{
  const VbBackupInfo *backup;
  GPtrArray *disks;
  GHashTable *found; /* target in the backup → VbDisk */
  GHashTable *taken; /* set of VbDisk */
} Map;

typedef gboolean (*Fits) (const VbBackupDisk *from, const VbDisk *disk);

static gboolean
has_target (const VbBackupDisk *from, const VbDisk *disk)
{
  return g_str_equal (from->target, disk->target);
}

static gboolean
has_id (const VbBackupDisk *from, const VbDisk *disk)
{
  return from->origin && disk->origin && disk->origin->id
         && g_strcmp0 (from->origin->id, disk->origin->id) == 0;
}

static gboolean
has_path (const VbBackupDisk *from, const VbDisk *disk)
{
  return from->origin && from->origin->path && g_strcmp0 (from->origin->path, disk->path) == 0;
}

static gboolean
has_size (const VbBackupDisk *from, const VbDisk *disk)
{
  return from->virtual_size_bytes == disk->virtual_size_bytes;
}

static gboolean
is_any (const VbBackupDisk *from, const VbDisk *disk)
{
  return TRUE;
}

static const VbBackupDisk *
get_from (const Map *map, guint index)
{
  return g_ptr_array_index (map->backup->disks, index);
}

static gboolean
is_open (const Map *map, const VbDisk *disk)
{
  return !disk->is_nvram && !g_hash_table_contains (map->taken, disk);
}

/* Returns: (nullable): the one free disk that fits; %NULL when there is none, or several */
static VbDisk *
find_one (const Map *map, const VbBackupDisk *from, Fits fits)
{
  VbDisk *found = NULL;

  for (guint i = 0; i < map->disks->len; i++)
    {
      VbDisk *disk = g_ptr_array_index (map->disks, i);
      if (!is_open (map, disk) || !fits (from, disk))
        continue;
      if (found != NULL)
        return NULL;
      found = disk;
    }
  return found;
}

static guint
count_from (const Map *map, const VbDisk *disk, Fits fits)
{
  guint n = 0;

  for (guint i = 0; i < map->backup->disks->len; i++)
    n += !g_hash_table_contains (map->found, get_from (map, i)->target)
         && fits (get_from (map, i), disk);
  return n;
}

/* Pairs what fits one to one, among what is left on both sides. */
static void
pair (Map *map, Fits fits)
{
  for (guint i = 0; i < map->backup->disks->len; i++)
    {
      const VbBackupDisk *from = get_from (map, i);
      VbDisk *disk
          = g_hash_table_contains (map->found, from->target) ? NULL : find_one (map, from, fits);

      if (disk == NULL || count_from (map, disk, fits) != 1)
        continue;
      g_hash_table_replace (map->found, from->target, disk);
      g_hash_table_add (map->taken, disk);
    }
}

static gboolean
is_whole (const Map *map)
{
  return g_hash_table_size (map->found) == map->backup->disks->len;
}

static void
pair_all (Map *map)
{
  static const Fits ways[] = { has_id, has_path, has_target, has_size, is_any };

  pair (map, has_target);
  if (is_whole (map))
    return;
  g_hash_table_remove_all (map->found);
  g_hash_table_remove_all (map->taken);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    pair (map, ways[i]);
}

static gboolean
rests_on (const VbDiskOrigin *origin, const char *path)
{
  const GPtrArray *layers = origin ? origin->layers : NULL;

  for (guint i = 0; layers && i < layers->len; i++)
    if (g_str_equal (((const VbLayer *) g_ptr_array_index (layers, i))->path, path))
      return TRUE;
  return FALSE;
}

/* An external snapshot puts an image above the one of before, and a commit takes it away again. */
static gboolean
is_one_chain (const VbBackupDisk *from, const VbDisk *disk)
{
  return rests_on (disk->origin, from->origin->path) || rests_on (from->origin, disk->path);
}

/* Disks that have only changed places among each other are all in the backup. */
static gboolean
is_in_backup (const VbBackupInfo *backup, const VbDisk *disk)
{
  for (guint i = 0; i < backup->disks->len; i++)
    {
      const VbBackupDisk *from = g_ptr_array_index (backup->disks, i);
      if (has_id (from, disk) || has_path (from, disk))
        return TRUE;
    }
  return FALSE;
}

static gboolean
has_one_disk (const Map *map)
{
  guint n = 0;

  for (guint i = 0; i < map->disks->len; i++)
    n += !((const VbDisk *) g_ptr_array_index (map->disks, i))->is_nvram;
  return n == 1 && map->backup->disks->len == 1;
}

static gboolean
is_another (const Map *map,
            const VbBackupDisk *from,
            const VbDisk *disk,
            VbDiskIsSame is_same,
            gpointer user_data)
{
  if (disk->may_be_overwritten)
    return FALSE;
  /* A backup of an older version knows names only. */
  if (from->origin == NULL)
    return !has_target (from, disk) && !has_one_disk (map);
  if (from->origin->path == NULL || is_in_backup (map->backup, disk) || is_one_chain (from, disk))
    return FALSE;
  return is_same == NULL || !is_same (disk, from, user_data);
}

GHashTable *
vb_disk_map_restore (const VbBackupInfo *backup,
                     GPtrArray *disks,
                     VbDiskIsSame is_same,
                     gpointer user_data,
                     GError **error)
{
  g_autoptr (GHashTable) found = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  Map map = { backup, disks, found, taken };

  pair_all (&map);
  for (guint i = 0; i < backup->disks->len; i++)
    {
      const VbBackupDisk *from = get_from (&map, i);
      const VbDisk *disk = g_hash_table_lookup (found, from->target);

      if (disk == NULL)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                       "The VPS has no disk %s, but the backup does", from->target);
          return NULL;
        }
      if (!is_another (&map, from, disk, is_same, user_data))
        continue;
      g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                   "The disk %s of the VPS is not the one that the backup holds, and would be "
                   "overwritten; attach the former disk, or detach this one",
                   disk->target);
      return NULL;
    }
  return g_steal_pointer (&found);
}

static VbDisk *
find_target (GPtrArray *disks, const VbBackupDisk *from)
{
  for (guint i = 0; i < disks->len; i++)
    {
      VbDisk *disk = g_ptr_array_index (disks, i);
      if (!disk->is_nvram && has_target (from, disk))
        return disk;
    }
  return NULL;
}

GHashTable *
vb_disk_map_clone (const VbBackupInfo *backup, GPtrArray *disks, GError **error)
{
  g_autoptr (GHashTable) found = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < backup->disks->len; i++)
    {
      const VbBackupDisk *from = g_ptr_array_index (backup->disks, i);
      VbDisk *disk = find_target (disks, from);

      if (disk == NULL)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                       "The VPS has no disk %s, but the backup does; add one of at least "
                       "%" G_GUINT64_FORMAT " bytes",
                       from->target, from->virtual_size_bytes);
          return NULL;
        }
      if (disk->virtual_size_bytes < from->virtual_size_bytes)
        {
          g_set_error (error, VB_ERROR, VB_ERROR_DISK_MISSING,
                       "The disk %s of the VPS has %" G_GUINT64_FORMAT
                       " bytes, but that of the backup has %" G_GUINT64_FORMAT
                       "; enlarge the disk first",
                       from->target, disk->virtual_size_bytes, from->virtual_size_bytes);
          return NULL;
        }
      g_hash_table_replace (found, from->target, disk);
    }
  return g_steal_pointer (&found);
}
