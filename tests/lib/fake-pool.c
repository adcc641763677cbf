/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doubles.h"
#include "fake-script.h"
#include "fake-staging.h"

#define CHUNK_BYTES (1024 * 1024)
#define POOL_BYTES (100 * G_GUINT64_CONSTANT (1024) * 1024 * 1024)

struct _VbFakePool
{
  GObject parent_instance;

  GMutex mutex;        /* worker threads read and change what follows */
  GCond cond;          /* more bytes are allowed */
  GHashTable *backups; /* id → VbBackupInfo */
  GHashTable *partial; /* id → guint64, bytes copied */
  guint64 read_bytes;
  guint64 allowed_bytes;
  guint64 free_bytes;
  guint64 bad_chunks;
  gboolean in_place;
  gint64 unique_bytes;  /* of all backups together */
  VbFakeClaims *claims; /* (nullable) */
  char *unfinished[3];  /* operation, VPS, backup */
  gint touched;         /* atomic: another host has changed something */
};

static void vb_fake_pool_iface_init (VbPoolInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbFakePool,
                               vb_fake_pool,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_POOL, vb_fake_pool_iface_init))

static void
info_free (gpointer info)
{
  vb_backup_info_free (info);
}

/* Lifecycle and script */

static void
vb_fake_pool_finalize (GObject *object)
{
  VbFakePool *self = VB_FAKE_POOL (object);

  g_clear_object (&self->claims);
  for (gsize i = 0; i < G_N_ELEMENTS (self->unfinished); i++)
    g_free (self->unfinished[i]);
  g_hash_table_unref (self->backups);
  g_hash_table_unref (self->partial);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (vb_fake_pool_parent_class)->finalize (object);
}

static void
vb_fake_pool_class_init (VbFakePoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_fake_pool_finalize;
}

static void
vb_fake_pool_init (VbFakePool *self)
{
  vb_fake_script_init (self);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->backups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, info_free);
  self->partial = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->allowed_bytes = G_MAXUINT64;
  self->free_bytes = POOL_BYTES / 2;
  self->unique_bytes = -1;
}

VbFakePool *
vb_fake_pool_new (void)
{
  return g_object_new (VB_TYPE_FAKE_POOL, NULL);
}

void
vb_fake_pool_add (VbFakePool *self, VbBackupInfo *info)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_hash_table_replace (self->backups, g_strdup (info->id), info);
}

void
vb_fake_pool_set_claims (VbFakePool *self, VbFakeClaims *claims)
{
  g_set_object (&self->claims, claims);
}

void
vb_fake_pool_touch (VbFakePool *self)
{
  g_atomic_int_set (&self->touched, TRUE);
}

static VbClaims *
fake_get_claims (VbPool *pool)
{
  return (VbClaims *) VB_FAKE_POOL (pool)->claims;
}

void
vb_fake_pool_allow (VbFakePool *self, guint64 bytes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->allowed_bytes = bytes;
  g_cond_broadcast (&self->cond);
}

void
vb_fake_pool_set_bad_chunks (VbFakePool *self, guint64 bad_chunks)
{
  self->bad_chunks = bad_chunks;
}

void
vb_fake_pool_set_in_place (VbFakePool *self, gboolean in_place)
{
  self->in_place = in_place;
}

void
vb_fake_pool_set_free_bytes (VbFakePool *self, guint64 free_bytes)
{
  self->free_bytes = free_bytes;
}

void
vb_fake_pool_set_unique_bytes (VbFakePool *self, gint64 unique_bytes)
{
  self->unique_bytes = unique_bytes;
}

guint
vb_fake_pool_get_n_backups (VbFakePool *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_hash_table_size (self->backups);
}

guint
vb_fake_pool_get_n_partial (VbFakePool *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_hash_table_size (self->partial);
}

guint64
vb_fake_pool_get_n_read (VbFakePool *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return self->read_bytes;
}

void
vb_fake_pool_set_partial (VbFakePool *self, const char *backup, guint64 bytes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_hash_table_replace (self->partial, g_strdup (backup), g_memdup2 (&bytes, sizeof bytes));
}

static guint64
get_partial (VbFakePool *self, const char *backup)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  const guint64 *bytes = g_hash_table_lookup (self->partial, backup);

  return bytes ? *bytes : 0;
}

/* Waits until @bytes are allowed; the transfer may be cancelled meanwhile. */
static gboolean
wait_allowed (VbFakePool *self, guint64 bytes, VbTransfer *transfer, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  while (vb_transfer_check (transfer, error))
    {
      if (bytes <= self->allowed_bytes)
        return TRUE;
      g_cond_wait_until (&self->cond, &self->mutex, g_get_monotonic_time () + 5000);
    }

  return FALSE;
}

