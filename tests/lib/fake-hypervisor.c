/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "doubles.h"
#include "fake-script.h"

#define DISK_BYTES_DEFAULT (64 * 1024 * 1024)

struct _VbFakeHypervisor
{
  GObject parent_instance;

  GThread *main_thread;
  GMutex mutex;     /* worker threads read and change what follows */
  GHashTable *vps;  /* UUID → VbVpsInfo */
  GHashTable *held; /* set of operations whose point in time is held for a running VPS */
  gboolean available;
  guint64 disk_bytes;
};

static void vb_fake_hypervisor_iface_init (VbHypervisorInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VbFakeHypervisor,
                               vb_fake_hypervisor,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VB_TYPE_HYPERVISOR,
                                                      vb_fake_hypervisor_iface_init))

static void
vb_fake_hypervisor_finalize (GObject *object)
{
  VbFakeHypervisor *self = VB_FAKE_HYPERVISOR (object);

  g_hash_table_unref (self->vps);
  g_hash_table_unref (self->held);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (vb_fake_hypervisor_parent_class)->finalize (object);
}

static void
vb_fake_hypervisor_class_init (VbFakeHypervisorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vb_fake_hypervisor_finalize;
}

static void
vb_fake_hypervisor_init (VbFakeHypervisor *self)
{
  vb_fake_script_init (self);
  self->main_thread = g_thread_self ();
  g_mutex_init (&self->mutex);
  self->vps
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) vb_vps_info_free);
  self->held = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->disk_bytes = DISK_BYTES_DEFAULT;
}

VbFakeHypervisor *
vb_fake_hypervisor_new (void)
{
  return g_object_new (VB_TYPE_FAKE_HYPERVISOR, NULL);
}

static VbVpsInfo *
copy_info (VbFakeHypervisor *self, const char *uuid, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  const VbVpsInfo *info = g_hash_table_lookup (self->vps, uuid);

  if (info == NULL)
    g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no domain %s", uuid);

  return info != NULL ? vb_vps_info_copy (info) : NULL;
}

typedef struct
{
  VbFakeHypervisor *self;
  VbVpsInfo *info;
} Change;

static gboolean
emit_change (gpointer data)
{
  Change *change = data;

  if (change->self->available)
    vb_hypervisor_emit_vps_changed (VB_HYPERVISOR (change->self), change->info);
  return G_SOURCE_REMOVE;
}

static void
change_free (gpointer data)
{
  Change *change = data;

  g_object_unref (change->self);
  vb_vps_info_free (change->info);
  g_free (change);
}

/* Any thread: what is true from now on is told on the main context, as libvirt's events are. */
static void
store_info (VbFakeHypervisor *self, const VbVpsInfo *info)
{
  Change *change = g_new0 (Change, 1);

  g_mutex_lock (&self->mutex);
  g_hash_table_replace (self->vps, g_strdup (info->uuid), vb_vps_info_copy (info));
  g_mutex_unlock (&self->mutex);
  change->self = g_object_ref (self);
  change->info = vb_vps_info_copy (info);
  if (g_thread_self () == self->main_thread)
    {
      emit_change (change);
      change_free (change);
    }
  else
    g_idle_add_full (G_PRIORITY_DEFAULT, emit_change, change, change_free);
}

void
vb_fake_hypervisor_set (VbFakeHypervisor *self, const VbVpsInfo *info)
{
  store_info (self, info);
}

void
vb_fake_hypervisor_add (VbFakeHypervisor *self, const char *uuid, const char *name)
{
  VbVpsInfo info = {
    .uuid = (char *) uuid, .name = (char *) name, .power = VB_POWER_RUNNING, .slots_total = -1
  };

  store_info (self, &info);
}

void
vb_fake_hypervisor_remove (VbFakeHypervisor *self, const char *uuid)
{
  g_autofree char *key = g_strdup (uuid);

  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->vps, key);
  g_mutex_unlock (&self->mutex);
  vb_hypervisor_emit_vps_removed (VB_HYPERVISOR (self), key);
}

