/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-libvirt-connection-pool.h"

#include "core/base/vb-error.h"

/* Calls are bounded by the keepalive; one that waits longer for its turn waits for others that hang
 * elsewhere. */
#define LONGEST_WAIT_S 60

struct _VbConnectionPool
{
  GMutex lock;
  GCond cond;
  /* Under the lock. */
  GPtrArray *idle; /* (nullable): virConnectPtr; NULL while there is no hypervisor */
  gboolean stopped;
  guint generation;
  guint busy[VB_LIBVIRT_N_URGENCIES];
  VbConnectionPoolBroken broken;
  gpointer broken_data;
};

struct _VbLibvirtLease
{
  VbConnectionPool *gate;
  virConnectPtr connection;
  VbLibvirtUrgency urgency;
  guint generation;
};

#define N_URGENT 2
static const guint places[VB_LIBVIRT_N_URGENCIES]
    = { VB_CONNECTION_POOL_SIZE - N_URGENT, N_URGENT };

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

  g_clear_pointer (&self->idle, g_ptr_array_unref);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
}

void
vb_connection_pool_unref (VbConnectionPool *self)
{
  g_atomic_rc_box_release_full (self, gate_clear);
}

void
vb_connection_pool_set_broken (VbConnectionPool *self,
                               VbConnectionPoolBroken func,
                               gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->broken = func;
  self->broken_data = user_data;
  g_mutex_unlock (&self->lock);
}

void
vb_connection_pool_open (VbConnectionPool *self, GPtrArray *connections)
{
  g_mutex_lock (&self->lock);
  self->idle = connections;
  self->generation++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

GPtrArray *
vb_connection_pool_close (VbConnectionPool *self)
{
  g_mutex_lock (&self->lock);
  GPtrArray *connections = g_steal_pointer (&self->idle);
  self->generation++;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return connections;
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

/* Caller holds the lock. */
static gboolean
has_place (VbConnectionPool *self, VbLibvirtUrgency urgency)
{
  return self->busy[urgency] < places[urgency] && self->idle->len > 0;
}

/* Caller holds the lock. Returns: (nullable) */
static VbLibvirtLease *
wait_for_place (VbConnectionPool *self, VbLibvirtUrgency urgency)
{
  gint64 deadline = g_get_monotonic_time () + LONGEST_WAIT_S * G_TIME_SPAN_SECOND;

  while (self->idle != NULL && !has_place (self, urgency))
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline))
      break;
  if (self->idle == NULL || !has_place (self, urgency))
    return NULL;
  VbLibvirtLease *lease = g_new0 (VbLibvirtLease, 1);
  lease->gate = vb_connection_pool_ref (self);
  lease->urgency = urgency;
  lease->generation = self->generation;
  lease->connection = g_ptr_array_steal_index_fast (self->idle, self->idle->len - 1);
  self->busy[urgency]++;
  return lease;
}

VbLibvirtLease *
vb_connection_pool_lease (VbConnectionPool *self,
                          VbLibvirtUrgency urgency,
                          guint wait_s,
                          GError **error)
{
  gint64 deadline = g_get_monotonic_time () + wait_s * G_TIME_SPAN_SECOND;

  g_mutex_lock (&self->lock);
  while (self->idle == NULL && !self->stopped)
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline))
      break;
  gboolean connected = self->idle != NULL;
  VbLibvirtLease *lease = connected ? wait_for_place (self, urgency) : NULL;
  g_mutex_unlock (&self->lock);
  if (lease == NULL)
    g_set_error_literal (error, VB_ERROR, VB_ERROR_HYPERVISOR_UNAVAILABLE,
                         connected ? "Too many calls of the hypervisor wait for an answer"
                                   : "There is no connection to the hypervisor");
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
    vb_libvirt_set_error (error, "Failed to look up the VPS %s", vps);
  return domain;
}

/* Returns: (transfer full) (nullable): the connection, when it is of no use any more */
static virConnectPtr
give_back (VbConnectionPool *self, VbLibvirtLease *lease)
{
  virConnectPtr spent = lease->connection;

  g_mutex_lock (&self->lock);
  gboolean current = self->idle != NULL && lease->generation == self->generation;
  if (current && virConnectIsAlive (lease->connection) == 1)
    g_ptr_array_add (self->idle, g_steal_pointer (&spent));
  else if (current && self->broken != NULL)
    self->broken (lease->generation, self->broken_data);
  self->busy[lease->urgency]--;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  return spent;
}

void
vb_libvirt_lease_free (VbLibvirtLease *lease)
{
  VbConnectionPool *gate = lease->gate;
  virConnectPtr spent = give_back (gate, lease);

  if (spent != NULL)
    virConnectClose (spent);
  vb_connection_pool_unref (gate);
  g_free (lease);
}
