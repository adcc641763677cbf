/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-hypervisor.h"

#include "core/base/vb-error.h"
#include "core/base/vb-fault.h"

static const char *const power_words[] = { "stopped", "running", "paused", "crashed" };

enum
{
  SIGNAL_VPS_CHANGED,
  SIGNAL_VPS_REMOVED,
  SIGNAL_AVAILABLE_CHANGED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_INTERFACE (VbHypervisor, vb_hypervisor, G_TYPE_OBJECT)
G_DEFINE_BOXED_TYPE (VbVpsInfo, vb_vps_info, vb_vps_info_copy, vb_vps_info_free)

static void
vb_hypervisor_default_init (VbHypervisorInterface *iface)
{
  signals[SIGNAL_VPS_CHANGED]
      = g_signal_new ("vps-changed", VB_TYPE_HYPERVISOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, VB_TYPE_VPS_INFO | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[SIGNAL_VPS_REMOVED] = g_signal_new ("vps-removed", VB_TYPE_HYPERVISOR, G_SIGNAL_RUN_LAST,
                                              0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_AVAILABLE_CHANGED]
      = g_signal_new ("available-changed", VB_TYPE_HYPERVISOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
}

const char *
vb_power_to_string (VbPower power)
{
  return power_words[power];
}

VbPower
vb_power_from_string (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (power_words); i++)
    if (g_strcmp0 (power_words[i], text) == 0)
      return (VbPower) i;
  return VB_POWER_STOPPED;
}

VbVpsInfo *
vb_vps_info_copy (const VbVpsInfo *self)
{
  VbVpsInfo *copy = g_memdup2 (self, sizeof *self);
  copy->uuid = g_strdup (self->uuid);
  copy->name = g_strdup (self->name);
  copy->unsupported = g_strdup (self->unsupported);
  copy->schedules = self->schedules ? g_ptr_array_ref (self->schedules) : NULL;
  return copy;
}

void
vb_vps_info_free (VbVpsInfo *self)
{
  g_free (self->uuid);
  g_free (self->name);
  g_free (self->unsupported);
  g_clear_pointer (&self->schedules, g_ptr_array_unref);
  g_free (self);
}

void
vb_hypervisor_start (VbHypervisor *self)
{
  VB_HYPERVISOR_GET_IFACE (self)->start (self);
}

void
vb_hypervisor_stop (VbHypervisor *self)
{
  VB_HYPERVISOR_GET_IFACE (self)->stop (self);
}

gboolean
vb_hypervisor_is_available (VbHypervisor *self)
{
  return VB_HYPERVISOR_GET_IFACE (self)->is_available (self);
}

VbVpsInfo *
vb_hypervisor_get_info (VbHypervisor *self, const char *vps, GError **error)
{
  return VB_HYPERVISOR_GET_IFACE (self)->get_info (self, vps, error);
}

void
vb_hypervisor_announce (VbHypervisor *self, const char *vps)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  if (iface->announce != NULL)
    iface->announce (self, vps);
}

GPtrArray *
vb_hypervisor_list_disks (VbHypervisor *self, const char *vps, GError **error)
{
  return VB_HYPERVISOR_GET_IFACE (self)->list_disks (self, vps, error);
}

VbCapture *
vb_hypervisor_begin_capture (VbHypervisor *self,
                             const VbCaptureRequest *request,
                             GCancellable *cancellable,
                             GError **error)
{
  return VB_FAULT_AROUND (
      VB_HYPERVISOR_GET_IFACE (self)->begin_capture (self, request, cancellable, error),
      "begin-capture");
}

gboolean
vb_hypervisor_check_capture (VbHypervisor *self, VbCapture *capture, GError **error)
{
  return VB_HYPERVISOR_GET_IFACE (self)->check_capture (self, capture, error);
}

gboolean
vb_hypervisor_has_process (VbHypervisor *self, VbCapture *capture)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  return iface->has_process != NULL && iface->has_process (self, capture);
}

gboolean
vb_hypervisor_end_capture (VbHypervisor *self, VbCapture *capture, gboolean keep, GError **error)
{
  return VB_FAULT_AROUND (VB_HYPERVISOR_GET_IFACE (self)->end_capture (self, capture, keep, error),
                          "end-capture");
}

gboolean
vb_hypervisor_detach_capture (VbHypervisor *self, VbCapture *capture, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  if (iface->detach_capture != NULL)
    return VB_FAULT_AROUND (iface->detach_capture (self, capture, error), "detach-capture");
  vb_error_set_public (error, VB_ERROR_INTERRUPTED);
  return FALSE;
}

VbCapture *
vb_hypervisor_resume_capture (VbHypervisor *self, const VbCaptureRequest *request, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  if (iface->resume_capture != NULL)
    return VB_FAULT_AROUND (iface->resume_capture (self, request, error), "resume-capture");
  vb_error_set_public (error, VB_ERROR_NOT_FOUND);
  return NULL;
}

gboolean
vb_hypervisor_abort_orphan_capture (VbHypervisor *self,
                                    const char *vps,
                                    const char *operation,
                                    const char *backup,
                                    GError **error)
{
  return VB_FAULT_AROUND (
      VB_HYPERVISOR_GET_IFACE (self)->abort_orphan_capture (self, vps, operation, backup, error),
      "abort-orphan-capture");
}

gboolean
vb_hypervisor_delete_checkpoint (VbHypervisor *self,
                                 const char *vps,
                                 const char *backup,
                                 GError **error)
{
  return VB_FAULT_AROUND (
      VB_HYPERVISOR_GET_IFACE (self)->delete_checkpoint (self, vps, backup, error),
      "delete-checkpoint");
}

