/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-connection-pool.h"

#include "core/base/vb-error.h"

struct _VbConnectionPool
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
  VbConnectionPool *gate;
  virConnectPtr connection;
  VbLibvirtUrgency urgency;
  guint generation;
};

static const guint places[VB_LIBVIRT_N_URGENCIES] = { 3, 1 };

VbConnectionPool *
vb_connection_pool_new (void)
{
  VbConnectionPool *self = g_atomic_rc_box_new0 (VbConnectionPool);

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  return self;
}

VbConnectionPool *
vb_connection_pool_ref (VbConnectionPool *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
gate_clear (gpointer data)
{
  VbConnectionPool *self = data;

  if (self->connection != NULL)
    virConnectClose (self->connection);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

void
vb_connection_pool_unref (VbConnectionPool *self)
{
  g_atomic_rc_box_release_full (self, gate_clear);
}

void
vb_connection_pool_open (VbConnectionPool *self, virConnectPtr connection)
{
  g_mutex_lock (&self->lock);
  self->connection = connection;
  self->generation++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

virConnectPtr
vb_connection_pool_close (VbConnectionPool *self)
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
vb_connection_pool_stop (VbConnectionPool *self)
{
  g_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

gboolean
vb_connection_pool_is_stopped (VbConnectionPool *self)
{
  gboolean stopped;

  g_mutex_lock (&self->lock);
  stopped = self->stopped;
  g_mutex_unlock (&self->lock);
  return stopped;
}

guint
vb_connection_pool_get_generation (VbConnectionPool *self)
{
  guint generation;

  g_mutex_lock (&self->lock);
  generation = self->generation;
  g_mutex_unlock (&self->lock);
  return generation;
}

VbLibvirtLease *
vb_connection_pool_lease (VbConnectionPool *self,
                          VbLibvirtUrgency urgency,
                          guint wait_s,
                          GError **error)
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
      lease->gate = vb_connection_pool_ref (self);
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
  VbConnectionPool *gate = lease->gate;

  virConnectClose (lease->connection);
  g_mutex_lock (&gate->lock);
  gate->busy[lease->urgency]--;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->lock);
  vb_connection_pool_unref (gate);
  g_free (lease);
}
