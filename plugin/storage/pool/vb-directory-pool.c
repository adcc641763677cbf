/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-directory-pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "storage/layout/vb-backup-store.h"
#include "storage/base/vb-id-locks.h"
#include "storage/capture/vb-capture-job.h"
#include "storage/restore/vb-delta-job.h"
#include "storage/claims/vb-directory-claims.h"
#include "core/base/vb-error.h"
#include "storage/base/vb-files.h"
#include "storage/layout/vb-mtime-cache.h"
#include "storage/restore/vb-device-restore.h"
#include "storage/restore/vb-image-staging.h"
#include "storage/restore/vb-kept-images.h"
#include "core/base/vb-log.h"
#include "storage/nbd/vb-nbd-server.h"
#include "storage/layout/vb-pool-handle.h"
#include "storage/restore/vb-stage-job.h"
#include "vb-backup-file.h"
#include "vb-verify-job.h"

struct _VbDirectoryPool
{
  GObject parent_instance;

  VbIdLocks *busy;
  VbPoolHandle *root;
  VbMtimeCache *stamps;
  VbDirectoryClaims *claims; /* (nullable) */
  VbReserve undo_reserve;
};

static void vb_directory_pool_iface_init (VbPoolInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbDirectoryPool,
                               vb_directory_pool,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_POOL, vb_directory_pool_iface_init))

/* --- VbPool --- */

static gboolean
pool_check (VbPool *pool, VbPoolStatus *status, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);

  if (!vb_pool_handle_look (self->root, status, error))
    return FALSE;
  if (self->claims)
    {
      if (!vb_directory_claims_watch (self->claims, error))
        return FALSE;
      status->remains = vb_directory_claims_has_remains (self->claims);
    }
  return vb_pool_handle_touch (self->root, error);
}

static gboolean
pool_check_space (VbPool *pool, guint64 bytes, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);

  vb_autofd int root = vb_pool_handle_open (self->root, error);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  return root >= 0 && vb_pool_layout_check_space (folder, root, bytes, error);
}

static GPtrArray *
pool_list (VbPool *pool, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0)
    return NULL;
  vb_mtime_cache_take_all (self->stamps, root);
  return vb_backup_store_list (root, vb_pool_handle_has_reflinks (self->root, root), error);
}

static GPtrArray *
pool_list_vps (VbPool *pool, const char *vps, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0)
    return NULL;
  return vb_backup_store_list_vps (root, vps, vb_pool_handle_has_reflinks (self->root, root),
                                   error);
}

static char **
pool_list_changed (VbPool *pool, const char *const *vps)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GStrvBuilder) changed = g_strv_builder_new ();
  vb_autofd int root = self->claims ? vb_pool_handle_open (self->root, NULL) : -1;

  for (guint i = 0; root >= 0 && vps[i] != NULL; i++)
    if (vb_mtime_cache_is_changed (self->stamps, root, vps[i]))
      g_strv_builder_add (changed, vps[i]);
  return g_strv_builder_end (changed);
}

static GPtrArray *
pool_list_again (VbPool *pool, const char *vps, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = self->claims ? vb_pool_handle_open (self->root, error) : -1;
  if (root < 0 || !vb_mtime_cache_is_changed (self->stamps, root, vps))
    return NULL;
  vb_mtime_cache_take (self->stamps, root, vps);
  return vb_backup_store_list_vps (root, vps, vb_pool_handle_has_reflinks (self->root, root),
                                   error);
}

static VbClaims *
pool_get_claims (VbPool *pool)
{
  return (VbClaims *) VB_DIRECTORY_POOL (pool)->claims;
}

static gboolean
pool_capture (VbPool *pool,
              const VbCapture *capture,
              VbBackupInfo *info,
              VbTransfer *transfer,
              GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;
  VbPoolStatus status;

  if (!vb_pool_handle_look (self->root, &status, error))
    return FALSE;
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  gboolean ok
      = vb_capture_job_run (folder, status.reflinks, self->busy, capture, info, transfer, &local);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_commit (VbPool *pool, VbBackupInfo *info, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0 || !vb_claims_confirm (pool_get_claims (pool), info->vps, NULL, error))
    return FALSE;
  gboolean ok
      = vb_backup_store_commit (root, vb_pool_handle_has_reflinks (self->root, root), info, &local);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

/* Waits for work that was left to itself, so that nothing of it turns up later. */
static gboolean
pool_discard (VbPool *pool, const char *vps, const char *backup, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);

  if (!vb_id_locks_acquire (self->busy, backup, NULL, error))
    return FALSE;
  g_autoptr (GError) local = NULL;
  vb_autofd int root = vb_pool_handle_open (self->root, &local);
  gboolean ok = root >= 0 && vb_pool_layout_remove_partial (root, vps, backup, &local);
  vb_id_locks_release (self->busy, backup);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_remove (VbPool *pool, const char *vps, const char *backup, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0 || !vb_claims_confirm (pool_get_claims (pool), vps, NULL, error))
    return FALSE;
  gboolean ok = vb_backup_store_remove (root, vps, backup, &local);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_sweep (VbPool *pool, VbPoolGivenUp given_up, gpointer user_data, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0)
    return FALSE;
  if (self->claims)
    vb_directory_claims_bury (self->claims);
  return vb_backup_store_sweep (root, self->busy, pool_get_claims (pool), given_up, user_data,
                                error);
}

