/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-hypervisor.h"

#include "core/base/vb-error.h"
#include "libvirt/capture/vb-libvirt-captures.h"
#include "libvirt/checkpoint/vb-libvirt-checkpoint.h"
#include "libvirt/checkpoint/vb-libvirt-origins.h"
#include "libvirt/connection/vb-libvirt-connection.h"
#include "libvirt/checkpoint/vb-libvirt-delta.h"
#include "libvirt/domain/vb-libvirt-definition.h"
#include "libvirt/domain/vb-libvirt-dependents.h"
#include "libvirt/domain/vb-libvirt-disks.h"
#include "libvirt/connection/vb-libvirt-events.h"
#include "libvirt/domain/vb-libvirt-inventory.h"
#include "libvirt/domain/vb-libvirt-power.h"
#include "libvirt/domain/vb-libvirt-metadata.h"
#include "core/base/vb-log.h"

struct _VbLibvirtHypervisor
{
  GObject parent_instance;

  VbLibvirtConnection *connection;
  VbLibvirtInventory *inventory;
  VbLibvirtCaptures *captures;
  VbConnectionPool *gate;
  gboolean available;
  gboolean stopped;
};

/* What a call of the interface works on: a place on the connection and the domain. */
typedef struct
{
  VbLibvirtLease *lease;
  virDomainPtr domain;
} Call;

static void vb_libvirt_hypervisor_iface_init (VbHypervisorInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbLibvirtHypervisor,
                               vb_libvirt_hypervisor,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_HYPERVISOR,
                                                      vb_libvirt_hypervisor_iface_init))

static void
call_end (Call *call)
{
  g_clear_pointer (&call->domain, virDomainFree);
  g_clear_pointer (&call->lease, vb_libvirt_lease_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Call, call_end)

static gboolean
call_begin (Call *call, VbHypervisor *hypervisor, const char *vps, GError **error)
{
  VbLibvirtHypervisor *self = VB_LIBVIRT_HYPERVISOR (hypervisor);

  call->lease = vb_connection_pool_lease (self->gate, VB_LIBVIRT_NORMAL, 0, error);
  if (call->lease != NULL)
    call->domain = vb_libvirt_lease_lookup (call->lease, vps, error);
  return call->domain != NULL;
}

static void
set_available (VbLibvirtHypervisor *self, gboolean available)
{
  if (self->available == available || self->stopped)
    return;
  self->available = available;
  vb_hypervisor_emit_available_changed (VB_HYPERVISOR (self));
}

static void
on_opened (VbLibvirtConnection *connection, VbLibvirtHypervisor *self)
{
  vb_libvirt_inventory_list (self->inventory);
}

static void
on_closed (VbLibvirtConnection *connection, VbLibvirtHypervisor *self)
{
  set_available (self, FALSE);
}

static void
on_event (VbLibvirtConnection *connection, int event, const char *vps, VbLibvirtHypervisor *self)
{
  switch ((VbLibvirtEvent) event)
    {
    case VB_LIBVIRT_EVENT_STOPPED:
      vb_libvirt_captures_lose (self->captures, vps, "The VPS has stopped while it was being read");
      vb_libvirt_inventory_refresh (self->inventory, vps);
      break;
    case VB_LIBVIRT_EVENT_BACKUP_ENDED:
      vb_libvirt_captures_lose (self->captures, vps, "The hypervisor has ended the backup job");
      break;
    case VB_LIBVIRT_EVENT_IO_ERROR:
      vb_log_warning (vps, NULL, NULL, "A disk of the VPS reports an error");
      vb_libvirt_inventory_refresh (self->inventory, vps);
      break;
    default:
      vb_libvirt_inventory_refresh (self->inventory, vps);
    }
}

static void
on_changed (VbLibvirtInventory *inventory, const VbVpsInfo *info, VbLibvirtHypervisor *self)
{
  vb_hypervisor_emit_vps_changed (VB_HYPERVISOR (self), info);
}

static void
on_removed (VbLibvirtInventory *inventory, const char *vps, VbLibvirtHypervisor *self)
{
  vb_hypervisor_emit_vps_removed (VB_HYPERVISOR (self), vps);
}

static void
on_listed (VbLibvirtInventory *inventory, VbLibvirtHypervisor *self)
{
  set_available (self, TRUE);
}

static void
hypervisor_start (VbHypervisor *hypervisor)
{
  VbLibvirtHypervisor *self = VB_LIBVIRT_HYPERVISOR (hypervisor);

  vb_libvirt_connection_start (self->connection);
}

static void
hypervisor_stop (VbHypervisor *hypervisor)
{
  VbLibvirtHypervisor *self = VB_LIBVIRT_HYPERVISOR (hypervisor);

  if (self->stopped)
    return;
  self->stopped = TRUE;
  self->available = FALSE;
  vb_libvirt_inventory_stop (self->inventory);
  vb_libvirt_connection_stop (self->connection);
}

static gboolean
hypervisor_is_available (VbHypervisor *hypervisor)
{
  return VB_LIBVIRT_HYPERVISOR (hypervisor)->available;
}

static VbVpsInfo *
hypervisor_get_info (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error) ? vb_libvirt_inventory_read (call.domain, error)
                                                    : NULL;
}

