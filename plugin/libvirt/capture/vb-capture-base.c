/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-capture-base.h"

#include "core/base/vb-log.h"
#include "core/model/vb-disk-match.h"

GHashTable *
vb_capture_base_match (const VbCaptureRequest *request,
                       const VbBackupInfo *base,
                       GHashTable *candidates,
                       GHashTable *origins)
{
  g_autoptr (GHashTable) matched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer target;

  g_hash_table_iter_init (&iter, candidates);
  while (g_hash_table_iter_next (&iter, &target, NULL))
    {
      const VbDiskOrigin *origin = g_hash_table_lookup (origins, target);
      g_autoptr (GError) reason = NULL;
      const VbBackupDisk *disk
          = origin != NULL
                ? vb_disk_match_base (base, target, origin, g_hash_table_size (origins), &reason)
                : NULL;

      if (disk != NULL)
        g_hash_table_replace (matched, g_strdup (target), g_strdup (disk->target));
      else if (reason != NULL)
        vb_log_info (request->vps, request->operation, request->backup,
                     "All of %s is read, the changes since the backup %s are not used: %s",
                     (const char *) target, base->id, reason->message);
    }
  return g_hash_table_size (matched) > 0 ? g_steal_pointer (&matched) : NULL;
}

static const char *
id_in_base (const VbBackupInfo *base, const char *target)
{
  for (guint i = 0; base != NULL && target != NULL && i < base->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (base->disks, i);

      if (g_str_equal (disk->target, target))
        return disk->origin != NULL ? disk->origin->id : NULL;
    }
  return NULL;
}

static VbDiskOrigin *
complete (const VbDiskOrigin *known, const char *id, gboolean is_tracked)
{
  g_autofree char *fresh = g_uuid_string_random ();
  VbDiskOrigin *origin = vb_disk_origin_new (id != NULL ? id : fresh, known->path);

  origin->layers = known->layers != NULL ? g_ptr_array_ref (known->layers) : NULL;
  origin->is_tracked = is_tracked;
  return origin;
}

void
vb_capture_set_origins (VbCapture *capture,
                        const VbBackupInfo *base,
                        GHashTable *matched,
                        GHashTable *origins,
                        GHashTable *tracked)
{
  for (guint i = 0; i < capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (capture->disks, i);
      const VbDiskOrigin *known = g_hash_table_lookup (origins, disk->target);
      const char *in_base = matched != NULL ? g_hash_table_lookup (matched, disk->target) : NULL;
      const char *id = NULL;

      if (known == NULL)
        continue;
      id = known->id != NULL ? known->id : id_in_base (base, in_base);
      disk->origin
          = complete (known, id, tracked != NULL && g_hash_table_contains (tracked, disk->target));
      disk->base_target = g_strdup (in_base);
    }
}
