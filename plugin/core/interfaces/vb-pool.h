/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-backup-info.h"
#include "core/model/vb-capture.h"
#include "vb-claims.h"
#include "vb-disk-file.h"
#include "core/model/vb-disk.h"
#include "vb-staging.h"
#include "core/model/vb-transfer.h"
#include "core/model/vb-undo.h"

G_BEGIN_DECLS

/**
 * VbPoolStatus:
 * @free_bytes: free for backups, the reserve already taken off
 * @total_bytes: size of the pool's file system
 * @reflinks: whether a repeat backup can share extents with the one before
 * @remains: whether another host that died has left something to be swept
 */
typedef struct
{
  guint64 free_bytes;
  guint64 total_bytes;
  gboolean reflinks;
  gboolean remains;
} VbPoolStatus;

/**
 * VbPool:
 *
 * Where snapshots live. All methods block, as long as a hung file system does, and are called from
 * worker threads, several at a time but never two that change the same backup. Without its marker
 * file the pool counts as not mounted: %VB_ERROR_POOL_UNAVAILABLE, and nothing is written.
 */
#define VB_TYPE_POOL (vb_pool_get_type ())
G_DECLARE_INTERFACE (VbPool, vb_pool, VB, POOL, GObject)

/**
 * VbPoolGivenUp:
 *
 * Returns: whether nobody will go on with a backup of which there is a half. Worker thread
 */
typedef gboolean (*VbPoolGivenUp) (const char *vps, const char *backup, gpointer user_data);

/**
 * VbPoolInterface:
 * @check: whether the pool is there and can be written, with its free space
 * @list: (transfer full) (element-type VbBackupInfo): all backups of all VPSs that are complete
 * @list_vps: (transfer full) (element-type VbBackupInfo): likewise, of one VPS
 * @list_changed: (transfer full): those of @vps whose backups are not as they were listed last,
 * because another host has changed them, or we have. Cheap. (nullable), with @list_again: the pool
 * is not shared
 * @list_again: (transfer full) (element-type VbBackupInfo): as @list_vps, but %NULL without an
 * error when nothing has changed since
 * @get_claims: (transfer none) (nullable): who works on what among the hosts that share the pool;
 * never blocks
 * @check_space: %VB_ERROR_INSUFFICIENT_SPACE when @bytes more do not fit beside the reserve
 * @capture: copies a point in time into a partial folder, with checksums, domain XML and UEFI
 * variables; fills in disks, sizes and incremental of @info. What was copied of a resumed one is
 * taken up, its definition and UEFI variables as well. On failure the partial folder is removed,
 * unless the transfer of a running VPS was suspended
 * @commit: makes the captured backup durable and visible: fsync of every file and folder, manifest
 * with
 *   @info (completed_at and unique_bytes are set here), rename, fsync of the parent. Only after it
 * returns the backup is available
 * @discard: removes what is left of a backup that was not committed; success when there is nothing
 * @remove: deletes a backup; it disappears at one instant (rename to the name of a deleted one
 * first)
 * @sweep: removes what is left of deletes, the halves of backups that @given_up names, and what
 * hosts that died have left, but nothing of a VPS that another host works on. (nullable)
 * @rename: gives a backup another name, durable when it returns
 * @protect: notes whether a backup may be deleted, durable when it returns
 * @verify: reads all of a backup; (out) @bad_chunks chunks differ from their checksums
 * @open_disk: (transfer full): one disk of a backup as a file that can be handed out;
 * %VB_ERROR_NOT_FOUND when the backup has no such disk
 * @stage: (transfer full): prepares new images beside @disks from @backup, in each disk's own
 * format, every chunk checked against its sum (%VB_ERROR_CHECKSUM_MISMATCH), synced.
 * %VB_ERROR_DISK_MISSING when a disk of the backup is not among @disks;
 * %VB_ERROR_INSUFFICIENT_SPACE when it does not fit. On failure nothing is left
 * @can_stage_delta: whether every one of @disks can be cloned in no time (reflinks). (nullable):
 * never
 * @stage_delta: (transfer full): VPS off. As @stage, but the new images are clones of @disks into
 * which only what @delta says has changed is written back from @backup; fails when that is more
 * than @limit_bytes. (nullable)
 * @recover_staging: (transfer full): the staging that @operation left beside @disks after a crash,
 * to be undone and discarded or finished; with nothing left its methods just succeed
 * @find_unfinished: which backup @operation was putting on devices of which VPS (both transfer
 * full), when that was not finished; %VB_ERROR_NOT_FOUND. (nullable)
 * @keep_replaced: after the swap of @staging: adds the images that it has replaced to @undo, for as
 * long as nobody deletes them; @kept (out): whether they can be kept: all are files, and their file
 * system has room enough. (nullable): never
 * @has_room_for_kept: (nullable, as the next two): whether the file systems of @undo still have
 * room for it; %TRUE when that cannot be told
 * @shares_space_with_kept: whether new images beside @disks have more room without what is kept of
 * @undo. (nullable): never
 * @find_kept: (transfer full): what @keep_replaced has kept, as a staging that is swapped: undo()
 * puts it back. With @disks (nullable) (element-type VbDisk) only if these are those that the
 * restore has put in place: %VB_ERROR_NOT_FOUND, %VB_ERROR_UNSUPPORTED_DISK
 * @drop_kept: deletes what is kept; with @even_the_last also that of a disk that is gone itself
 * @check_clone: as @check_stage, for @clone. (nullable), with @clone
 * @clone: as @stage, onto the disks of another VPS, see vb_disk_map_clone(): @vps is the one that
 * @backup belongs to
 * @check_stage: quick refusals of @stage before anything is read: missing disks, backup gone, space
 * beside the disks
 */
