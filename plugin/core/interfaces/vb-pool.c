/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-pool.h"

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"

G_DEFINE_INTERFACE (VbPool, vb_pool, G_TYPE_OBJECT)

static void
vb_pool_default_init (VbPoolInterface *iface)
{
}

gboolean
vb_pool_check (VbPool *self, VbPoolStatus *status, GError **error)
{
  return VB_POOL_GET_IFACE (self)->check (self, status, error);
}

GPtrArray *
vb_pool_list (VbPool *self, GError **error)
{
  return VB_POOL_GET_IFACE (self)->list (self, error);
}

GPtrArray *
vb_pool_list_vps (VbPool *self, const char *vps, GError **error)
{
  return VB_POOL_GET_IFACE (self)->list_vps (self, vps, error);
}

char **
vb_pool_list_changed (VbPool *self, const char *const *vps)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->list_changed ? iface->list_changed (self, vps) : g_new0 (char *, 1);
}

GPtrArray *
vb_pool_list_again (VbPool *self, const char *vps, GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->list_again ? iface->list_again (self, vps, error) : NULL;
}

VbClaims *
vb_pool_get_claims (VbPool *self)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->get_claims ? iface->get_claims (self) : NULL;
}

gboolean
vb_pool_check_space (VbPool *self, guint64 bytes, GError **error)
{
  return VB_POOL_GET_IFACE (self)->check_space (self, bytes, error);
}

gboolean
vb_pool_capture (VbPool *self,
                 const VbCapture *capture,
                 VbBackupInfo *info,
                 VbTransfer *transfer,
                 GError **error)
{
  return VB_FAULT_AROUND (VB_POOL_GET_IFACE (self)->capture (self, capture, info, transfer, error),
                          "pool.capture");
}

gboolean
vb_pool_commit (VbPool *self, VbBackupInfo *info, GError **error)
{
  return VB_FAULT_AROUND (VB_POOL_GET_IFACE (self)->commit (self, info, error), "pool.commit");
}

gboolean
vb_pool_discard (VbPool *self, const char *vps, const char *backup, GError **error)
{
  return VB_FAULT_AROUND (VB_POOL_GET_IFACE (self)->discard (self, vps, backup, error),
                          "pool.discard");
}

gboolean
vb_pool_remove (VbPool *self, const char *vps, const char *backup, GError **error)
{
  return VB_FAULT_AROUND (VB_POOL_GET_IFACE (self)->remove (self, vps, backup, error),
                          "pool.remove");
}

gboolean
vb_pool_sweep (VbPool *self, VbPoolGivenUp given_up, gpointer user_data, GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->sweep == NULL
         || VB_FAULT_AROUND (iface->sweep (self, given_up, user_data, error), "pool.sweep");
}

gboolean
vb_pool_rename (VbPool *self, const char *vps, const char *backup, const char *name, GError **error)
{
  return VB_FAULT_AROUND (VB_POOL_GET_IFACE (self)->rename (self, vps, backup, name, error),
                          "pool.rename");
}

gboolean
vb_pool_protect (VbPool *self,
                 const char *vps,
                 const char *backup,
                 gboolean is_protected,
                 GError **error)
{
  return VB_FAULT_AROUND (
      VB_POOL_GET_IFACE (self)->protect (self, vps, backup, is_protected, error), "pool.protect");
}

gboolean
vb_pool_verify (VbPool *self,
                const char *vps,
                const char *backup,
                VbTransfer *transfer,
                guint64 *bad_chunks,
                GError **error)
{
  return VB_POOL_GET_IFACE (self)->verify (self, vps, backup, transfer, bad_chunks, error);
}

VbDiskFile *
vb_pool_open_disk (VbPool *self,
                   const char *vps,
                   const char *backup,
                   const char *target,
                   GError **error)
{
  return VB_POOL_GET_IFACE (self)->open_disk (self, vps, backup, target, error);
}

