/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-disk-match.h"

#include "core/base/vb-error.h"

static const VbBackupDisk *
refuse (GError **error, const char *reason)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, reason);
  return NULL;
}

static gboolean
is_old (const VbBackupInfo *base)
{
  for (guint i = 0; i < base->disks->len; i++)
    if (((const VbBackupDisk *) g_ptr_array_index (base->disks, i))->origin == NULL)
      return TRUE;
  return FALSE;
}

/* Made before disks had ids: only one disk without lower images cannot be confused. */
static const VbBackupDisk *
match_old (const VbBackupInfo *base,
           const char *target,
           const VbDiskOrigin *now,
           guint n_disks,
           GError **error)
{
  const VbBackupDisk *only = base->disks->len == 1 ? g_ptr_array_index (base->disks, 0) : NULL;

  if (only == NULL || n_disks != 1 || !g_str_equal (only->target, target) || now->layers == NULL
      || now->layers->len > 0)
    return refuse (error, "the earlier backup does not tell its disks apart");
  return only;
}

/* Bitmaps of a backup are on its own disks only, so a single one needs no id. */
static const VbBackupDisk *
find_tracked (const VbBackupInfo *base, const char *id)
{
  const VbBackupDisk *found = NULL;
  guint n = 0;

  for (guint i = 0; i < base->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (base->disks, i);

      if (!disk->origin->is_tracked)
        continue;
      n++;
      if (found == NULL || g_strcmp0 (disk->origin->id, id) == 0)
        found = disk;
    }
  return n == 1 || (found != NULL && id != NULL && g_strcmp0 (found->origin->id, id) == 0) ? found
                                                                                           : NULL;
}

const VbBackupDisk *
vb_disk_match_base (const VbBackupInfo *base,
                    const char *target,
                    const VbDiskOrigin *now,
                    guint n_disks,
                    GError **error)
{
  const VbBackupDisk *found;

  if (is_old (base))
    return match_old (base, target, now, n_disks, error);
  found = find_tracked (base, now->id);
  if (found == NULL)
    return refuse (error, "it is not known which disk of the earlier backup it is");
  if (!vb_layers_are_same (found->origin->layers, now->layers))
    return refuse (error, "an image below it is not as it was");
  return found;
}