static gboolean
pool_rename (VbPool *pool, const char *vps, const char *backup, const char *name, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0)
    return FALSE;
  gboolean ok = vb_backup_store_rename (root, vps, backup, name, &local);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_protect (VbPool *pool,
              const char *vps,
              const char *backup,
              gboolean is_protected,
              GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = vb_pool_handle_open (self->root, error);
  if (root < 0)
    return FALSE;
  gboolean ok = vb_backup_store_protect (root, vps, backup, is_protected, &local);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_verify (VbPool *pool,
             const char *vps,
             const char *backup,
             VbTransfer *transfer,
             guint64 *bad_chunks,
             GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  g_autoptr (GError) local = NULL;

  gboolean ok = vb_verify_job_run (folder, vps, backup, transfer, bad_chunks, &local);
  return vb_pool_handle_blame (self->root, ok, g_steal_pointer (&local), error);
}

static VbDiskFile *
pool_open_disk (VbPool *pool,
                const char *vps,
                const char *backup,
                const char *target,
                GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  g_autoptr (GError) local = NULL;

  VbBackupFile *file = vb_backup_file_open (folder, vps, backup, target, &local);
  return vb_pool_handle_blame (self->root, file != NULL, g_steal_pointer (&local), error)
             ? VB_DISK_FILE (file)
             : NULL;
}

static gboolean
pool_check_stage (VbPool *pool,
                  const char *vps,
                  const char *backup,
                  GPtrArray *disks,
                  GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  return vb_stage_job_check (folder, vps, backup, disks, FALSE, error);
}

static gboolean
pool_check_clone (VbPool *pool,
                  const char *vps,
                  const char *backup,
                  GPtrArray *disks,
                  GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  return vb_stage_job_check (folder, vps, backup, disks, TRUE, error);
}

static VbStaging *
stage (VbDirectoryPool *self,
       const char *vps,
       const char *backup,
       const char *operation,
       GPtrArray *disks,
       gboolean is_clone,
       VbTransfer *transfer,
       GError **error)
{
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  g_autoptr (GError) local = NULL;

  VbImageStaging *staging = vb_stage_job_run (folder, self->busy, vps, backup, operation, disks,
                                              is_clone, transfer, &local);
  return vb_pool_handle_blame (self->root, staging != NULL, g_steal_pointer (&local), error)
             ? VB_STAGING (staging)
             : NULL;
}

static VbStaging *
pool_stage (VbPool *pool,
            const char *vps,
            const char *backup,
            const char *operation,
            GPtrArray *disks,
            VbTransfer *transfer,
            GError **error)
{
  return stage (VB_DIRECTORY_POOL (pool), vps, backup, operation, disks, FALSE, transfer, error);
}

static VbStaging *
pool_clone (VbPool *pool,
            const char *vps,
            const char *backup,
            const char *operation,
            GPtrArray *disks,
            VbTransfer *transfer,
            GError **error)
{
  return stage (VB_DIRECTORY_POOL (pool), vps, backup, operation, disks, TRUE, transfer, error);
}

static gboolean
pool_can_stage_delta (VbPool *pool, GPtrArray *disks)
{
  return vb_delta_job_can_clone (disks);
}

static VbStaging *
pool_stage_delta (VbPool *pool,
                  const VbCapture *delta,
                  GPtrArray *disks,
                  guint64 limit_bytes,
                  VbTransfer *transfer,
                  GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (self->root);
  g_autoptr (GError) local = NULL;

  VbImageStaging *staging
      = vb_delta_job_run (folder, self->busy, delta, disks, limit_bytes, transfer, &local);
  return vb_pool_handle_blame (self->root, staging != NULL, g_steal_pointer (&local), error)
             ? VB_STAGING (staging)
             : NULL;
}

static VbStaging *
pool_recover_staging (VbPool *pool, const char *operation, GPtrArray *disks, GError **error)
{
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (VB_DIRECTORY_POOL (pool)->root);
  VbImageStaging *staging = vb_image_staging_recover (folder, operation, disks, error);
  return staging ? VB_STAGING (staging) : NULL;
}

static gboolean
pool_find_unfinished (VbPool *pool,
                      const char *operation,
                      char **vps,
                      char **backup,
                      GError **error)
{
  g_autoptr (VbPoolLayout) folder = vb_pool_handle_dup_folder (VB_DIRECTORY_POOL (pool)->root);
  return vb_device_restore_find (folder, operation, vps, backup, error);
}

static gboolean
pool_keep_replaced (VbPool *pool, VbStaging *staging, VbUndo *undo, gboolean *kept, GError **error)
{
  return vb_kept_images_note (VB_IMAGE_STAGING (staging), undo,
                              &VB_DIRECTORY_POOL (pool)->undo_reserve, kept, error);
}

static gboolean
pool_shares_space_with_kept (VbPool *pool, const VbUndo *undo, GPtrArray *disks)
{
  return vb_kept_images_share_space (undo, disks);
}

static gboolean
pool_has_room_for_kept (VbPool *pool, const VbUndo *undo)
{
  return vb_kept_images_have_room (undo, &VB_DIRECTORY_POOL (pool)->undo_reserve);
}

static VbStaging *
pool_find_kept (VbPool *pool, const VbUndo *undo, GPtrArray *disks, GError **error)
{
  VbImageStaging *staging = vb_kept_images_find (undo, disks, error);
  return staging ? VB_STAGING (staging) : NULL;
}

static gboolean
pool_drop_kept (VbPool *pool, const VbUndo *undo, gboolean even_the_last, GError **error)
{
  return vb_kept_images_drop (undo, even_the_last, error);
}

static void
vb_directory_pool_iface_init (VbPoolInterface *iface)
{
  iface->check = pool_check;
  iface->list = pool_list;
  iface->list_vps = pool_list_vps;
  iface->list_changed = pool_list_changed;
  iface->list_again = pool_list_again;
  iface->get_claims = pool_get_claims;
  iface->check_space = pool_check_space;
  iface->capture = pool_capture;
  iface->commit = pool_commit;
  iface->discard = pool_discard;
  iface->remove = pool_remove;
  iface->sweep = pool_sweep;
  iface->rename = pool_rename;
  iface->protect = pool_protect;
  iface->verify = pool_verify;
  iface->open_disk = pool_open_disk;
  iface->check_stage = pool_check_stage;
  iface->stage = pool_stage;
  iface->check_clone = pool_check_clone;
  iface->clone = pool_clone;
  iface->can_stage_delta = pool_can_stage_delta;
  iface->stage_delta = pool_stage_delta;
  iface->recover_staging = pool_recover_staging;
  iface->find_unfinished = pool_find_unfinished;
  iface->keep_replaced = pool_keep_replaced;
  iface->shares_space_with_kept = pool_shares_space_with_kept;
  iface->has_room_for_kept = pool_has_room_for_kept;
  iface->find_kept = pool_find_kept;
  iface->drop_kept = pool_drop_kept;
}

/* --- lifecycle --- */

static void
vb_directory_pool_dispose (GObject *object)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (object);

  if (self->claims)
    vb_directory_claims_stop (self->claims);
  g_clear_object (&self->claims);
  G_OBJECT_CLASS (vb_directory_pool_parent_class)->dispose (object);
}