gboolean
vb_hypervisor_keep_checkpoints (VbHypervisor *self,
                                const char *vps,
                                const char *const *backups,
                                GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  return iface->keep_checkpoints == NULL
         || VB_FAULT_AROUND (iface->keep_checkpoints (self, vps, backups, error),
                             "keep-checkpoints");
}

gboolean
vb_hypervisor_release_marks (VbHypervisor *self, const char *vps, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  return iface->release_marks == NULL
         || VB_FAULT_AROUND (iface->release_marks (self, vps, error), "release-marks");
}

gboolean
vb_hypervisor_reset_checkpoints (VbHypervisor *self,
                                 const char *vps,
                                 const char *backup,
                                 GHashTable *restored,
                                 GError **error)
{
  return VB_FAULT_AROUND (
      VB_HYPERVISOR_GET_IFACE (self)->reset_checkpoints (self, vps, backup, restored, error),
      "reset-checkpoints");
}

static void
set_no_delta (GError **error)
{
  g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND,
                       "This hypervisor does not record what changes on the disks");
}

GPtrArray *
vb_hypervisor_check_restore (VbHypervisor *self, const char *vps, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  return iface->check_restore != NULL ? iface->check_restore (self, vps, error)
                                      : g_ptr_array_new_with_free_func (g_free);
}

gboolean
vb_hypervisor_fit_definition (VbHypervisor *self, const char *vps, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  return iface->fit_definition == NULL
         || VB_FAULT_AROUND (iface->fit_definition (self, vps, error), "fit-definition");
}

gboolean
vb_hypervisor_put_definition_back (VbHypervisor *self, const char *vps, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  return iface->put_definition_back == NULL
         || VB_FAULT_AROUND (iface->put_definition_back (self, vps, error), "put-definition-back");
}

gboolean
vb_hypervisor_settle_definition (VbHypervisor *self, const char *vps, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);

  return iface->settle_definition == NULL
         || VB_FAULT_AROUND (iface->settle_definition (self, vps, error), "settle-definition");
}

gboolean
vb_hypervisor_adopt_checkpoints (VbHypervisor *self, const char *vps, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  return iface->adopt_checkpoints == NULL
         || VB_FAULT_AROUND (iface->adopt_checkpoints (self, vps, error),
                             "hypervisor.adopt-checkpoints");
}

gboolean
vb_hypervisor_get_changed_bytes (VbHypervisor *self,
                                 const char *vps,
                                 const char *backup,
                                 guint64 *bytes,
                                 GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  if (iface->get_changed_bytes != NULL)
    return iface->get_changed_bytes (self, vps, backup, bytes, error);
  set_no_delta (error);
  return FALSE;
}

VbCapture *
vb_hypervisor_begin_delta (VbHypervisor *self,
                           const char *vps,
                           const char *operation,
                           const char *backup,
                           GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  if (iface->begin_delta != NULL)
    return VB_FAULT_AROUND (iface->begin_delta (self, vps, operation, backup, error),
                            "begin-delta");
  set_no_delta (error);
  return NULL;
}

gboolean
vb_hypervisor_end_delta (VbHypervisor *self, VbCapture *delta, GError **error)
{
  VbHypervisorInterface *iface = VB_HYPERVISOR_GET_IFACE (self);
  return VB_FAULT_AROUND (iface->end_delta == NULL || iface->end_delta (self, delta, error),
                          "end-delta");
}

gboolean
vb_hypervisor_power (VbHypervisor *self,
                     const char *vps,
                     VbPowerAction action,
                     gboolean force,
                     GError **error)
{
  return VB_HYPERVISOR_GET_IFACE (self)->power (self, vps, action, force, error);
}

gboolean
vb_hypervisor_power_off (VbHypervisor *self, const char *vps, VbPower *was, GError **error)
{
  return VB_FAULT_AROUND (VB_HYPERVISOR_GET_IFACE (self)->power_off (self, vps, was, error),
                          "power-off");
}

gboolean
vb_hypervisor_power_restore (VbHypervisor *self, const char *vps, VbPower power, GError **error)
{
  return VB_FAULT_AROUND (VB_HYPERVISOR_GET_IFACE (self)->power_restore (self, vps, power, error),
                          "power-restore");
}

gboolean
vb_hypervisor_set_slots (VbHypervisor *self, const char *vps, guint total, GError **error)
{
  return VB_FAULT_AROUND (VB_HYPERVISOR_GET_IFACE (self)->set_slots (self, vps, total, error),
                          "set-slots");
}

gboolean
vb_hypervisor_set_schedule (VbHypervisor *self,
                            const char *vps,
                            const char *id,
                            const VbSchedule *schedule,
                            GError **error)
{
  return VB_HYPERVISOR_GET_IFACE (self)->set_schedule (self, vps, id, schedule, error);
}

void
vb_hypervisor_emit_vps_changed (VbHypervisor *self, const VbVpsInfo *info)
{
  g_signal_emit (self, signals[SIGNAL_VPS_CHANGED], 0, info);
}

void
vb_hypervisor_emit_vps_removed (VbHypervisor *self, const char *vps)
{
  g_signal_emit (self, signals[SIGNAL_VPS_REMOVED], 0, vps);
}

void
vb_hypervisor_emit_available_changed (VbHypervisor *self)
{
  g_signal_emit (self, signals[SIGNAL_AVAILABLE_CHANGED], 0);
}
