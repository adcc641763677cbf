/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-events.h"

#include "vb-libvirt-base.h"

/* What every callback shares; libvirt holds one reference for each callback and may drop it later
 * than we deregister, from any thread. */
typedef struct
{
  VbLibvirtEventFunc func;
  gpointer user_data;
  GDestroyNotify notify;
} EventTarget;

struct _VbLibvirtEvents
{
  virConnectPtr connection;
  EventTarget *target;
  GArray *callbacks;
};

typedef struct
{
  EventTarget *target;
  VbLibvirtEvent event;
  char *vps;
} Delivery;

static void
event_target_clear (gpointer data)
{
  EventTarget *target = data;

  if (target->notify != NULL)
    target->notify (target->user_data);
}

static void
event_target_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, event_target_clear);
}

static gboolean
deliver (gpointer data)
{
  Delivery *delivery = data;

  delivery->target->func (delivery->event, delivery->vps, delivery->target->user_data);
  return G_SOURCE_REMOVE;
}

static void
delivery_free (gpointer data)
{
  Delivery *delivery = data;

  event_target_unref (delivery->target);
  g_free (delivery->vps);
  g_free (delivery);
}

/* The host manager's implementation of libvirt's events may dispatch in a thread of its own. */
static void
post (gpointer opaque, virDomainPtr domain, VbLibvirtEvent event)
{
  Delivery *delivery = g_new0 (Delivery, 1);

  delivery->target = g_atomic_rc_box_acquire (opaque);
  delivery->event = event;
  delivery->vps = vb_libvirt_get_uuid (domain);
  /* Not g_main_context_invoke(): while a host's loop is between two turns that runs it here. */
  g_idle_add_full (G_PRIORITY_DEFAULT, deliver, delivery, delivery_free);
}

static int
on_lifecycle (virConnectPtr connection, virDomainPtr domain, int event, int detail, void *opaque)
{
  gboolean stopped = event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED;

  post (opaque, domain, stopped ? VB_LIBVIRT_EVENT_STOPPED : VB_LIBVIRT_EVENT_CHANGED);
  return 0;
}

/* Reboot and control error: the state may have changed on the way. */
static void
on_generic (virConnectPtr connection, virDomainPtr domain, void *opaque)
{
  post (opaque, domain, VB_LIBVIRT_EVENT_CHANGED);
}

static void
on_metadata_change (virConnectPtr connection,
                    virDomainPtr domain,
                    int type,
                    const char *uri,
                    void *opaque)
{
  post (opaque, domain, VB_LIBVIRT_EVENT_CHANGED);
}

static void
on_job_completed (virConnectPtr connection,
                  virDomainPtr domain,
                  virTypedParameterPtr params,
                  int n_params,
                  void *opaque)
{
  int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

  if (virTypedParamsGetInt (params, n_params, VIR_DOMAIN_JOB_OPERATION, &operation) == 1
      && operation == VIR_DOMAIN_JOB_OPERATION_BACKUP)
    post (opaque, domain, VB_LIBVIRT_EVENT_BACKUP_ENDED);
}

static void
on_io_error (virConnectPtr connection,
             virDomainPtr domain,
             const char *path,
             const char *alias,
             int action,
             void *opaque)
{
  post (opaque, domain, VB_LIBVIRT_EVENT_IO_ERROR);
}

static void
on_agent_lifecycle (virConnectPtr connection,
                    virDomainPtr domain,
                    int state,
                    int reason,
                    void *opaque)
{
  post (opaque, domain, VB_LIBVIRT_EVENT_CHANGED);
}

/* Device added and removed: a disk that comes or goes decides whether the VPS can be backed up. */
static void
on_device (virConnectPtr connection, virDomainPtr domain, const char *alias, void *opaque)
{
  post (opaque, domain, VB_LIBVIRT_EVENT_CHANGED);
}

static void
on_power_management (virConnectPtr connection, virDomainPtr domain, int reason, void *opaque)
{
  post (opaque, domain, VB_LIBVIRT_EVENT_CHANGED);
}

static const struct
{
  int id;
  virConnectDomainEventGenericCallback callback;
} event_table[] = {
  { VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle) },
  { VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK (on_generic) },
  { VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK (on_metadata_change) },
  { VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, VIR_DOMAIN_EVENT_CALLBACK (on_job_completed) },
  { VIR_DOMAIN_EVENT_ID_IO_ERROR, VIR_DOMAIN_EVENT_CALLBACK (on_io_error) },
  { VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK (on_agent_lifecycle) },
  { VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK (on_device) },
  { VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK (on_device) },
  { VIR_DOMAIN_EVENT_ID_PMSUSPEND, VIR_DOMAIN_EVENT_CALLBACK (on_power_management) },
  { VIR_DOMAIN_EVENT_ID_PMWAKEUP, VIR_DOMAIN_EVENT_CALLBACK (on_power_management) },
};

static void
never_fires (int timer, void *opaque)
{
}

void
vb_libvirt_events_ensure_loop (void)
{
  int probe;

  virInitialize ();
  probe = virEventAddTimeout (-1, never_fires, NULL, NULL);
  if (probe < 0)
    virEventRegisterDefaultImpl ();
  else
    virEventRemoveTimeout (probe);
}

VbLibvirtEvents *
vb_libvirt_events_new (virConnectPtr connection,
                       VbLibvirtEventFunc func,
                       gpointer user_data,
                       GDestroyNotify notify,
                       GError **error)
{
  VbLibvirtEvents *self = g_new0 (VbLibvirtEvents, 1);

  self->connection = connection;
  virConnectRef (connection);
  self->callbacks = g_array_new (FALSE, FALSE, sizeof (int));
  self->target = g_atomic_rc_box_new0 (EventTarget);
  self->target->func = func;
  self->target->user_data = user_data;
  self->target->notify = notify;
  for (gsize i = 0; i < G_N_ELEMENTS (event_table); i++)
    {
      int callback = virConnectDomainEventRegisterAny (
          connection, NULL, event_table[i].id, event_table[i].callback,
          g_atomic_rc_box_acquire (self->target), event_target_unref);

      if (callback < 0)
        {
          event_target_unref (self->target);
          /* A driver that lacks one of the lesser events is still of use. */
          if (event_table[i].id != VIR_DOMAIN_EVENT_ID_LIFECYCLE
              && !vb_libvirt_last_is_connection ())
            continue;
          vb_libvirt_set_error (error, "Failed to subscribe to the hypervisor's events");
          vb_libvirt_events_free (self);
          return NULL;
        }
      g_array_append_val (self->callbacks, callback);
    }
  return self;
}

void
vb_libvirt_events_free (VbLibvirtEvents *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->callbacks->len; i++)
    virConnectDomainEventDeregisterAny (self->connection, g_array_index (self->callbacks, int, i));
  g_array_unref (self->callbacks);
  event_target_unref (self->target);
  virConnectClose (self->connection);
  g_free (self);
}
