/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libvirt/connection/vb-libvirt-connection-pool.h"
#include "vb-scratch.h"

G_BEGIN_DECLS

/**
 * VbLiveJob:
 *
 * A backup job on a running VPS as long as it is ours. A thread of its own watches the space for
 * the scratch files and ends the job when it runs short, whatever the copier does meanwhile: a
 * copier that hangs in a pool that hangs must not let the guest meet a full disk. Reference
 * counted, any thread.
 */
typedef struct _VbLiveJob VbLiveJob;

/** vb_live_job_new: @scratch: (transfer full): its files; @reserve_bytes: free space to be left
 * beside them */
VbLiveJob *vb_live_job_new (VbConnectionPool *gate,
                            const char *vps,
                            const char *operation,
                            VbScratch *scratch,
                            guint64 reserve_bytes);
VbLiveJob *vb_live_job_ref (VbLiveJob *self);
void vb_live_job_unref (VbLiveJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbLiveJob, vb_live_job_unref)

/** vb_live_job_watch: the job has begun: starts to watch its space */
void vb_live_job_watch (VbLiveJob *self);

/** vb_live_job_unwatch: the job is to be ended regularly; returns when the watch is over */
void vb_live_job_unwatch (VbLiveJob *self);

/** vb_live_job_check_room: whether the job can be left to itself: its scratch files will leave the
 * space that is to be left, whatever the guest writes; @disk_bytes: size of all disks */
gboolean vb_live_job_check_room (VbLiveJob *self, guint64 disk_bytes, GError **error);

/** vb_live_job_lose: what was being read is gone; the first reason stays */
void vb_live_job_lose (VbLiveJob *self, int code, const char *message);

/** vb_live_job_check: Returns: %FALSE with @error when the job was lost or space runs short */
gboolean vb_live_job_check (VbLiveJob *self, GError **error);

/**
 * vb_live_job_know_process:
 * @socket: on which the VPS's QEMU serves the disks
 *
 * From now on vb_live_job_has_process() can tell. Before the job is seen by other threads.
 */
void vb_live_job_know_process (VbLiveJob *self, const char *socket);

/** vb_live_job_has_process: Returns: whether that QEMU is known to live; any thread */
gboolean vb_live_job_has_process (VbLiveJob *self);

const char *vb_live_job_get_vps (VbLiveJob *self);
VbScratch *vb_live_job_get_scratch (VbLiveJob *self);

G_END_DECLS
