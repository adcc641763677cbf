/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup-store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/vb-error.h"
#include "storage/base/vb-extents.h"
#include "core/base/vb-fault.h"
#include "storage/base/vb-files.h"
#include "core/base/vb-log.h"
#include "vb-manifest.h"
#include "vb-pool-layout.h"

/* --- list --- */

typedef struct
{
  const char *vps;
  gboolean reflinks;
  GPtrArray *found;
} Listing;

static gint64
sum_unique (int folder, const VbManifest *manifest, gboolean reflinks)
{
  gint64 sum = 0;

  for (guint i = 0; i < manifest->info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (manifest->info->disks, i);
      g_autofree char *image = vb_manifest_image_name (disk->target);
      vb_autofd int fd = vb_files_open (folder, image, O_RDONLY, NULL);
      gint64 unique = fd >= 0 ? vb_extents_get_unique (fd, reflinks) : -1;
      if (unique < 0)
        return -1;
      sum += unique;
    }
  return sum;
}

static VbBackupInfo *
load_info (int parent, const char *vps, const char *backup, gboolean reflinks, GError **error)
{
  vb_autofd int folder = vb_files_open_folder (parent, backup, error);
  g_autoptr (VbManifest) manifest
      = folder >= 0 ? vb_manifest_load (folder, vps, backup, error) : NULL;
  if (manifest == NULL)
    return NULL;
  if (manifest->info->completed_at == NULL)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_INTERNAL, "It was never completed");
      return NULL;
    }
  manifest->info->unique_bytes = sum_unique (folder, manifest, reflinks);
  return vb_backup_info_copy (manifest->info);
}

static gboolean
list_backup (int folder, const char *name, gpointer user_data, GError **error)
{
  Listing *listing = user_data;
  g_autoptr (GError) local = NULL;

  if (!g_uuid_string_is_valid (name))
    return TRUE;
  VbBackupInfo *info = load_info (folder, listing->vps, name, listing->reflinks, &local);
  if (info)
    g_ptr_array_add (listing->found, info);
  else
    vb_log_warning (listing->vps, NULL, name, "A backup in the pool cannot be used: %s",
                    local->message);
  return TRUE;
}

static gboolean
list_vps (int root, const char *name, gpointer user_data, GError **error)
{
  Listing *listing = user_data;
  g_autoptr (GError) local = NULL;

  listing->vps = name;
  if (!g_uuid_string_is_valid (name))
    return TRUE;
  vb_autofd int folder = vb_files_open_folder (root, name, &local);
  if (folder < 0 || !vb_files_for_each (folder, list_backup, listing, &local))
    vb_log_warning (name, NULL, NULL, "The backups of a VPS cannot be listed: %s", local->message);
  return TRUE;
}

GPtrArray *
vb_backup_store_list (int root, gboolean reflinks, GError **error)
{
  g_autoptr (GPtrArray) found
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  Listing listing = { .reflinks = reflinks, .found = found };
  return vb_files_for_each (root, list_vps, &listing, error) ? g_steal_pointer (&found) : NULL;
}

