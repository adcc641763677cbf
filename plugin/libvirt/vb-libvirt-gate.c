/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-gate.h"

#include "vb-error.h"

struct _VbLibvirtGate
{
  GMutex lock;
  GCond cond;
  /* Under the lock. */
  virConnectPtr connection;
  gboolean stopped;
  guint generation;
  guint busy[VB_LIBVIRT_N_URGENCIES];
};

struct _VbLibvirtLease
{
  VbLibvirtGate *gate;
  virConnectPtr connection;
  VbLibvirtUrgency urgency;
  guint generation;
};

static const guint places[VB_LIBVIRT_N_URGENCIES] = { 3, 1 };

VbLibvirtGate *
vb_libvirt_gate_new (void)
{
  VbLibvirtGate *self = g_atomic_rc_box_new0 (VbLibvirtGate);

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

VbLibvirtGate *
vb_libvirt_gate_ref (VbLibvirtGate *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
gate_clear (gpointer data)
{
  VbLibvirtGate *self = data;

  if (self->connection != NULL)
    virConnectClose (self->connection);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

void
vb_libvirt_gate_unref (VbLibvirtGate *self)
{
  g_atomic_rc_box_release_full (self, gate_clear);
}

void
vb_libvirt_gate_open (VbLibvirtGate *self, virConnectPtr connection)
{
  g_mutex_lock (&self->lock);
  self->connection = connection;
  self->generation++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

virConnectPtr
vb_libvirt_gate_close (VbLibvirtGate *self)
{
  virConnectPtr connection;

  g_mutex_lock (&self->lock);
  connection = g_steal_pointer (&self->connection);
  self->generation++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return connection;
}

void
vb_libvirt_gate_stop (VbLibvirtGate *self)
{
  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

gboolean
vb_libvirt_gate_is_stopped (VbLibvirtGate *self)
{
  gboolean stopped;

  g_mutex_lock (&self->lock);
  stopped = self->stopped;
  g_mutex_unlock (&self->lock);
  return stopped;
}

guint
vb_libvirt_gate_get_generation (VbLibvirtGate *self)
{
  guint generation;

  g_mutex_lock (&self->lock);
  generation = self->generation;
  g_mutex_unlock (&self->lock);
  return generation;
}

VbLibvirtLease *
vb_libvirt_gate_lease (VbLibvirtGate *self, VbLibvirtUrgency urgency, guint wait_s, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + wait_s * G_TIME_SPAN_SECOND;
  VbLibvirtLease *lease = NULL;

  g_mutex_lock (&self->lock);
  while (self->connection == NULL && !self->stopped)
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline))
      break;
  while (self->connection != NULL && self->busy[urgency] >= places[urgency])
    g_cond_wait (&self->cond, &self->lock);
  if (self->connection != NULL)
    {
      lease = g_new0 (VbLibvirtLease, 1);
      lease->gate = vb_libvirt_gate_ref (self);
      lease->urgency = urgency;
      lease->generation = self->generation;
      lease->connection = self->connection;
      virConnectRef (lease->connection);
      self->busy[urgency]++;
    }
  g_mutex_unlock (&self->lock);
  if (lease == NULL)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE,
                         "There is no connection to the hypervisor");
  return lease;
}

virConnectPtr
vb_libvirt_lease_get (VbLibvirtLease *lease)
{
  return lease->connection;
}

guint
vb_libvirt_lease_get_generation (VbLibvirtLease *lease)
{
  return lease->generation;
}

virDomainPtr
vb_libvirt_lease_lookup (VbLibvirtLease *lease, const char *vps, GError **error)
{
  virDomainPtr domain;

  if (!g_uuid_string_is_valid (vps))
    {
      g_set_error (error, VB_ERROR, VB_ERROR_NOT_FOUND, "“%s” is not the UUID of a VPS", vps);
      return NULL;
    }
  domain = virDomainLookupByUUIDString (lease->connection, vps);
  if (domain == NULL)
    vb_libvirt_set_error (error, "Looking up the VPS %s", vps);
  return domain;
}

void
vb_libvirt_lease_free (VbLibvirtLease *lease)
{
  VbLibvirtGate *gate = lease->gate;

  virConnectClose (lease->connection);
  g_mutex_lock (&gate->lock);
  gate->busy[lease->urgency]--;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->lock);
  vb_libvirt_gate_unref (gate);
  g_free (lease);
}