void
vb_fake_hypervisor_set_available (VbFakeHypervisor *self, gboolean available)
{
  GHashTableIter iter;
  gpointer info;

  self->available = available;
  g_hash_table_iter_init (&iter, self->vps);
  while (available && g_hash_table_iter_next (&iter, NULL, &info))
    vb_hypervisor_emit_vps_changed (VB_HYPERVISOR (self), info);
  vb_hypervisor_emit_available_changed (VB_HYPERVISOR (self));
}

void
vb_fake_hypervisor_set_disk_bytes (VbFakeHypervisor *self, guint64 bytes)
{
  self->disk_bytes = bytes;
}

/* The interface */

static void
fake_start (VbHypervisor *hypervisor)
{
  if (vb_fake_script_enter (hypervisor, "start", NULL, NULL))
    vb_fake_hypervisor_set_available (VB_FAKE_HYPERVISOR (hypervisor), TRUE);
}

static void
fake_stop (VbHypervisor *hypervisor)
{
  VB_FAKE_HYPERVISOR (hypervisor)->available = FALSE;
}

static gboolean
fake_is_available (VbHypervisor *hypervisor)
{
  return VB_FAKE_HYPERVISOR (hypervisor)->available;
}

static VbVpsInfo *
fake_get_info (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  if (!vb_fake_script_enter (hypervisor, "get_info", NULL, error))
    return NULL;

  return copy_info (VB_FAKE_HYPERVISOR (hypervisor), vps, error);
}

static void
disk_free (gpointer disk)
{
  vb_disk_free (disk);
}

static GPtrArray *
fake_list_disks (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  VbFakeHypervisor *self = VB_FAKE_HYPERVISOR (hypervisor);
  g_autoptr (VbVpsInfo) info = NULL;
  GPtrArray *disks;
  VbDisk *disk;

  if (!vb_fake_script_enter (hypervisor, "list_disks", NULL, error)
      || (info = copy_info (self, vps, error)) == NULL)
    return NULL;

  if (info->unsupported != NULL)
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_UNSUPPORTED_DISK, info->unsupported);
      return NULL;
    }

  disks = g_ptr_array_new_with_free_func (disk_free);
  disk = vb_disk_new ("vda", "/nowhere/vda.qcow2", "qcow2");
  disk->virtual_size_bytes = disk->allocated_bytes = self->disk_bytes;
  g_ptr_array_add (disks, disk);
  return disks;
}

static gboolean
is_on (const VbVpsInfo *info)
{
  return info->power == VB_POWER_RUNNING || info->power == VB_POWER_PAUSED;
}

static void
hold (VbFakeHypervisor *self, const char *operation, gboolean held)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (held)
    g_hash_table_add (self->held, g_strdup (operation));
  else
    g_hash_table_remove (self->held, operation);
}

guint
vb_fake_hypervisor_get_n_held (VbFakeHypervisor *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  return g_hash_table_size (self->held);
}

static VbCapture *
make_capture (VbFakeHypervisor *self, const VbCaptureRequest *request, const VbVpsInfo *info)
{
  VbCapture *capture = vb_capture_new (request->vps, request->backup, request->operation);
  VbCaptureDisk *disk = vb_capture_add_disk (capture, "vda");

  capture->running = is_on (info);
  capture->consistency = capture->running ? VB_CONSISTENCY_CRASH : VB_CONSISTENCY_OFFLINE;
  capture->domain_xml = g_strdup ("<domain/>");
  if (request->backups != NULL && request->backups->len > 0 && !request->read_all)
    capture->base_backup
        = g_strdup (((const VbBackupInfo *) g_ptr_array_index (request->backups, 0))->id);
  disk->virtual_size_bytes = self->disk_bytes;
  return capture;
}

