/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/base/vb-id-locks.h"
#include "vb-image-staging.h"
#include "storage/layout/vb-manifest.h"
#include "storage/layout/vb-pool-layout.h"
#include "storage/base/vb-run-abandonable.h"

G_BEGIN_DECLS

/**
 * VbStagingWork:
 *
 * What the two ways of making new images from a backup (staged and delta) have in common. The first
 * member of their jobs, which are shared with a thread of vb_run_abandonable(); what is below is of
 * that thread.
 */
typedef struct
{
  VbPoolLayout *folder;
  VbIdLocks *busy; /* (nullable): while the operation is marked in it */
  char *vps;
  char *backup;
  char *operation;
  GPtrArray *disks;     /* (element-type VbDisk): of the VPS as it is */
  gboolean is_clone;    /* the backup is of another VPS, on purpose */
  VbTransfer *transfer; /* (nullable): nothing is to be copied */

  VbManifest *manifest;    /* (nullable): not planned yet */
  VbImageStaging *staging; /* (nullable): likewise */
  GHashTable *map;         /* (nullable): likewise; target in the backup → one of disks */
  VbStagedFile *nvram;     /* (nullable): owned by the staging */
} VbStagingWork;

/** vb_staging_work_init: @disks: (element-type VbDisk): copied */
void vb_staging_work_init (VbStagingWork *self,
                           const VbPoolLayout *folder,
                           const char *vps,
                           const char *backup,
                           const char *operation,
                           GPtrArray *disks);
void vb_staging_work_clear (VbStagingWork *self);

/** vb_staging_work_open_backup: Returns: a descriptor of the backup's folder, -1 on failure */
int vb_staging_work_open_backup (const VbStagingWork *self, GError **error);

/** vb_staging_work_map: sets the map, once there is a manifest. @backup: descriptor of the backup's
 * folder. Returns: %FALSE with %VB_ERROR_DISK_MISSING */
gboolean vb_staging_work_map (VbStagingWork *self, int backup, GError **error);

/**
 * vb_staging_work_complete:
 * @backup: descriptor of the backup's folder
 * @stop: of vb_run_abandonable()
 *
 * UEFI variables after the disks; then all is made durable. Blocks (worker thread).
 *
 * Returns: %FALSE with @error: the caller is to discard
 */
gboolean
vb_staging_work_complete (VbStagingWork *self, int backup, GCancellable *stop, GError **error);

/** vb_staging_work_discard: removes what was made of new images; also for vb_run_abandonable(),
 * that is of a job that begins with it */
void vb_staging_work_discard (gpointer work);

/**
 * vb_staging_work_run:
 * @job: (transfer none): made by g_atomic_rc_box_new0(), begins with a #VbStagingWork
 * @busy: the operation's id is marked there, not the backup's: that may be read by others meanwhile
 * @work: plans, copies, completes
 * @job_unref: for @job
 *
 * Runs @work in a thread that is given up when storage hangs, see vb_run_abandonable(). Blocks
 * (worker thread).
 *
 * Returns: (transfer full): the staging, complete
 */
VbImageStaging *vb_staging_work_run (gpointer job,
                                     VbIdLocks *busy,
                                     VbTransfer *transfer,
                                     VbRunAbandonableFunc work,
                                     GDestroyNotify job_unref,
                                     GError **error);

G_END_DECLS
