/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-capture.h"
#include "core/model/vb-disk.h"
#include "core/model/vb-schedules.h"

G_BEGIN_DECLS

/**
 * VbPower:
 *
 * Power state of a VPS as the protocol names it. %VB_POWER_STOPPED also stands for a VPS that is
 * shutting down no more; transitional states of the hypervisor count as running.
 */
typedef enum
{
  VB_POWER_STOPPED,
  VB_POWER_RUNNING,
  VB_POWER_PAUSED,
  VB_POWER_CRASHED,
} VbPower;

/** vb_power_to_string: Returns: (transfer none): "stopped", "running", "paused" or "crashed" */
const char *vb_power_to_string (VbPower power);

/** vb_power_from_string: unknown words mean %VB_POWER_STOPPED */
VbPower vb_power_from_string (const char *text);

typedef enum
{
  VB_POWER_ACTION_START,   /* also resumes a paused VPS */
  VB_POWER_ACTION_STOP,    /* asks the guest; with force cuts the power */
  VB_POWER_ACTION_RESTART, /* asks the guest; with force resets the machine */
} VbPowerAction;

/**
 * VbVpsInfo:
 * @uuid: UUID in lower case
 * @name: the domain's name
 * @power: power state
 * @slots_total: total of slots in the domain's metadata, or -1 when there is none
 * @unsupported: (nullable): one sentence that names the disk or device that makes backups
 * impossible
 * @schedules: (nullable) (element-type VbSchedule): the schedules in the domain's metadata
 * @marks_in_way: whether what the hypervisor keeps for us may be in the way of the VPS's own
 * snapshots, see release_marks()
 *
 * What the hypervisor says of one VPS.
 */
typedef struct
{
  char *uuid;
  char *name;
  VbPower power;
  gint64 slots_total;
  char *unsupported;
  GPtrArray *schedules;
  gboolean marks_in_way;
} VbVpsInfo;

#define VB_TYPE_VPS_INFO (vb_vps_info_get_type ())
GType vb_vps_info_get_type (void);
VbVpsInfo *vb_vps_info_copy (const VbVpsInfo *self);
void vb_vps_info_free (VbVpsInfo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbVpsInfo, vb_vps_info_free)

/**
 * VbHypervisor:
 *
 * The machine that runs the VPSs. Signals are emitted on the default main context, and start(),
 * stop()
 * and is_available() are called there. All other methods block and are called from worker threads,
 * several at a time; they return errors of #VB_ERROR (%VB_ERROR_HYPERVISOR_UNAVAILABLE without
 * connection,
 * %VB_ERROR_NOT_FOUND for a VPS that does not exist).
 *
 * Signals:
 *  - "vps-changed" (#VbVpsInfo boxed): a VPS appeared or any field of its info changed; emitted for
 *    every
 *    VPS after each (re)connect, before "available-changed", and again and again, changed or not,
 *    of a VPS with marks in the way
 *  - "vps-removed" (uuid string): a VPS exists no more
 *  - "available-changed": is_available() has changed
 */
#define VB_TYPE_HYPERVISOR (vb_hypervisor_get_type ())
G_DECLARE_INTERFACE (VbHypervisor, vb_hypervisor, VB, HYPERVISOR, GObject)

