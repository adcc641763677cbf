/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-vps-locks.h"

typedef struct
{
  VbVpsLockNeeds needs;
  VbVpsLockFunc func;
  gpointer user_data;
} Waiting;

/* What is kept of a VPS as long as somebody is in or waits. */
typedef struct
{
  char *vps;
  VbVpsLock *owner; /* (nullable) (unowned) */
  VbVpsLock *guest; /* (nullable) (unowned): beside an owner that has yielded */
  GQueue waiting;   /* Waiting */
} Gate;

struct _VbVpsLocks
{
  guint ref_count;
  GHashTable *gates; /* VPS UUID → Gate */
  VbVpsLockNeeds missing;
};

struct _VbVpsLock
{
  VbVpsLocks *locks;
  Gate *gate;
  VbVpsLockNeeds needs;
  gboolean yielded;
  VbVpsLockAbandon abandon; /* (nullable) */
  gpointer abandon_data;
  guint limit_timer;
  VbVpsLockContinue regain; /* (nullable): waits for the guest to go */
  gpointer regain_data;
};

static void
gate_free (gpointer data)
{
  Gate *gate = data;

  g_queue_clear_full (&gate->waiting, g_free);
  g_free (gate->vps);
  g_free (gate);
}

VbVpsLocks *
vb_vps_locks_new (void)
{
  VbVpsLocks *self = g_new0 (VbVpsLocks, 1);

  self->ref_count = 1;
  self->gates = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, gate_free);
  return self;
}

VbVpsLocks *
vb_vps_locks_ref (VbVpsLocks *self)
{
  self->ref_count++;
  return self;
}

void
vb_vps_locks_unref (VbVpsLocks *self)
{
  if (--self->ref_count > 0)
    return;
  g_hash_table_unref (self->gates);
  g_free (self);
}

/* --- who may go on --- */

static VbVpsLock *
new_lock (VbVpsLocks *self, Gate *gate, VbVpsLockNeeds needs)
{
  VbVpsLock *lock = g_new0 (VbVpsLock, 1);

  lock->locks = vb_vps_locks_ref (self);
  lock->gate = gate;
  lock->needs = needs;
  return lock;
}

static VbVpsLock *
try_enter (VbVpsLocks *self, Gate *gate, VbVpsLockNeeds needs)
{
  if (gate->guest != NULL)
    return NULL;
  if (gate->owner == NULL)
    return gate->owner = new_lock (self, gate, needs);
  if (!gate->owner->yielded || gate->owner->regain != NULL || needs != VB_VPS_LOCK_NEEDS_NOTHING)
    return NULL;
  return gate->guest = new_lock (self, gate, needs);
}

/* An owner that waits for what is away comes to no end: nor would who waits for it. Returns: what is
 * away, if waiting is in vain because of it */
static VbVpsLockNeeds
find_missing (VbVpsLocks *self, const Gate *gate, VbVpsLockNeeds needs)
{
  if (needs == VB_VPS_LOCK_NEEDS_NOTHING)
    return VB_VPS_LOCK_NEEDS_NOTHING;
  if (gate->owner != NULL && gate->owner->yielded)
    needs |= gate->owner->needs;
  return needs & self->missing;
}

static VbError
get_code (VbVpsLockNeeds missing)
{
  return missing & VB_VPS_LOCK_NEEDS_POOL ? VB_ERROR_POOL_UNAVAILABLE
                                          : VB_ERROR_JOURNAL_UNAVAILABLE;
}

static void
refuse (VbError code, VbVpsLockFunc func, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  vb_error_set_public (&error, code);
  func (NULL, error, user_data);
}

/* Lets in whoever may go on now: in the order in which they came, but for those that need what is
 * not there. Each may let in or out others, so the search starts again. */
static void
let_next_in (VbVpsLocks *self, const char *vps)
{
  Gate *gate = g_hash_table_lookup (self->gates, vps);

  for (GList *link = gate ? gate->waiting.head : NULL; link != NULL; link = link->next)
    {
      Waiting *waiting = link->data;
      VbVpsLock *lock = try_enter (self, gate, waiting->needs);
      if (lock == NULL)
        continue;
      g_queue_delete_link (&gate->waiting, link);
      g_autofree Waiting *owned = waiting;
      owned->func (lock, NULL, owned->user_data);
      return;
    }
  if (gate != NULL && gate->owner == NULL && gate->guest == NULL
      && g_queue_is_empty (&gate->waiting))
    g_hash_table_remove (self->gates, vps);
}

static Gate *
ensure_gate (VbVpsLocks *self, const char *vps)
{
  Gate *gate = g_hash_table_lookup (self->gates, vps);

  if (gate == NULL)
    {
      gate = g_new0 (Gate, 1);
      gate->vps = g_strdup (vps);
      g_queue_init (&gate->waiting);
      g_hash_table_insert (self->gates, gate->vps, gate);
    }
  return gate;
}

void
vb_vps_locks_acquire (VbVpsLocks *self,
                      const char *vps,
                      VbVpsLockNeeds needs,
                      VbVpsLockFunc func,
                      gpointer user_data)
{
  Gate *gate = ensure_gate (self, vps);
  VbVpsLock *lock = try_enter (self, gate, needs);

  if (lock != NULL)
    func (lock, NULL, user_data);
  else if (find_missing (self, gate, needs))
    refuse (get_code (find_missing (self, gate, needs)), func, user_data);
  else
    {
      Waiting *waiting = g_new0 (Waiting, 1);
      waiting->needs = needs;
      waiting->func = func;
      waiting->user_data = user_data;
      g_queue_push_tail (&gate->waiting, waiting);
    }
}