static gboolean
move_bytes (VbFakePool *self, guint64 done, guint64 total, VbTransfer *transfer, GError **error)
{
  vb_transfer_set_total (transfer, total);
  vb_transfer_set_done (transfer, done);
  while (done < total)
    {
      guint64 step = MIN (CHUNK_BYTES, total - done);

      if (!wait_allowed (self, done + step, transfer, error))
        return FALSE;
      done += step;
      vb_transfer_add (transfer, step);
      g_mutex_lock (&self->mutex);
      self->read_bytes += step;
      g_mutex_unlock (&self->mutex);
    }

  return TRUE;
}

/* The interface */

static gboolean
fake_check (VbPool *pool, VbPoolStatus *status, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);

  if (!vb_fake_script_enter (pool, "check", NULL, error))
    return FALSE;

  if (status != NULL)
    *status = (VbPoolStatus){ .free_bytes = self->free_bytes, .total_bytes = POOL_BYTES };
  return TRUE;
}

static GPtrArray *
fake_list (VbPool *pool, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (info_free);
  GHashTableIter iter;
  gpointer info;

  if (!vb_fake_script_enter (pool, "list", NULL, error))
    return NULL;

  g_mutex_lock (&self->mutex);
  g_hash_table_iter_init (&iter, self->backups);
  while (g_hash_table_iter_next (&iter, NULL, &info))
    g_ptr_array_add (list, vb_backup_info_copy (info));
  g_mutex_unlock (&self->mutex);

  /* Held here, it tells what was there before. */
  return vb_fake_script_enter (pool, "listed", NULL, error) ? g_steal_pointer (&list) : NULL;
}

static GPtrArray *
fake_list_vps (VbPool *pool, const char *vps, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);
  GHashTableIter iter;
  gpointer value;

  if (!vb_fake_script_enter (pool, "list_vps", NULL, error))
    return NULL;
  GPtrArray *list = g_ptr_array_new_with_free_func (info_free);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  g_hash_table_iter_init (&iter, self->backups);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_str_equal (((VbBackupInfo *) value)->vps, vps))
      {
        VbBackupInfo *info = vb_backup_info_copy (value);
        info->unique_bytes
            = self->unique_bytes < 0 ? -1 : self->unique_bytes / g_hash_table_size (self->backups);
        g_ptr_array_add (list, info);
      }
  return list;
}

static GPtrArray *
fake_list_again (VbPool *pool, const char *vps, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);

  if (!vb_fake_script_enter (pool, "list_again", NULL, error)
      || !g_atomic_int_compare_and_exchange (&self->touched, TRUE, FALSE))
    return NULL;
  return fake_list_vps (pool, vps, error);
}

static gboolean
fake_check_space (VbPool *pool, guint64 bytes, GError **error)
{
  if (!vb_fake_script_enter (pool, "check_space", NULL, error))
    return FALSE;

  if (bytes <= VB_FAKE_POOL (pool)->free_bytes)
    return TRUE;

  g_set_error_literal (error, VB_ERROR, VB_ERROR_INSUFFICIENT_SPACE, "The pool at /secret is full");
  return FALSE;
}

static gboolean
fake_capture (VbPool *pool,
              const VbCapture *capture,
              VbBackupInfo *info,
              VbTransfer *transfer,
              GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);
  guint64 total = 0, done, ignored;

  if (!vb_fake_script_enter (pool, "capture", vb_transfer_get_cancellable (transfer), error))
    return FALSE;

  for (guint i = 0; i < capture->disks->len; i++)
    {
      const VbCaptureDisk *from = g_ptr_array_index (capture->disks, i);
      VbBackupDisk *to = vb_backup_info_add_disk (info, from->target);

      to->virtual_size_bytes = to->size_bytes = from->virtual_size_bytes;
      total += from->virtual_size_bytes;
    }
  done = capture->resumed ? MIN (get_partial (self, info->id), total) : 0;
  if (!move_bytes (self, done, total, transfer, error))
    {
      vb_transfer_get (transfer, &done, &ignored);
      if (capture->running && vb_transfer_is_suspended (transfer))
        vb_fake_pool_set_partial (self, info->id, done);
      return FALSE;
    }

  info->size_bytes = total;
  info->incremental = capture->base_backup != NULL;
  vb_fake_pool_set_partial (self, info->id, total);
  return TRUE;
}

static gboolean
fake_commit (VbPool *pool, VbBackupInfo *info, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);

  if (!vb_fake_script_enter (pool, "commit", NULL, error))
    return FALSE;

  if (get_partial (self, info->id) == 0)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no partial backup");
      return FALSE;
    }
  g_clear_pointer (&info->completed_at, g_date_time_unref);
  info->completed_at = g_date_time_new_now_utc ();
  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->partial, info->id);
  g_mutex_unlock (&self->mutex);
  vb_fake_pool_add (self, vb_backup_info_copy (info));
  return TRUE;
}

static gboolean
fake_discard (VbPool *pool, const char *vps, const char *backup, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);

  if (!vb_fake_script_enter (pool, "discard", NULL, error))
    return FALSE;

  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->partial, backup);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
fake_remove (VbPool *pool, const char *vps, const char *backup, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);

  if (!vb_fake_script_enter (pool, "remove", NULL, error))
    return FALSE;

  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->backups, backup);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static gboolean