static void
hypervisor_announce (VbHypervisor *hypervisor, const char *vps)
{
  vb_libvirt_inventory_announce (VB_LIBVIRT_HYPERVISOR (hypervisor)->inventory, vps);
}

static GPtrArray *
hypervisor_list_disks (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  g_autoptr (GPtrArray) disks = NULL;

  if (call_begin (&call, hypervisor, vps, error))
    disks = vb_libvirt_disks_list (call.domain, error);
  if (disks != NULL)
    vb_libvirt_origins_fill (call.domain, disks);
  return g_steal_pointer (&disks);
}

static VbCapture *
hypervisor_begin_capture (VbHypervisor *hypervisor,
                          const VbCaptureRequest *request,
                          GCancellable *cancellable,
                          GError **error)
{
  return vb_libvirt_captures_begin (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, request,
                                    cancellable, error);
}

static gboolean
hypervisor_check_capture (VbHypervisor *hypervisor, VbCapture *capture, GError **error)
{
  return vb_libvirt_captures_check (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, capture, error);
}

static gboolean
hypervisor_has_process (VbHypervisor *hypervisor, VbCapture *capture)
{
  return vb_libvirt_captures_has_process (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, capture);
}

static gboolean
hypervisor_end_capture (VbHypervisor *hypervisor, VbCapture *capture, gboolean keep, GError **error)
{
  return vb_libvirt_captures_end (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, capture, keep,
                                  error);
}

static gboolean
hypervisor_detach_capture (VbHypervisor *hypervisor, VbCapture *capture, GError **error)
{
  return vb_libvirt_captures_detach (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, capture, error);
}

static VbCapture *
hypervisor_resume_capture (VbHypervisor *hypervisor,
                           const VbCaptureRequest *request,
                           GError **error)
{
  return vb_libvirt_captures_resume (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, request, error);
}

static gboolean
hypervisor_abort_orphan_capture (VbHypervisor *hypervisor,
                                 const char *vps,
                                 const char *operation,
                                 const char *backup,
                                 GError **error)
{
  return vb_libvirt_captures_abort_orphan (VB_LIBVIRT_HYPERVISOR (hypervisor)->captures, vps,
                                           operation, backup, error);
}