struct _VbPoolInterface
{
  GTypeInterface parent_iface;

  gboolean (*check) (VbPool *self, VbPoolStatus *status, GError **error);
  GPtrArray *(*list) (VbPool *self, GError **error);
  GPtrArray *(*list_vps) (VbPool *self, const char *vps, GError **error);
  char **(*list_changed) (VbPool *self, const char *const *vps);
  GPtrArray *(*list_again) (VbPool *self, const char *vps, GError **error);
  VbClaims *(*get_claims) (VbPool *self);
  gboolean (*check_space) (VbPool *self, guint64 bytes, GError **error);
  gboolean (*capture) (VbPool *self,
                       const VbCapture *capture,
                       VbBackupInfo *info,
                       VbTransfer *transfer,
                       GError **error);
  gboolean (*commit) (VbPool *self, VbBackupInfo *info, GError **error);
  gboolean (*discard) (VbPool *self, const char *vps, const char *backup, GError **error);
  gboolean (*remove) (VbPool *self, const char *vps, const char *backup, GError **error);
  gboolean (*sweep) (VbPool *self, VbPoolGivenUp given_up, gpointer user_data, GError **error);
  gboolean (*rename) (VbPool *self,
                      const char *vps,
                      const char *backup,
                      const char *name,
                      GError **error);
  gboolean (*protect) (VbPool *self,
                       const char *vps,
                       const char *backup,
                       gboolean is_protected,
                       GError **error);
  gboolean (*verify) (VbPool *self,
                      const char *vps,
                      const char *backup,
                      VbTransfer *transfer,
                      guint64 *bad_chunks,
                      GError **error);
  VbDiskFile *(*open_disk) (VbPool *self,
                            const char *vps,
                            const char *backup,
                            const char *target,
                            GError **error);
  gboolean (*check_stage) (VbPool *self,
                           const char *vps,
                           const char *backup,
                           GPtrArray *disks,
                           GError **error);
  VbStaging *(*stage) (VbPool *self,
                       const char *vps,
                       const char *backup,
                       const char *operation,
                       GPtrArray *disks,
                       VbTransfer *transfer,
                       GError **error);
  gboolean (*check_clone) (VbPool *self,
                           const char *vps,
                           const char *backup,
                           GPtrArray *disks,
                           GError **error);
  VbStaging *(*clone) (VbPool *self,
                       const char *vps,
                       const char *backup,
                       const char *operation,
                       GPtrArray *disks,
                       VbTransfer *transfer,
                       GError **error);
  gboolean (*can_stage_delta) (VbPool *self, GPtrArray *disks);
  VbStaging *(*stage_delta) (VbPool *self,
                             const VbCapture *delta,
                             GPtrArray *disks,
                             guint64 limit_bytes,
                             VbTransfer *transfer,
                             GError **error);
  VbStaging *(*recover_staging) (VbPool *self,
                                 const char *operation,
                                 GPtrArray *disks,
                                 GError **error);
  gboolean (*find_unfinished) (VbPool *self,
                               const char *operation,
                               char **vps,
                               char **backup,
                               GError **error);
  gboolean (*keep_replaced) (VbPool *self,
                             VbStaging *staging,
                             VbUndo *undo,
                             gboolean *kept,
                             GError **error);
  gboolean (*has_room_for_kept) (VbPool *self, const VbUndo *undo);
  gboolean (*shares_space_with_kept) (VbPool *self, const VbUndo *undo, GPtrArray *disks);
  VbStaging *(*find_kept) (VbPool *self, const VbUndo *undo, GPtrArray *disks, GError **error);
  gboolean (*drop_kept) (VbPool *self, const VbUndo *undo, gboolean even_the_last, GError **error);
};