fake_rename (VbPool *pool, const char *vps, const char *backup, const char *name, GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);
  g_autoptr (GMutexLocker) locker = NULL;
  VbBackupInfo *info;

  if (!vb_fake_script_enter (pool, "rename", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&self->mutex);
  info = g_hash_table_lookup (self->backups, backup);
  if (info == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no backup %s", backup);
      return FALSE;
    }

  g_free (info->name);
  info->name = g_strdup (name);
  return TRUE;
}

static gboolean
fake_protect (VbPool *pool,
              const char *vps,
              const char *backup,
              gboolean is_protected,
              GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);
  g_autoptr (GMutexLocker) locker = NULL;
  VbBackupInfo *info;

  if (!vb_fake_script_enter (pool, "protect", NULL, error))
    return FALSE;

  locker = g_mutex_locker_new (&self->mutex);
  info = g_hash_table_lookup (self->backups, backup);
  if (info == NULL)
    {
      g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no backup %s", backup);
      return FALSE;
    }

  info->is_protected = is_protected;
  return TRUE;
}

/* No test of the bridge reads a disk: that is for tests with real images. */
static VbDiskFile *
fake_open_disk (VbPool *pool,
                const char *vps,
                const char *backup,
                const char *target,
                GError **error)
{
  if (vb_fake_script_enter (pool, "open_disk", NULL, error))
    g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "no such disk");
  return NULL;
}

static gboolean
fake_verify (VbPool *pool,
             const char *vps,
             const char *backup,
             VbTransfer *transfer,
             guint64 *bad_chunks,
             GError **error)
{
  if (!vb_fake_script_enter (pool, "verify", vb_transfer_get_cancellable (transfer), error))
    return FALSE;

  *bad_chunks = VB_FAKE_POOL (pool)->bad_chunks;
  return TRUE;
}

static gboolean
fake_check_stage (VbPool *pool,
                  const char *vps,
                  const char *backup,
                  GPtrArray *disks,
                  GError **error)
{
  return vb_fake_script_enter (pool, "check_stage", NULL, error);
}

static VbStaging *
fake_stage (VbPool *pool,
            const char *vps,
            const char *backup,
            const char *operation,
            GPtrArray *disks,
            VbTransfer *transfer,
            GError **error)
{
  guint64 total = 0;

  if (!vb_fake_script_enter (pool, "stage", vb_transfer_get_cancellable (transfer), error))
    return NULL;

  for (guint i = 0; i < disks->len; i++)
    total += ((const VbDisk *) g_ptr_array_index (disks, i))->allocated_bytes;
  if (!move_bytes (VB_FAKE_POOL (pool), 0, total, transfer, error))
    return NULL;

  return vb_fake_staging_new (G_OBJECT (pool), VB_FAKE_POOL (pool)->in_place, FALSE);
}

static VbStaging *
fake_recover_staging (VbPool *pool, const char *operation, GPtrArray *disks, GError **error)
{
  gboolean in_place = VB_FAKE_POOL (pool)->in_place;

  if (!vb_fake_script_enter (pool, "recover_staging", NULL, error))
    return NULL;

  return vb_fake_staging_new (G_OBJECT (pool), in_place, in_place);
}

void
vb_fake_pool_set_unfinished (VbFakePool *self,
                             const char *operation,
                             const char *vps,
                             const char *backup)
{
  self->unfinished[0] = g_strdup (operation);
  self->unfinished[1] = g_strdup (vps);
  self->unfinished[2] = g_strdup (backup);
}

static gboolean
fake_find_unfinished (VbPool *pool,
                      const char *operation,
                      char **vps,
                      char **backup,
                      GError **error)
{
  VbFakePool *self = VB_FAKE_POOL (pool);

  if (!vb_fake_script_enter (pool, "find_unfinished", NULL, error))
    return FALSE;
  if (g_strcmp0 (operation, self->unfinished[0]) != 0)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "Nothing is noted of it");
      return FALSE;
    }
  *vps = g_strdup (self->unfinished[1]);
  *backup = g_strdup (self->unfinished[2]);
  return TRUE;
}

static void
vb_fake_pool_iface_init (VbPoolInterface *iface)
{
  iface->find_unfinished = fake_find_unfinished;
  iface->get_claims = fake_get_claims;
  iface->check = fake_check;
  iface->list = fake_list;
  iface->list_vps = fake_list_vps;
  iface->list_again = fake_list_again;
  iface->check_space = fake_check_space;
  iface->capture = fake_capture;
  iface->commit = fake_commit;
  iface->discard = fake_discard;
  iface->remove = fake_remove;
  iface->rename = fake_rename;
  iface->protect = fake_protect;
  iface->open_disk = fake_open_disk;
  iface->verify = fake_verify;
  iface->check_stage = fake_check_stage;
  iface->stage = fake_stage;
  iface->recover_staging = fake_recover_staging;
}