/**
 * VbHypervisorInterface:
 * @start: begins to connect, and reconnects with growing pauses until stop(). Main context
 * @stop: closes the connection; no signal afterwards. Main context
 * @is_available: whether there is a connection and the first list of VPSs was announced. Main
 * context
 * @get_info: (transfer full): what one VPS is now, asked afresh
 * @announce: reads what one VPS is now and emits "vps-changed" if that is news, ahead of anything
 * that the caller sends to the main context afterwards. (nullable): an implementation whose signals
 * are never late
 * @list_disks: (transfer full) (element-type VbDisk): the disks that a backup holds, with sizes,
 * and the file of the UEFI variables if there is one; fails with %VB_ERROR_UNSUPPORTED_DISK when
 * the VPS cannot be backed up
 * @begin_capture: (transfer full): holds a point in time of all disks. VPS on: freeze through the
 * agent (thawed in any case), pull-mode backup job with scratch beside the disks and a new
 * checkpoint "vps-backup.<backup>"; off: bitmap of the same name where the format has bitmaps.
 * After a failure nothing is left
 * @check_capture: quick, no hypervisor call: %VB_ERROR_INSUFFICIENT_SPACE when the scratch files
 * eat into the reserve. Called each second while copying
 * @has_process: quick, no hypervisor call: whether the process of a VPS that was on when @capture
 * began is known to live. (nullable): never known
 * @end_capture: ends the job and removes scratch files; with @keep the checkpoint stays (shut off:
 * is defined now), without it goes. Safe to call when the VPS has died meanwhile
 * @detach_capture: the service stops: leaves a capture of a running VPS as it is, for
 * resume_capture() of the next start; %VB_ERROR_INSUFFICIENT_SPACE when its scratch files might use
 * up the space that is to be left, now that nobody will watch them. (nullable): none can be left
 * @resume_capture: (transfer full): what begin_capture() of the same operation held before a
 * restart, now again under check, with its resumed set and without knowing its consistency;
 * %VB_ERROR_NOT_FOUND when it is not held any more. (nullable): never is
 * @abort_orphan_capture: after a crash: ends whatever job, scratch and checkpoint of
 * @operation/@backup is left of a capture; success when there is nothing
 * @delete_checkpoint: the checkpoint of a deleted backup; success when there is none
 * @keep_checkpoints: deletes the checkpoints of ours of all backups but @backups. (nullable): an
 * implementation without checkpoints
 * @release_marks: no operation runs on the VPS: forgets checkpoints and bitmaps that are in the way
 * of the VPS's own snapshots: all of a VPS that has such, else, of one that is off, what the
 * hypervisor finds again on the disks. (nullable): an implementation without checkpoints
 * @reset_checkpoints: VPS off, disks just replaced by those of @backup: forgets all checkpoints of
 * ours, and makes a new one for @backup so that the next capture can be incremental. Others'
 * checkpoints that the new disks lack are forgotten too. @restored (nullable): target → id of the
 * disks that were replaced ("" without one); %NULL when that is not known, and no new one is made
 * @check_restore: (transfer full) (element-type utf8): whether the disks of the VPS can be replaced
 * as things are: %VB_ERROR_DEFINITION_DIFFERS when it will start with others than it has,
 * %VB_ERROR_DISK_BUSY while something else works on one. Returns translated sentences that name
 * what is lost with the present disks. (nullable): an implementation whose VPSs have nothing of the
 * kind
 * @fit_definition: VPS off, disks just replaced: the definition and its snapshots are made to fit
 * them, so that the VPS reads nothing but the new disks. (nullable)
 * @put_definition_back: VPS off, old disks back: undoes fit_definition(); success when there is
 * nothing. (nullable)
 * @settle_definition: the old disks will not come back: forgets what fit_definition() has kept for
 * that; success when there is nothing. (nullable)
 * @adopt_checkpoints: VPS off, disks just put back that it had before: forgets all checkpoints of
 * ours but those that these disks hold. (nullable) as above
 * @get_changed_bytes: how much the disks may have changed since @backup, by its checkpoint; fails
 * with %VB_ERROR_NOT_FOUND when that cannot be told for every disk. (nullable): an implementation
 * without checkpoints
 * @begin_delta: (transfer full): VPS off: which parts of the disks have changed since @backup: for
 * each disk path, format and the name of a bitmap in changed_context. (nullable) as above
 * @end_delta: removes what begin_delta() has put beside or into the disks, which may have been
 * swapped meanwhile
 * @power: does @action
 * @power_off: cuts the power of a VPS for a swap and returns in @was what it was before (out)
 * (optional)
 * @power_restore: brings the VPS, now off, back to @power (running or paused; else does nothing)
 * @set_slots: writes the slot total into the domain's metadata, persistent and live
 * @set_schedule: writes the schedule of that id there, %NULL for none
 */