/* --- refusing --- */

/* Returns: (transfer full): those that wait and are to be refused, taken out of their queues */
static GPtrArray *
take_waiting (VbVpsLocks *self, gboolean all)
{
  GPtrArray *taken = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->gates);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Gate *gate = value;
      for (GList *link = gate->waiting.head, *next; link != NULL; link = next)
        {
          Waiting *waiting = link->data;
          next = link->next;
          if (!all && !find_missing (self, gate, waiting->needs))
            continue;
          g_queue_delete_link (&gate->waiting, link);
          g_ptr_array_add (taken, waiting);
        }
    }
  return taken;
}

static void
refuse_waiting (VbVpsLocks *self, gboolean all, VbError code)
{
  g_autoptr (GPtrArray) taken = take_waiting (self, all);

  for (guint i = 0; i < taken->len; i++)
    {
      const Waiting *waiting = g_ptr_array_index (taken, i);
      refuse (code, waiting->func, waiting->user_data);
    }
}

static void
call_abandon (VbVpsLock *owner, VbError code)
{
  VbVpsLockAbandon abandon = g_steal_pointer (&owner->abandon);
  g_autoptr (GError) error = NULL;

  if (abandon == NULL)
    return;
  vb_error_set_public (&error, code);
  abandon (error, owner->abandon_data);
}

/* What an answer sets off may change the gates. */
static void
abandon_yielded (VbVpsLocks *self, VbVpsLockNeeds missing)
{
  g_autofree char **keys = (char **) g_hash_table_get_keys_as_array (self->gates, NULL);
  g_auto (GStrv) all = g_strdupv (keys);

  for (guint i = 0; all[i] != NULL; i++)
    {
      const Gate *gate = g_hash_table_lookup (self->gates, all[i]);
      if (gate != NULL && gate->owner != NULL && (gate->owner->needs & missing))
        call_abandon (gate->owner, get_code (missing));
    }
}

static void
set_missing (VbVpsLocks *self, VbVpsLockNeeds what, gboolean missing)
{
  g_autoptr (VbVpsLocks) alive = vb_vps_locks_ref (self);

  self->missing = missing ? self->missing | what : self->missing & ~what;
  if (!missing)
    return;
  refuse_waiting (self, FALSE, get_code (what));
  abandon_yielded (self, what);
}

void
vb_vps_locks_set_pool_missing (VbVpsLocks *self, gboolean missing)
{
  set_missing (self, VB_VPS_LOCK_NEEDS_POOL, missing);
}

void
vb_vps_locks_set_journal_missing (VbVpsLocks *self, gboolean missing)
{
  set_missing (self, VB_VPS_LOCK_NEEDS_JOURNAL, missing);
}

void
vb_vps_locks_refuse_all (VbVpsLocks *self, VbError code)
{
  g_autoptr (VbVpsLocks) alive = vb_vps_locks_ref (self);

  refuse_waiting (self, TRUE, code);
}

guint
vb_vps_locks_get_n (VbVpsLocks *self)
{
  return g_hash_table_size (self->gates);
}

/* --- the lease --- */

static gboolean
limit_reached (gpointer data)
{
  VbVpsLock *self = data;

  self->limit_timer = 0;
  call_abandon (self, VB_ERROR_HYPERVISOR_UNAVAILABLE);
  return G_SOURCE_REMOVE;
}

void
vb_vps_lock_yield (VbVpsLock *self, guint limit_s, VbVpsLockAbandon abandon, gpointer user_data)
{
  self->yielded = TRUE;
  self->needs |= VB_VPS_LOCK_NEEDS_POOL; /* which is why it yields */
  self->abandon = abandon;
  self->abandon_data = user_data;
  if (limit_s > 0)
    self->limit_timer = g_timeout_add_seconds (limit_s, limit_reached, self);
  if (self->gate->owner == self)
    let_next_in (self->locks, self->gate->vps);
}

static void
go_on (VbVpsLock *self)
{
  VbVpsLockContinue func = g_steal_pointer (&self->regain);

  self->yielded = FALSE;
  func (self->regain_data);
}

void
vb_vps_lock_regain (VbVpsLock *self, VbVpsLockContinue func, gpointer user_data)
{
  self->abandon = NULL;
  g_clear_handle_id (&self->limit_timer, g_source_remove);
  self->regain = func;
  self->regain_data = user_data;
  if (self->gate->guest == NULL || self->gate->guest == self)
    go_on (self);
}

void
vb_vps_lock_free (VbVpsLock *self)
{
  g_autoptr (VbVpsLocks) locks = self->locks;
  Gate *gate = self->gate;
  g_autofree char *vps = g_strdup (gate->vps);

  if (gate->owner == self)
    gate->owner = NULL;
  else
    gate->guest = NULL;
  g_clear_handle_id (&self->limit_timer, g_source_remove);
  g_free (self);
  if (gate->guest == NULL && gate->owner != NULL && gate->owner->regain != NULL)
    go_on (gate->owner);
  else
    let_next_in (locks, vps);
}