GPtrArray *
vb_backup_store_list_vps (int root, const char *vps, gboolean reflinks, GError **error)
{
  g_autoptr (GPtrArray) found
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  g_autoptr (GError) local = NULL;
  Listing listing = { .vps = vps, .reflinks = reflinks, .found = found };

  vb_autofd int folder = vb_pool_layout_open_vps (root, vps, FALSE, &local);
  if (folder < 0 && g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
    return g_steal_pointer (&found);
  if (folder >= 0 && vb_files_for_each (folder, list_backup, &listing, &local))
    return g_steal_pointer (&found);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

/* --- commit --- */

static gboolean
sync_entry (int folder, const char *name, gpointer user_data, GError **error)
{
  vb_autofd int fd = vb_files_open (folder, name, O_RDONLY, error);
  return fd >= 0 && vb_files_sync (fd, name, error);
}

static gboolean
check_files (int folder, const VbManifest *manifest, GError **error)
{
  for (guint i = 0; i < manifest->info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (manifest->info->disks, i);
      g_autofree char *image = vb_manifest_image_name (disk->target);
      g_autofree char *sums = vb_manifest_sums_name (disk->target);
      if (!vb_files_exists (folder, image) || !vb_files_exists (folder, sums))
        {
          g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL, "The image of %s is not complete",
                       disk->target);
          return FALSE;
        }
    }
  return TRUE;
}

static void
replace_string (char **to, const char *from)
{
  if (from == NULL)
    return;
  g_free (*to);
  *to = g_strdup (from);
}

typedef struct
{
  const char *vps;
  guint64 last;
} Sequence;

static gboolean
look_at_sequence (int folder, const char *name, gpointer user_data, GError **error)
{
  Sequence *sequence = user_data;
  vb_autofd int backup
      = g_uuid_string_is_valid (name) ? vb_files_open_folder (folder, name, NULL) : -1;
  g_autoptr (VbManifest) manifest
      = backup >= 0 ? vb_manifest_load (backup, sequence->vps, name, NULL) : NULL;

  if (manifest)
    sequence->last = MAX (sequence->last, manifest->info->sequence);
  return TRUE;
}

/* After all that are there, whatever host has made them. */
static gboolean
set_sequence (int parent, VbBackupInfo *info, GError **error)
{
  Sequence sequence = { .vps = info->vps };

  if (!vb_files_for_each (parent, look_at_sequence, &sequence, error))
    return FALSE;
  info->sequence = MAX (info->sequence, sequence.last + 1);
  return TRUE;
}

static gboolean
write_final_manifest (int folder, VbBackupInfo *info, GError **error)
{
  g_autoptr (VbManifest) manifest = vb_manifest_load (folder, info->vps, info->id, error);
  if (manifest == NULL || !check_files (folder, manifest, error))
    return FALSE;

  g_clear_pointer (&info->completed_at, g_date_time_unref);
  info->completed_at = g_date_time_new_now_utc ();
  replace_string (&manifest->info->name, info->name);
  replace_string (&manifest->info->vps_name, info->vps_name);
  manifest->info->completed_at = g_date_time_ref (info->completed_at);
  manifest->info->consistency = info->consistency;
  manifest->info->sequence = info->sequence;

  g_autofree char *text = vb_manifest_to_text (manifest);
  return vb_files_replace (folder, VB_MANIFEST_FILE, text, strlen (text), error)
         && vb_files_for_each (folder, sync_entry, NULL, error)
         && vb_files_sync (folder, "the backup folder", error);
}

static gboolean
is_committed (int parent, gboolean reflinks, VbBackupInfo *info)
{
  g_autoptr (VbBackupInfo) present = load_info (parent, info->vps, info->id, reflinks, NULL);
  if (present == NULL)
    return FALSE;
  g_clear_pointer (&info->completed_at, g_date_time_unref);
  info->completed_at = g_date_time_ref (present->completed_at);
  info->unique_bytes = present->unique_bytes;
  info->sequence = present->sequence;
  return TRUE;
}

gboolean
vb_backup_store_commit (int root, gboolean reflinks, VbBackupInfo *info, GError **error)
{
  g_autofree char *name = vb_pool_layout_partial_name (info->id);

  vb_autofd int parent = vb_pool_layout_open_vps (root, info->vps, FALSE, error);
  if (parent < 0)
    return FALSE;
  if (!vb_files_exists (parent, name) && is_committed (parent, reflinks, info))
    return vb_files_sync (parent, "the folder of the VPS", error);
  vb_autofd int partial = vb_files_open_folder (parent, name, error);
  if (partial < 0 || !set_sequence (parent, info, error)
      || !VB_FAULT_AROUND (write_final_manifest (partial, info, error), "commit.manifest")
      || !VB_FAULT_AROUND (vb_files_rename (parent, name, info->id, error), "commit.rename"))
    return FALSE;
  is_committed (parent, reflinks,
                info); /* for what it holds that no other does, which is known from now on */
  return TRUE;
}

/* --- remove and rename --- */

/* Whatever comes, from the rename on it is deleted: vb_backup_store_sweep() finishes what a crash
 * has left. */
gboolean
vb_backup_store_remove (int root, const char *vps, const char *backup, GError **error)
{
  g_autofree char *name = vb_pool_layout_deleted_name (backup);

  vb_autofd int folder = vb_pool_layout_open_backup (root, vps, backup, error);
  vb_autofd int parent = folder >= 0 ? vb_pool_layout_open_vps (root, vps, FALSE, error) : -1;
  if (parent < 0)
    return FALSE;
  return vb_files_remove_tree (parent, name, error)
         && VB_FAULT_AROUND (vb_files_rename (parent, backup, name, error), "remove.rename")
         && vb_pool_layout_remove_deleted (root, vps, backup, error);
}

typedef struct
{
  int root;
  const char *vps;
  VbIdLocks *busy;
  VbClaims *claims;
  VbPoolGivenUp given_up;
  gpointer user_data;
} Sweep;

/* Returns: (nullable) (transfer full): the id in .ID.SUFFIX */
static char *
id_of_hidden (const char *name, const char *suffix)
{
  if (name[0] != '.' || !g_str_has_suffix (name, suffix))
    return NULL;
  g_autofree char *id = g_strndup (name + 1, strlen (name) - 1 - strlen (suffix));
  return g_uuid_string_is_valid (id) ? g_steal_pointer (&id) : NULL;
}

static gboolean
sweep_entry (int folder, const char *name, gpointer user_data, GError **error)
{
  const Sweep *sweep = user_data;
  g_autofree char *deleted = id_of_hidden (name, ".deleted");
  g_autofree char *partial = id_of_hidden (name, ".partial");

  if (deleted)
    return vb_pool_layout_remove_deleted (sweep->root, sweep->vps, deleted, error);
  if (partial == NULL || !sweep->given_up (sweep->vps, partial, sweep->user_data)
      || !vb_id_locks_try (sweep->busy, partial))
    return TRUE;
  gboolean ok = vb_pool_layout_remove_partial (sweep->root, sweep->vps, partial, error);
  vb_id_locks_release (sweep->busy, partial);
  return ok;
}

static gboolean
has_hidden (int folder, const char *name, gpointer user_data, GError **error)
{
  gboolean *found = user_data;
  *found = *found
           || (name[0] == '.'
               && (g_str_has_suffix (name, ".deleted") || g_str_has_suffix (name, ".partial")));
  return TRUE;
}

/* Another host that works on the VPS will end what it has begun. */
static gboolean
sweep_folder (Sweep *sweep, int folder, GError **error)
{
  gboolean found = FALSE;

  if (!vb_files_for_each (folder, has_hidden, &found, error))
    return FALSE;
  if (!found || !vb_claims_take (sweep->claims, sweep->vps, NULL, NULL, NULL))
    return TRUE;
  gboolean ok = vb_files_for_each (folder, sweep_entry, sweep, error);
  vb_claims_give_back (sweep->claims, sweep->vps);
  return ok;
}

static gboolean
sweep_vps (int root, const char *name, gpointer user_data, GError **error)
{
  Sweep *sweep = user_data;
  g_autoptr (GError) local = NULL;

  sweep->vps = name;
  if (!g_uuid_string_is_valid (name))
    return TRUE;
  vb_autofd int folder = vb_files_open_folder (root, name, &local);
  if (folder < 0 || !sweep_folder (sweep, folder, &local))
    vb_log_warning (name, NULL, NULL,
                    "Failed to remove leftovers of incomplete backups of a VPS: %s",
                    local->message);
  return TRUE;
}

gboolean
vb_backup_store_sweep (int root,
                       VbIdLocks *busy,
                       VbClaims *claims,
                       VbPoolGivenUp given_up,
                       gpointer user_data,
                       GError **error)
{
  Sweep sweep = {
    .root = root, .busy = busy, .claims = claims, .given_up = given_up, .user_data = user_data
  };
  return vb_files_for_each (root, sweep_vps, &sweep, error);
}

/* Returns: (transfer full) (nullable): the manifest; @folder: (out): where it is */
static VbManifest *
open_manifest (int root, const char *vps, const char *backup, int *folder, GError **error)
{
  *folder = vb_pool_layout_open_backup (root, vps, backup, error);
  return *folder >= 0 ? vb_manifest_load (*folder, vps, backup, error) : NULL;
}

/* The time of the VPS's folder tells the other hosts to read it again. */
static gboolean
replace_manifest (int folder, const VbManifest *manifest, GError **error)
{
  g_autofree char *text = vb_manifest_to_text (manifest);
  if (!vb_files_replace (folder, VB_MANIFEST_FILE, text, strlen (text), error))
    return FALSE;
  vb_autofd int parent = openat (folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent >= 0)
    (void) futimens (parent, NULL);
  return TRUE;
}

gboolean
vb_backup_store_rename (int root,
                        const char *vps,
                        const char *backup,
                        const char *name,
                        GError **error)
{
  vb_autofd int folder = -1;
  g_autoptr (VbManifest) manifest = open_manifest (root, vps, backup, &folder, error);
  if (manifest == NULL)
    return FALSE;
  replace_string (&manifest->info->name, name);
  return replace_manifest (folder, manifest, error);
}

gboolean
vb_backup_store_protect (int root,
                         const char *vps,
                         const char *backup,
                         gboolean is_protected,
                         GError **error)
{
  vb_autofd int folder = -1;
  g_autoptr (VbManifest) manifest = open_manifest (root, vps, backup, &folder, error);
  if (manifest == NULL)
    return FALSE;
  manifest->info->is_protected = is_protected;
  return replace_manifest (folder, manifest, error);
}
