/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-directory-pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "vb-backup-folder.h"
#include "vb-busy-set.h"
#include "vb-capture-job.h"
#include "vb-delta-job.h"
#include "vb-error.h"
#include "vb-files.h"
#include "vb-image-staging.h"
#include "vb-log.h"
#include "vb-nbd-server.h"
#include "vb-pool-folder.h"
#include "vb-sparse-file.h"
#include "vb-stage-job.h"
#include "vb-verify-job.h"

struct _VbDirectoryPool
{
  GObject parent_instance;

  VbBusySet *busy;

  GMutex mutex; /* protects the rest */
  VbPoolFolder folder;
  gboolean reflinks_known;
  gboolean reflinks;
};

static void vb_directory_pool_iface_init (VbPoolInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbDirectoryPool,
                               vb_directory_pool,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_POOL, vb_directory_pool_iface_init))

/* --- helpers --- */

static VbPoolFolder *
dup_folder (VbDirectoryPool *self)
{
  g_mutex_lock (&self->mutex);
  VbPoolFolder *folder = vb_pool_folder_copy (&self->folder);
  g_mutex_unlock (&self->mutex);
  return folder;
}

/* The first pool that is seen is ours: another one that is mounted there later is not. */
static int
open_root (VbDirectoryPool *self, GError **error)
{
  g_autofree char *id = NULL;
  g_autoptr (VbPoolFolder) folder = dup_folder (self);

  int root = vb_pool_folder_open (folder, &id, error);
  g_mutex_lock (&self->mutex);
  if (root >= 0 && self->folder.id == NULL)
    self->folder.id = g_steal_pointer (&id);
  g_mutex_unlock (&self->mutex);
  return root;
}

static gboolean
has_reflinks (VbDirectoryPool *self, int root)
{
  g_mutex_lock (&self->mutex);
  gboolean known = self->reflinks_known, reflinks = self->reflinks;
  g_mutex_unlock (&self->mutex);
  if (known)
    return reflinks;

  reflinks = vb_sparse_file_can_clone (root);
  g_mutex_lock (&self->mutex);
  self->reflinks_known = TRUE;
  self->reflinks = reflinks;
  g_mutex_unlock (&self->mutex);
  return reflinks;
}

/* Reads only: it is asked where nobody may be kept waiting by a pool that takes no writes. */
static gboolean
look (VbDirectoryPool *self, VbPoolStatus *status, GError **error)
{
  vb_autofd int root = open_root (self, error);
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  if (root < 0 || !vb_pool_folder_get_space (folder, root, status, error))
    return FALSE;
  status->reflinks = has_reflinks (self, root);
  return TRUE;
}

/* When something went wrong that has no better name, it may be because the pool has gone away or become read-only. */
static gboolean
blame_pool (VbDirectoryPool *self, gboolean ok, GError *failure, GError **error)
{
  g_autoptr (GError) pool_error = NULL;
  VbPoolStatus status;

  if (ok)
    return TRUE;
  if (g_error_matches (failure, VB_ERROR, VB_ERROR_INTERNAL) && !look (self, &status, &pool_error))
    {
      g_error_free (failure);
      failure = g_steal_pointer (&pool_error);
    }
  g_propagate_error (error, failure);
  return FALSE;
}

/* --- VbPool --- */

/* What hangs or has become read-only shows only when it is written to: the time of the folder is enough. */
static gboolean
pool_check (VbPool *pool, VbPoolStatus *status, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);

  if (!look (self, status, error))
    return FALSE;
  vb_autofd int root = open_root (self, error);
  if (root < 0)
    return FALSE;
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  if (futimens (root, NULL) == 0)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_POOL_UNAVAILABLE, "The pool %s cannot be written: %s", folder->path,
               g_strerror (errno));
  return FALSE;
}

static gboolean
pool_check_space (VbPool *pool, guint64 bytes, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);

  vb_autofd int root = open_root (self, error);
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  return root >= 0 && vb_pool_folder_check_space (folder, root, bytes, error);
}

static GPtrArray *
pool_list (VbPool *pool, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = open_root (self, error);
  return root >= 0 ? vb_backup_folder_list (root, has_reflinks (self, root), error) : NULL;
}

static GPtrArray *
pool_list_vps (VbPool *pool, const char *vps, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = open_root (self, error);
  return root >= 0 ? vb_backup_folder_list_vps (root, vps, has_reflinks (self, root), error) : NULL;
}