static VbCapture *
fake_begin_capture (VbHypervisor *hypervisor,
                    const VbCaptureRequest *request,
                    GCancellable *cancellable,
                    GError **error)
{
  VbFakeHypervisor *self = VB_FAKE_HYPERVISOR (hypervisor);
  g_autoptr (VbVpsInfo) info = NULL;

  if (!vb_fake_script_enter (hypervisor, "begin_capture", cancellable, error)
      || (info = copy_info (self, request->vps, error)) == NULL)
    return NULL;

  hold (self, request->operation, is_on (info));
  return make_capture (self, request, info);
}

static gboolean
fake_detach_capture (VbHypervisor *hypervisor, VbCapture *capture, GError **error)
{
  return vb_fake_script_enter (hypervisor, "detach_capture", NULL, error);
}

static VbCapture *
fake_resume_capture (VbHypervisor *hypervisor, const VbCaptureRequest *request, GError **error)
{
  VbFakeHypervisor *self = VB_FAKE_HYPERVISOR (hypervisor);
  g_autoptr (VbVpsInfo) info = NULL;
  VbCapture *capture;
  gboolean held;

  if (!vb_fake_script_enter (hypervisor, "resume_capture", NULL, error)
      || (info = copy_info (self, request->vps, error)) == NULL)
    return NULL;

  g_mutex_lock (&self->mutex);
  held = g_hash_table_contains (self->held, request->operation);
  g_mutex_unlock (&self->mutex);
  if (!held || !is_on (info))
    {
      g_set_error_literal (error, VB_ERROR, VB_ERROR_NOT_FOUND, "There is no such job");
      return NULL;
    }
  capture = make_capture (self, request, info);
  capture->resumed = TRUE;
  return capture;
}

static gboolean
fake_check_capture (VbHypervisor *hypervisor, VbCapture *capture, GError **error)
{
  return vb_fake_script_enter (hypervisor, "check_capture", NULL, error);
}

static gboolean
fake_end_capture (VbHypervisor *hypervisor, VbCapture *capture, gboolean keep, GError **error)
{
  if (!vb_fake_script_enter (hypervisor, "end_capture", NULL, error))
    return FALSE;

  hold (VB_FAKE_HYPERVISOR (hypervisor), capture->operation, FALSE);
  return TRUE;
}

static gboolean
fake_abort_orphan_capture (VbHypervisor *hypervisor,
                           const char *vps,
                           const char *operation,
                           const char *backup,
                           GError **error)
{
  if (!vb_fake_script_enter (hypervisor, "abort_orphan_capture", NULL, error))
    return FALSE;

  hold (VB_FAKE_HYPERVISOR (hypervisor), operation, FALSE);
  return TRUE;
}

static gboolean
fake_delete_checkpoint (VbHypervisor *hypervisor,
                        const char *vps,
                        const char *backup,
                        GError **error)
{
  return vb_fake_script_enter (hypervisor, "delete_checkpoint", NULL, error);
}

static gboolean
fake_reset_checkpoints (VbHypervisor *hypervisor,
                        const char *vps,
                        const char *backup,
                        GHashTable *restored,
                        GError **error)
{
  return vb_fake_script_enter (hypervisor, "reset_checkpoints", NULL, error);
}

static gboolean
change_power (VbHypervisor *hypervisor,
              const char *vps,
              VbPower power,
              VbPower *was,
              GError **error)
{
  g_autoptr (VbVpsInfo) info = copy_info (VB_FAKE_HYPERVISOR (hypervisor), vps, error);

  if (info == NULL)
    return FALSE;

  if (was != NULL)
    *was = info->power;
  info->power = power;
  store_info (VB_FAKE_HYPERVISOR (hypervisor), info);
  return TRUE;
}

static gboolean
fake_power (VbHypervisor *hypervisor,
            const char *vps,
            VbPowerAction action,
            gboolean force,
            GError **error)
{
  return vb_fake_script_enter (hypervisor, "power", NULL, error)
         && change_power (hypervisor, vps,
                          action == VB_POWER_ACTION_STOP ? VB_POWER_STOPPED : VB_POWER_RUNNING,
                          NULL, error);
}