gboolean
vb_pool_check_stage (VbPool *self,
                     const char *vps,
                     const char *backup,
                     GPtrArray *disks,
                     GError **error)
{
  return VB_POOL_GET_IFACE (self)->check_stage (self, vps, backup, disks, error);
}

VbStaging *
vb_pool_stage (VbPool *self,
               const char *vps,
               const char *backup,
               const char *operation,
               GPtrArray *disks,
               VbTransfer *transfer,
               GError **error)
{
  return VB_FAULT_AROUND (
      VB_POOL_GET_IFACE (self)->stage (self, vps, backup, operation, disks, transfer, error),
      "pool.stage");
}

gboolean
vb_pool_check_clone (VbPool *self,
                     const char *vps,
                     const char *backup,
                     GPtrArray *disks,
                     GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);

  if (iface->check_clone != NULL)
    return iface->check_clone (self, vps, backup, disks, error);
  vb_error_set_public (error, VB_ERROR_UNSUPPORTED_DISK);
  return FALSE;
}

VbStaging *
vb_pool_clone (VbPool *self,
               const char *vps,
               const char *backup,
               const char *operation,
               GPtrArray *disks,
               VbTransfer *transfer,
               GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);

  if (iface->clone != NULL)
    return VB_FAULT_AROUND (iface->clone (self, vps, backup, operation, disks, transfer, error),
                            "pool.stage");
  vb_error_set_public (error, VB_ERROR_UNSUPPORTED_DISK);
  return NULL;
}

gboolean
vb_pool_can_stage_delta (VbPool *self, GPtrArray *disks)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->stage_delta != NULL && iface->can_stage_delta != NULL
         && iface->can_stage_delta (self, disks);
}

VbStaging *
vb_pool_stage_delta (VbPool *self,
                     const VbCapture *delta,
                     GPtrArray *disks,
                     guint64 limit_bytes,
                     VbTransfer *transfer,
                     GError **error)
{
  return VB_FAULT_AROUND (
      VB_POOL_GET_IFACE (self)->stage_delta (self, delta, disks, limit_bytes, transfer, error),
      "pool.stage-delta");
}

VbStaging *
vb_pool_recover_staging (VbPool *self, const char *operation, GPtrArray *disks, GError **error)
{
  return VB_FAULT_AROUND (VB_POOL_GET_IFACE (self)->recover_staging (self, operation, disks, error),
                          "pool.recover-staging");
}

gboolean
vb_pool_find_unfinished (VbPool *self,
                         const char *operation,
                         char **vps,
                         char **backup,
                         GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);

  if (iface->find_unfinished != NULL)
    return iface->find_unfinished (self, operation, vps, backup, error);
  vb_error_set_public (error, VB_ERROR_NOT_FOUND);
  return FALSE;
}

gboolean
vb_pool_keep_replaced (VbPool *self,
                       VbStaging *staging,
                       VbUndo *undo,
                       gboolean *kept,
                       GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  *kept = FALSE;
  return iface->keep_replaced == NULL || iface->keep_replaced (self, staging, undo, kept, error);
}

gboolean
vb_pool_has_room_for_kept (VbPool *self, const VbUndo *undo)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->has_room_for_kept == NULL || iface->has_room_for_kept (self, undo);
}

VbStaging *
vb_pool_find_kept (VbPool *self, const VbUndo *undo, GPtrArray *disks, GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  if (iface->find_kept != NULL)
    return iface->find_kept (self, undo, disks, error);
  vb_error_set_public (error, VB_ERROR_NOT_FOUND);
  return NULL;
}

gboolean
vb_pool_drop_kept (VbPool *self, const VbUndo *undo, gboolean even_the_last, GError **error)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->drop_kept == NULL
         || VB_FAULT_AROUND (iface->drop_kept (self, undo, even_the_last, error), "pool.drop-kept");
}

gboolean
vb_pool_shares_space_with_kept (VbPool *self, const VbUndo *undo, GPtrArray *disks)
{
  VbPoolInterface *iface = VB_POOL_GET_IFACE (self);
  return iface->shares_space_with_kept != NULL && iface->shares_space_with_kept (self, undo, disks);
}