static gboolean
pool_capture (VbPool *pool, const VbCapture *capture, VbBackupInfo *info, VbTransfer *transfer, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;
  VbPoolStatus status;

  if (!look (self, &status, error))
    return FALSE;
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  gboolean ok = vb_capture_job_run (folder, status.reflinks, self->busy, capture, info, transfer, &local);
  return blame_pool (self, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_commit (VbPool *pool, VbBackupInfo *info, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = open_root (self, error);
  if (root < 0)
    return FALSE;
  gboolean ok = vb_backup_folder_commit (root, has_reflinks (self, root), info, &local);
  return blame_pool (self, ok, g_steal_pointer (&local), error);
}

/* Waits for work that was left to itself, so that nothing of it turns up later. */
static gboolean
pool_discard (VbPool *pool, const char *vps, const char *backup, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);

  if (!vb_busy_set_acquire (self->busy, backup, NULL, error))
    return FALSE;
  vb_autofd int root = open_root (self, error);
  gboolean ok = root >= 0 && vb_pool_folder_remove_partial (root, vps, backup, error);
  vb_busy_set_release (self->busy, backup);
  return ok;
}

static gboolean
pool_remove (VbPool *pool, const char *vps, const char *backup, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = open_root (self, error);
  if (root < 0)
    return FALSE;
  gboolean ok = vb_backup_folder_remove (root, vps, backup, &local);
  return blame_pool (self, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_sweep (VbPool *pool, VbPoolGivenUp given_up, gpointer user_data, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  vb_autofd int root = open_root (self, error);
  return root >= 0 && vb_backup_folder_sweep (root, self->busy, given_up, user_data, error);
}

static gboolean
pool_rename (VbPool *pool, const char *vps, const char *backup, const char *name, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = open_root (self, error);
  if (root < 0)
    return FALSE;
  gboolean ok = vb_backup_folder_rename (root, vps, backup, name, &local);
  return blame_pool (self, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_protect (VbPool *pool, const char *vps, const char *backup, gboolean is_protected, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (GError) local = NULL;

  vb_autofd int root = open_root (self, error);
  if (root < 0)
    return FALSE;
  gboolean ok = vb_backup_folder_protect (root, vps, backup, is_protected, &local);
  return blame_pool (self, ok, g_steal_pointer (&local), error);
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
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  g_autoptr (GError) local = NULL;

  gboolean ok = vb_verify_job_run (folder, vps, backup, transfer, bad_chunks, &local);
  return blame_pool (self, ok, g_steal_pointer (&local), error);
}

static gboolean
pool_check_stage (VbPool *pool, const char *vps, const char *backup, GPtrArray *disks, GError **error)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  return vb_stage_job_check (folder, vps, backup, disks, error);
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
  VbDirectoryPool *self = VB_DIRECTORY_POOL (pool);
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  g_autoptr (GError) local = NULL;

  VbImageStaging *staging = vb_stage_job_run (folder, self->busy, vps, backup, operation, disks, transfer, &local);
  return blame_pool (self, staging != NULL, g_steal_pointer (&local), error) ? VB_STAGING (staging) : NULL;
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
  g_autoptr (VbPoolFolder) folder = dup_folder (self);
  g_autoptr (GError) local = NULL;

  VbImageStaging *staging = vb_delta_job_run (folder, self->busy, delta, disks, limit_bytes, transfer, &local);
  return blame_pool (self, staging != NULL, g_steal_pointer (&local), error) ? VB_STAGING (staging) : NULL;
}

static VbStaging *
pool_recover_staging (VbPool *pool, const char *operation, GPtrArray *disks, GError **error)
{
  g_autoptr (VbPoolFolder) folder = dup_folder (VB_DIRECTORY_POOL (pool));
  VbImageStaging *staging = vb_image_staging_recover (folder, operation, disks, error);
  return staging ? VB_STAGING (staging) : NULL;
}

static void
vb_directory_pool_iface_init (VbPoolInterface *iface)
{
  iface->check = pool_check;
  iface->list = pool_list;
  iface->list_vps = pool_list_vps;
  iface->check_space = pool_check_space;
  iface->capture = pool_capture;
  iface->commit = pool_commit;
  iface->discard = pool_discard;
  iface->remove = pool_remove;
  iface->sweep = pool_sweep;
  iface->rename = pool_rename;
  iface->protect = pool_protect;
  iface->verify = pool_verify;
  iface->check_stage = pool_check_stage;
  iface->stage = pool_stage;
  iface->can_stage_delta = pool_can_stage_delta;
  iface->stage_delta = pool_stage_delta;
  iface->recover_staging = pool_recover_staging;
}

/* --- lifecycle --- */

static void
vb_directory_pool_finalize (GObject *object)
{
  VbDirectoryPool *self = VB_DIRECTORY_POOL (object);

  g_free (self->folder.path);
  g_free (self->folder.id);
  vb_busy_set_unref (self->busy);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (vb_directory_pool_parent_class)->finalize (object);
}

static void
vb_directory_pool_class_init (VbDirectoryPoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_directory_pool_finalize;
}

static void
vb_directory_pool_init (VbDirectoryPool *self)
{
  g_mutex_init (&self->mutex);
  self->busy = vb_busy_set_new ();
}

VbDirectoryPool *
vb_directory_pool_new (const char *path, const char *reserve, GError **error)
{
  g_autoptr (VbDirectoryPool) self = g_object_new (VB_TYPE_DIRECTORY_POOL, NULL);
  self->folder.path = g_strdup (path);
  vb_nbd_server_sweep ();
  return vb_reserve_parse (reserve, &self->folder.reserve, error) ? g_steal_pointer (&self) : NULL;
}

gboolean
vb_directory_pool_create (const char *path, GError **error)
{
  return vb_pool_folder_init (path, error);
}
