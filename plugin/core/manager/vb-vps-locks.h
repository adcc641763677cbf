/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/base/vb-error.h"

G_BEGIN_DECLS

/**
 * VbVpsLockNeeds:
 * @VB_VPS_LOCK_NEEDS_NOTHING: it goes on beside an owner that waits for storage
 * @VB_VPS_LOCK_NEEDS_POOL: it is refused instead of waiting while the pool is away
 * @VB_VPS_LOCK_NEEDS_JOURNAL: likewise, for the journal
 *
 * What a request waits for in others while it has the lock.
 */
typedef enum
{
  VB_VPS_LOCK_NEEDS_NOTHING = 0,
  VB_VPS_LOCK_NEEDS_POOL = 1 << 0,
  VB_VPS_LOCK_NEEDS_JOURNAL = 1 << 1,
} VbVpsLockNeeds;

/**
 * VbVpsLocks:
 *
 * One request at a time changes a VPS: the others wait, so that no two admissions see the same free
 * slot. An owner that has to wait for storage yields meanwhile: then power actions and all else
 * that needs no storage go on beside it, one at a time, and the owner regains the VPS before it
 * changes anything. Main context only.
 */
typedef struct _VbVpsLocks VbVpsLocks;

/** VbVpsLock: a lease: freeing it lets the next one in */
typedef struct _VbVpsLock VbVpsLock;

/**
 * VbVpsLockFunc:
 * @lock: (transfer full) (nullable): the lease; %NULL when it was refused
 * @error: (nullable): of #VB_ERROR, when it was refused
 */
typedef void (*VbVpsLockFunc) (VbVpsLock *lock, const GError *error, gpointer user_data);

/** VbVpsLockContinue: the owner may go on: nobody is beside it any more */
typedef void (*VbVpsLockContinue) (gpointer user_data);

/** VbVpsLockAbandon: what the owner waits for is away, or takes too long: it should answer now, and
 * keeps the lock until it has its own answer. @error: of #VB_ERROR */
typedef void (*VbVpsLockAbandon) (const GError *error, gpointer user_data);

VbVpsLocks *vb_vps_locks_new (void);
VbVpsLocks *vb_vps_locks_ref (VbVpsLocks *self);
void vb_vps_locks_unref (VbVpsLocks *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbVpsLocks, vb_vps_locks_unref)

/** vb_vps_locks_acquire: calls @func exactly once: at once when it may go on or is refused, else
 * when its turn has come */
void vb_vps_locks_acquire (VbVpsLocks *self,
                           const char *vps,
                           VbVpsLockNeeds needs,
                           VbVpsLockFunc func,
                           gpointer user_data);

/** vb_vps_locks_set_pool_missing: while it is, whoever needs it, or waits for an owner that does, is
 * refused with %VB_ERROR_POOL_UNAVAILABLE instead of waiting, and owners that need it and have
 * yielded are told to answer */
void vb_vps_locks_set_pool_missing (VbVpsLocks *self, gboolean missing);

/** vb_vps_locks_set_journal_missing: likewise, with %VB_ERROR_JOURNAL_UNAVAILABLE */
void vb_vps_locks_set_journal_missing (VbVpsLocks *self, gboolean missing);

/** vb_vps_locks_get_n: Returns: VPSs that somebody is at */
guint vb_vps_locks_get_n (VbVpsLocks *self);

/** vb_vps_locks_refuse_all: whoever waits is refused with that */
void vb_vps_locks_refuse_all (VbVpsLocks *self, VbError code);

/**
 * vb_vps_lock_yield:
 * @limit_s: after how long @abandon is called in any case, with
 * %VB_ERROR_HYPERVISOR_UNAVAILABLE; 0 for never
 * @abandon: called at most once, also when the pool is found to be away meanwhile
 *
 * Others that do not need the pool may go on beside the owner from now on.
 */
void
vb_vps_lock_yield (VbVpsLock *self, guint limit_s, VbVpsLockAbandon abandon, gpointer user_data);

/** vb_vps_lock_regain: after a yield: calls @func once nobody is beside the owner, perhaps at
 * once */
void vb_vps_lock_regain (VbVpsLock *self, VbVpsLockContinue func, gpointer user_data);

void vb_vps_lock_free (VbVpsLock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbVpsLock, vb_vps_lock_free)

G_END_DECLS