struct _VbHypervisorInterface
{
  GTypeInterface parent_iface;

  void (*start) (VbHypervisor *self);
  void (*stop) (VbHypervisor *self);
  gboolean (*is_available) (VbHypervisor *self);

  VbVpsInfo *(*get_info) (VbHypervisor *self, const char *vps, GError **error);
  void (*announce) (VbHypervisor *self, const char *vps);
  GPtrArray *(*list_disks) (VbHypervisor *self, const char *vps, GError **error);

  VbCapture *(*begin_capture) (VbHypervisor *self,
                               const VbCaptureRequest *request,
                               GCancellable *cancellable,
                               GError **error);
  gboolean (*check_capture) (VbHypervisor *self, VbCapture *capture, GError **error);
  gboolean (*has_process) (VbHypervisor *self, VbCapture *capture);
  gboolean (*end_capture) (VbHypervisor *self, VbCapture *capture, gboolean keep, GError **error);
  gboolean (*detach_capture) (VbHypervisor *self, VbCapture *capture, GError **error);
  VbCapture *(*resume_capture) (VbHypervisor *self,
                                const VbCaptureRequest *request,
                                GError **error);
  gboolean (*abort_orphan_capture) (VbHypervisor *self,
                                    const char *vps,
                                    const char *operation,
                                    const char *backup,
                                    GError **error);

  gboolean (*delete_checkpoint) (VbHypervisor *self,
                                 const char *vps,
                                 const char *backup,
                                 GError **error);
  gboolean (*keep_checkpoints) (VbHypervisor *self,
                                const char *vps,
                                const char *const *backups,
                                GError **error);
  gboolean (*release_marks) (VbHypervisor *self, const char *vps, GError **error);
  gboolean (*reset_checkpoints) (VbHypervisor *self,
                                 const char *vps,
                                 const char *backup,
                                 GHashTable *restored,
                                 GError **error);
  GPtrArray *(*check_restore) (VbHypervisor *self, const char *vps, GError **error);
  gboolean (*fit_definition) (VbHypervisor *self, const char *vps, GError **error);
  gboolean (*put_definition_back) (VbHypervisor *self, const char *vps, GError **error);
  gboolean (*settle_definition) (VbHypervisor *self, const char *vps, GError **error);
  gboolean (*adopt_checkpoints) (VbHypervisor *self, const char *vps, GError **error);
  gboolean (*get_changed_bytes) (VbHypervisor *self,
                                 const char *vps,
                                 const char *backup,
                                 guint64 *bytes,
                                 GError **error);
  VbCapture *(*begin_delta) (VbHypervisor *self,
                             const char *vps,
                             const char *operation,
                             const char *backup,
                             GError **error);
  gboolean (*end_delta) (VbHypervisor *self, VbCapture *delta, GError **error);

  gboolean (*power) (VbHypervisor *self,
                     const char *vps,
                     VbPowerAction action,
                     gboolean force,
                     GError **error);
  gboolean (*power_off) (VbHypervisor *self, const char *vps, VbPower *was, GError **error);
  gboolean (*power_restore) (VbHypervisor *self, const char *vps, VbPower power, GError **error);
  gboolean (*set_slots) (VbHypervisor *self, const char *vps, guint total, GError **error);
  gboolean (*set_schedule) (VbHypervisor *self,
                            const char *vps,
                            const char *id,
                            const VbSchedule *schedule,
                            GError **error);
};