gboolean vb_pool_check (VbPool *self, VbPoolStatus *status, GError **error);
GPtrArray *vb_pool_list (VbPool *self, GError **error);
GPtrArray *vb_pool_list_vps (VbPool *self, const char *vps, GError **error);
char **vb_pool_list_changed (VbPool *self, const char *const *vps);
GPtrArray *vb_pool_list_again (VbPool *self, const char *vps, GError **error);
VbClaims *vb_pool_get_claims (VbPool *self);
gboolean vb_pool_check_space (VbPool *self, guint64 bytes, GError **error);
gboolean vb_pool_capture (VbPool *self,
                          const VbCapture *capture,
                          VbBackupInfo *info,
                          VbTransfer *transfer,
                          GError **error);
gboolean vb_pool_commit (VbPool *self, VbBackupInfo *info, GError **error);
gboolean vb_pool_discard (VbPool *self, const char *vps, const char *backup, GError **error);
gboolean vb_pool_remove (VbPool *self, const char *vps, const char *backup, GError **error);
gboolean vb_pool_sweep (VbPool *self, VbPoolGivenUp given_up, gpointer user_data, GError **error);
gboolean vb_pool_rename (VbPool *self,
                         const char *vps,
                         const char *backup,
                         const char *name,
                         GError **error);
gboolean vb_pool_protect (VbPool *self,
                          const char *vps,
                          const char *backup,
                          gboolean is_protected,
                          GError **error);
gboolean vb_pool_verify (VbPool *self,
                         const char *vps,
                         const char *backup,
                         VbTransfer *transfer,
                         guint64 *bad_chunks,
                         GError **error);
VbDiskFile *vb_pool_open_disk (VbPool *self,
                               const char *vps,
                               const char *backup,
                               const char *target,
                               GError **error);
gboolean vb_pool_check_stage (VbPool *self,
                              const char *vps,
                              const char *backup,
                              GPtrArray *disks,
                              GError **error);
VbStaging *vb_pool_stage (VbPool *self,
                          const char *vps,
                          const char *backup,
                          const char *operation,
                          GPtrArray *disks,
                          VbTransfer *transfer,
                          GError **error);
gboolean vb_pool_check_clone (VbPool *self,
                              const char *vps,
                              const char *backup,
                              GPtrArray *disks,
                              GError **error);
VbStaging *vb_pool_clone (VbPool *self,
                          const char *vps,
                          const char *backup,
                          const char *operation,
                          GPtrArray *disks,
                          VbTransfer *transfer,
                          GError **error);
gboolean vb_pool_can_stage_delta (VbPool *self, GPtrArray *disks);
VbStaging *vb_pool_stage_delta (VbPool *self,
                                const VbCapture *delta,
                                GPtrArray *disks,
                                guint64 limit_bytes,
                                VbTransfer *transfer,
                                GError **error);
VbStaging *
vb_pool_recover_staging (VbPool *self, const char *operation, GPtrArray *disks, GError **error);
gboolean vb_pool_find_unfinished (VbPool *self,
                                  const char *operation,
                                  char **vps,
                                  char **backup,
                                  GError **error);
gboolean vb_pool_keep_replaced (VbPool *self,
                                VbStaging *staging,
                                VbUndo *undo,
                                gboolean *kept,
                                GError **error);
gboolean vb_pool_has_room_for_kept (VbPool *self, const VbUndo *undo);
gboolean vb_pool_shares_space_with_kept (VbPool *self, const VbUndo *undo, GPtrArray *disks);
VbStaging *vb_pool_find_kept (VbPool *self, const VbUndo *undo, GPtrArray *disks, GError **error);
gboolean
vb_pool_drop_kept (VbPool *self, const VbUndo *undo, gboolean even_the_last, GError **error);

G_END_DECLS