static gboolean
fake_power_off (VbHypervisor *hypervisor, const char *vps, VbPower *was, GError **error)
{
  return vb_fake_script_enter (hypervisor, "power_off", NULL, error)
         && change_power (hypervisor, vps, VB_POWER_STOPPED, was, error);
}

static gboolean
fake_power_restore (VbHypervisor *hypervisor, const char *vps, VbPower power, GError **error)
{
  if (!vb_fake_script_enter (hypervisor, "power_restore", NULL, error))
    return FALSE;

  return (power != VB_POWER_RUNNING && power != VB_POWER_PAUSED)
         || change_power (hypervisor, vps, power, NULL, error);
}

static gboolean
fake_set_slots (VbHypervisor *hypervisor, const char *vps, guint total, GError **error)
{
  g_autoptr (VbVpsInfo) info = NULL;

  if (!vb_fake_script_enter (hypervisor, "set_slots", NULL, error)
      || (info = copy_info (VB_FAKE_HYPERVISOR (hypervisor), vps, error)) == NULL)
    return FALSE;

  info->slots_total = total;
  store_info (VB_FAKE_HYPERVISOR (hypervisor), info);
  return TRUE;
}

static gboolean
fake_set_schedule (VbHypervisor *hypervisor,
                   const char *vps,
                   const char *id,
                   const VbSchedule *schedule,
                   GError **error)
{
  g_autoptr (VbVpsInfo) info = NULL;

  if (!vb_fake_script_enter (hypervisor, "set_schedule", NULL, error)
      || (info = copy_info (VB_FAKE_HYPERVISOR (hypervisor), vps, error)) == NULL)
    return FALSE;

  g_autoptr (GPtrArray) before = g_steal_pointer (&info->schedules);
  info->schedules = vb_schedules_with (before, id, (VbSchedule *) schedule);
  store_info (VB_FAKE_HYPERVISOR (hypervisor), info);
  return TRUE;
}

static GPtrArray *
fake_check_restore (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  return vb_fake_script_enter (hypervisor, "check_restore", NULL, error)
             ? g_ptr_array_new_with_free_func (g_free)
             : NULL;
}

static gboolean
fake_fit_definition (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  return vb_fake_script_enter (hypervisor, "fit_definition", NULL, error);
}

static gboolean
fake_settle_definition (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  return vb_fake_script_enter (hypervisor, "settle_definition", NULL, error);
}

static gboolean
fake_put_definition_back (VbHypervisor *hypervisor, const char *vps, GError **error)
{
  return vb_fake_script_enter (hypervisor, "put_definition_back", NULL, error);
}

static gboolean
fake_keep_checkpoints (VbHypervisor *hypervisor,
                       const char *vps,
                       const char *const *backups,
                       GError **error)
{
  return vb_fake_script_enter (hypervisor, "keep_checkpoints", NULL, error);
}

static void
vb_fake_hypervisor_iface_init (VbHypervisorInterface *iface)
{
  iface->check_restore = fake_check_restore;
  iface->fit_definition = fake_fit_definition;
  iface->settle_definition = fake_settle_definition;
  iface->put_definition_back = fake_put_definition_back;
  iface->keep_checkpoints = fake_keep_checkpoints;
  iface->start = fake_start;
  iface->stop = fake_stop;
  iface->is_available = fake_is_available;
  iface->get_info = fake_get_info;
  iface->list_disks = fake_list_disks;
  iface->begin_capture = fake_begin_capture;
  iface->check_capture = fake_check_capture;
  iface->end_capture = fake_end_capture;
  iface->detach_capture = fake_detach_capture;
  iface->resume_capture = fake_resume_capture;
  iface->abort_orphan_capture = fake_abort_orphan_capture;
  iface->delete_checkpoint = fake_delete_checkpoint;
  iface->reset_checkpoints = fake_reset_checkpoints;
  iface->power = fake_power;
  iface->power_off = fake_power_off;
  iface->power_restore = fake_power_restore;
  iface->set_slots = fake_set_slots;
  iface->set_schedule = fake_set_schedule;
}