void vb_hypervisor_start (VbHypervisor *self);
void vb_hypervisor_stop (VbHypervisor *self);
gboolean vb_hypervisor_is_available (VbHypervisor *self);
VbVpsInfo *vb_hypervisor_get_info (VbHypervisor *self, const char *vps, GError **error);
void vb_hypervisor_announce (VbHypervisor *self, const char *vps);
GPtrArray *vb_hypervisor_list_disks (VbHypervisor *self, const char *vps, GError **error);
VbCapture *vb_hypervisor_begin_capture (VbHypervisor *self,
                                        const VbCaptureRequest *request,
                                        GCancellable *cancellable,
                                        GError **error);
gboolean vb_hypervisor_check_capture (VbHypervisor *self, VbCapture *capture, GError **error);
gboolean vb_hypervisor_has_process (VbHypervisor *self, VbCapture *capture);
gboolean
vb_hypervisor_end_capture (VbHypervisor *self, VbCapture *capture, gboolean keep, GError **error);
gboolean vb_hypervisor_detach_capture (VbHypervisor *self, VbCapture *capture, GError **error);
VbCapture *
vb_hypervisor_resume_capture (VbHypervisor *self, const VbCaptureRequest *request, GError **error);
gboolean vb_hypervisor_abort_orphan_capture (VbHypervisor *self,
                                             const char *vps,
                                             const char *operation,
                                             const char *backup,
                                             GError **error);
gboolean vb_hypervisor_delete_checkpoint (VbHypervisor *self,
                                          const char *vps,
                                          const char *backup,
                                          GError **error);
gboolean vb_hypervisor_keep_checkpoints (VbHypervisor *self,
                                         const char *vps,
                                         const char *const *backups,
                                         GError **error);
gboolean vb_hypervisor_release_marks (VbHypervisor *self, const char *vps, GError **error);
gboolean vb_hypervisor_reset_checkpoints (VbHypervisor *self,
                                          const char *vps,
                                          const char *backup,
                                          GHashTable *restored,
                                          GError **error);
GPtrArray *vb_hypervisor_check_restore (VbHypervisor *self, const char *vps, GError **error);
gboolean vb_hypervisor_fit_definition (VbHypervisor *self, const char *vps, GError **error);
gboolean vb_hypervisor_put_definition_back (VbHypervisor *self, const char *vps, GError **error);
gboolean vb_hypervisor_settle_definition (VbHypervisor *self, const char *vps, GError **error);
gboolean vb_hypervisor_adopt_checkpoints (VbHypervisor *self, const char *vps, GError **error);
gboolean vb_hypervisor_get_changed_bytes (VbHypervisor *self,
                                          const char *vps,
                                          const char *backup,
                                          guint64 *bytes,
                                          GError **error);
VbCapture *vb_hypervisor_begin_delta (VbHypervisor *self,
                                      const char *vps,
                                      const char *operation,
                                      const char *backup,
                                      GError **error);
gboolean vb_hypervisor_end_delta (VbHypervisor *self, VbCapture *delta, GError **error);
gboolean vb_hypervisor_power (VbHypervisor *self,
                              const char *vps,
                              VbPowerAction action,
                              gboolean force,
                              GError **error);
gboolean
vb_hypervisor_power_off (VbHypervisor *self, const char *vps, VbPower *was, GError **error);
gboolean
vb_hypervisor_power_restore (VbHypervisor *self, const char *vps, VbPower power, GError **error);
gboolean vb_hypervisor_set_slots (VbHypervisor *self, const char *vps, guint total, GError **error);
gboolean vb_hypervisor_set_schedule (VbHypervisor *self,
                                     const char *vps,
                                     const char *id,
                                     const VbSchedule *schedule,
                                     GError **error);

/* For implementations; main context only. */
void vb_hypervisor_emit_vps_changed (VbHypervisor *self, const VbVpsInfo *info);
void vb_hypervisor_emit_vps_removed (VbHypervisor *self, const char *vps);
void vb_hypervisor_emit_available_changed (VbHypervisor *self);

G_END_DECLS