static gboolean
hypervisor_delete_checkpoint (VbHypervisor *hypervisor,
                              const char *vps,
                              const char *backup,
                              GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (backup);
  g_autoptr (GError) local = NULL;
  g_auto (Call) call = { NULL };

  if (call_begin (&call, hypervisor, vps, &local)
      && vb_libvirt_checkpoint_delete (call.domain, name, &local))
    return TRUE;
  /* The backups of a deleted VPS are deleted too. */
  if (g_error_matches (local, VB_ERROR, VB_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
hypervisor_keep_checkpoints (VbHypervisor *hypervisor,
                             const char *vps,
                             const char *const *backups,
                             GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_checkpoint_keep (call.domain, backups, error);
}

static gboolean
hypervisor_release_marks (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_checkpoint_release (call.domain, error);
}

static gboolean
hypervisor_reset_checkpoints (VbHypervisor *hypervisor,
                              const char *vps,
                              const char *backup,
                              GHashTable *restored,
                              GError **error)
{
  g_autofree char *name = vb_libvirt_checkpoint_name (backup);
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_checkpoint_reset (call.domain, name, restored, error);
}

static GPtrArray *
hypervisor_check_restore (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
                 && vb_libvirt_definition_check (call.domain, error)
                 && vb_libvirt_dependents_check (call.domain, error)
             ? vb_libvirt_definition_warnings (call.domain, error)
             : NULL;
}

static gboolean
hypervisor_fit_definition (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_definition_fit (call.domain, error);
}

static gboolean
hypervisor_put_definition_back (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_definition_put_back (call.domain, error);
}

static gboolean
hypervisor_settle_definition (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_definition_settle (call.domain, error);
}

static gboolean
hypervisor_adopt_checkpoints (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_checkpoint_forget_records (call.domain, error);
}

static gboolean
hypervisor_get_changed_bytes (VbHypervisor *hypervisor,
                              const char *vps,
                              const char *backup,
                              guint64 *bytes,
                              GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_delta_measure (call.domain, backup, bytes, error);
}

static VbCapture *
hypervisor_begin_delta (VbHypervisor *hypervisor,
                        const char *vps,
                        const char *operation,
                        const char *backup,
                        GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
             ? vb_libvirt_delta_begin (call.domain, vps, operation, backup, error)
             : NULL;
}

/* The bitmaps themselves say what has changed: nothing was added to the disks. */
static gboolean
hypervisor_end_delta (VbHypervisor *hypervisor, VbCapture *delta, GError **error)
{
  return TRUE;
}

static gboolean
hypervisor_power (VbHypervisor *hypervisor,
                  const char *vps,
                  VbPowerAction action,
                  gboolean force,
                  GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_power_do (call.domain, action, force, error);
}

static gboolean
hypervisor_power_off (VbHypervisor *hypervisor, const char *vps, VbPower *was, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_power_off (call.domain, was, error);
}

static gboolean
hypervisor_power_restore (VbHypervisor *hypervisor, const char *vps, VbPower power, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_power_restore (call.domain, power, error);
}

static gboolean
hypervisor_set_slots (VbHypervisor *hypervisor, const char *vps, guint total, GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_metadata_set_slots (call.domain, total, error);
}

static gboolean
hypervisor_set_schedule (VbHypervisor *hypervisor,
                         const char *vps,
                         const char *id,
                         const VbSchedule *schedule,
                         GError **error)
{
  g_auto (Call) call = { NULL };

  return call_begin (&call, hypervisor, vps, error)
         && vb_libvirt_metadata_set_schedule (call.domain, id, schedule, error);
}

static void
vb_libvirt_hypervisor_iface_init (VbHypervisorInterface *iface)
{
  iface->start = hypervisor_start;
  iface->stop = hypervisor_stop;
  iface->is_available = hypervisor_is_available;
  iface->get_info = hypervisor_get_info;
  iface->announce = hypervisor_announce;
  iface->list_disks = hypervisor_list_disks;
  iface->begin_capture = hypervisor_begin_capture;
  iface->check_capture = hypervisor_check_capture;
  iface->has_process = hypervisor_has_process;
  iface->end_capture = hypervisor_end_capture;
  iface->detach_capture = hypervisor_detach_capture;
  iface->resume_capture = hypervisor_resume_capture;
  iface->abort_orphan_capture = hypervisor_abort_orphan_capture;
  iface->delete_checkpoint = hypervisor_delete_checkpoint;
  iface->keep_checkpoints = hypervisor_keep_checkpoints;
  iface->release_marks = hypervisor_release_marks;
  iface->reset_checkpoints = hypervisor_reset_checkpoints;
  iface->check_restore = hypervisor_check_restore;
  iface->fit_definition = hypervisor_fit_definition;
  iface->put_definition_back = hypervisor_put_definition_back;
  iface->settle_definition = hypervisor_settle_definition;
  iface->adopt_checkpoints = hypervisor_adopt_checkpoints;
  iface->get_changed_bytes = hypervisor_get_changed_bytes;
  iface->begin_delta = hypervisor_begin_delta;
  iface->end_delta = hypervisor_end_delta;
  iface->power = hypervisor_power;
  iface->power_off = hypervisor_power_off;
  iface->power_restore = hypervisor_power_restore;
  iface->set_slots = hypervisor_set_slots;
  iface->set_schedule = hypervisor_set_schedule;
}

static void
vb_libvirt_hypervisor_dispose (GObject *object)
{
  VbLibvirtHypervisor *self = VB_LIBVIRT_HYPERVISOR (object);

  if (self->connection != NULL)
    {
      hypervisor_stop (VB_HYPERVISOR (self));
      g_signal_handlers_disconnect_by_data (self->connection, self);
      g_signal_handlers_disconnect_by_data (self->inventory, self);
    }
  g_clear_object (&self->inventory);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (vb_libvirt_hypervisor_parent_class)->dispose (object);
}

static void
vb_libvirt_hypervisor_finalize (GObject *object)
{
  VbLibvirtHypervisor *self = VB_LIBVIRT_HYPERVISOR (object);

  vb_libvirt_captures_free (self->captures);
  vb_connection_pool_unref (self->gate);
  G_OBJECT_CLASS (vb_libvirt_hypervisor_parent_class)->finalize (object);
}

static void
vb_libvirt_hypervisor_class_init (VbLibvirtHypervisorClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vb_libvirt_hypervisor_dispose;
  G_OBJECT_CLASS (klass)->finalize = vb_libvirt_hypervisor_finalize;
}

static void
vb_libvirt_hypervisor_init (VbLibvirtHypervisor *self)
{
}

VbLibvirtHypervisor *
vb_libvirt_hypervisor_new (const char *uri, const char *runtime_folder)
{
  VbLibvirtHypervisor *self = g_object_new (VB_TYPE_LIBVIRT_HYPERVISOR, NULL);

  self->connection = vb_libvirt_connection_new (uri);
  self->gate = vb_connection_pool_ref (vb_libvirt_connection_get_gate (self->connection));
  self->inventory = vb_libvirt_inventory_new (self->gate);
  self->captures = vb_libvirt_captures_new (self->gate, runtime_folder);
  g_signal_connect (self->connection, "opened", G_CALLBACK (on_opened), self);
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_closed), self);
  g_signal_connect (self->connection, "event", G_CALLBACK (on_event), self);
  g_signal_connect (self->inventory, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect (self->inventory, "removed", G_CALLBACK (on_removed), self);
  g_signal_connect (self->inventory, "listed", G_CALLBACK (on_listed), self);
  return self;
}
