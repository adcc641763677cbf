/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-extents.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define BATCH 256

/* A file in more pieces than this is not looked at: it is only a figure to be shown. */
#define MAX_EXTENTS 65536

static gint64
sum_unshared (int fd)
{
  g_autofree struct fiemap *map = g_malloc0 (sizeof *map + BATCH * sizeof (struct fiemap_extent));
  guint64 at = 0, unique = 0;

  for (guint seen = 0; seen < MAX_EXTENTS; seen += BATCH)
    {
      map->fm_start = at;
      map->fm_length = FIEMAP_MAX_OFFSET - at;
      map->fm_flags = 0;
      map->fm_extent_count = BATCH;
      if (ioctl (fd, FS_IOC_FIEMAP, map) != 0)
        return -1;
      for (guint i = 0; i < map->fm_mapped_extents; i++)
        {
          const struct fiemap_extent *extent = &map->fm_extents[i];
          if ((extent->fe_flags & FIEMAP_EXTENT_SHARED) == 0)
            unique += extent->fe_length;
          if (extent->fe_flags & FIEMAP_EXTENT_LAST)
            return (gint64) unique;
          at = extent->fe_logical + extent->fe_length;
        }
      if (map->fm_mapped_extents == 0)
        return (gint64) unique;
    }
  return -1;
}

gint64
vb_extents_get_unique (int fd, gboolean may_share)
{
  struct stat info;

  if (may_share)
    return sum_unshared (fd);
  return fstat (fd, &info) == 0 ? (gint64) info.st_blocks * 512 : -1;
}