static void
vb_directory_pool_finalize (GObject *object)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (object);

  g_clear_pointer (&self->root, vb_pool_handle_unref);
  vb_id_locks_unref (self->busy);
  vb_mtime_cache_free (self->stamps);
  G_OBJECT_CLASS (vb_directory_pool_parent_class)->finalize (object);
}

static void
vb_directory_pool_class_init (VbDirectoryPoolClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_directory_pool_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_directory_pool_finalize;
}

static void
vb_directory_pool_init (VbDirectoryPool *self)
{
  self->busy = vb_id_locks_new ();
  self->stamps = vb_mtime_cache_new ();
}

VbDirectoryPool *
vb_directory_pool_new (const char *path, const char *reserve, GError **error)
{
  g_autoptr (VbDirectoryPool) self = g_object_new (VB_TYPE_DIRECTORY_POOL, NULL);
  vb_nbd_server_sweep ();
  self->root = vb_pool_handle_new (path, reserve, error);
  return self->root ? g_steal_pointer (&self) : NULL;
}

void
vb_directory_pool_share (VbDirectoryPool *self, const char *owner, guint timeout_s)
{
  g_return_if_fail (self->claims == NULL);
  self->claims = vb_directory_claims_new (self->root, owner, timeout_s);
}

gboolean
vb_directory_pool_set_undo_reserve (VbDirectoryPool *self, const char *reserve, GError **error)
{
  return vb_reserve_parse (reserve, &self->undo_reserve, error);
}

gboolean
vb_directory_pool_create (const char *path, GError **error)
{
  return vb_pool_layout_init (path, error);
}
