/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-id-locks.h"

#define CHECK_INTERVAL_US (50 * G_TIME_SPAN_MILLISECOND)

struct _VbIdLocks
{
  GMutex mutex;
  GCond cond;
  GHashTable *ids; /* (element-type utf8) */
};

VbIdLocks *
vb_id_locks_new (void)
{
  VbIdLocks *self = g_atomic_rc_box_new0 (VbIdLocks);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  self->ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

VbIdLocks *
vb_id_locks_ref (VbIdLocks *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
finalize (gpointer data)
{
  VbIdLocks *self = data;
  g_hash_table_unref (self->ids);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->mutex);
}

void
vb_id_locks_unref (VbIdLocks *self)
{
  g_atomic_rc_box_release_full (self, finalize);
}

gboolean
vb_id_locks_acquire (VbIdLocks *self, const char *id, VbTransfer *transfer, GError **error)
{
  gboolean ok = TRUE;

  g_mutex_lock (&self->mutex);
  while (ok && g_hash_table_contains (self->ids, id))
    {
      g_cond_wait_until (&self->cond, &self->mutex, g_get_monotonic_time () + CHECK_INTERVAL_US);
      g_mutex_unlock (&self->mutex);
      ok = transfer == NULL || vb_transfer_check (transfer, error);
      g_mutex_lock (&self->mutex);
    }
  if (ok)
    g_hash_table_add (self->ids, g_strdup (id));
  g_mutex_unlock (&self->mutex);
  return ok;
}

gboolean
vb_id_locks_try (VbIdLocks *self, const char *id)
{
  g_mutex_lock (&self->mutex);
  gboolean ok = !g_hash_table_contains (self->ids, id);
  if (ok)
    g_hash_table_add (self->ids, g_strdup (id));
  g_mutex_unlock (&self->mutex);
  return ok;
}

void
vb_id_locks_release (VbIdLocks *self, const char *id)
{
  g_mutex_lock (&self->mutex);
  g_hash_table_remove (self->ids, id);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}
