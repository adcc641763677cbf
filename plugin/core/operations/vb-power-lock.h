/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbPowerLock:
 *
 * The file that keeps a VPS from being started while an operation needs its disks. The libvirt hook
 * reads it without asking anybody: `<state folder>/locks/<uuid>` whose first line is
 * `create|restore|swap <operation id>` and on which the owner holds flock(2), so that a lock left
 * by a dead owner can be told from a live one. It lives on persistent storage: autostart after a
 * host crash must still see a half-done swap. Blocks; worker threads.
 */
typedef struct _VbPowerLock VbPowerLock;

/**
 * vb_power_lock_acquire:
 * @state_folder: the state folder; "locks" below it is made (0755) when missing
 * @vps: UUID
 * @word: "create", "restore" or "swap"
 * @operation: id of the operation
 *
 * Returns: (transfer full) (nullable): the lock, durable; a stale file of a dead owner is replaced
 */
VbPowerLock *vb_power_lock_acquire (const char *state_folder,
                                    const char *vps,
                                    const char *word,
                                    const char *operation,
                                    GError **error);

/** vb_power_lock_change: replaces the word without a moment unlocked */
gboolean vb_power_lock_change (VbPowerLock *self, const char *word, GError **error);

/** vb_power_lock_release: removes the file and frees @self */
void vb_power_lock_release (VbPowerLock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPowerLock, vb_power_lock_release)

/** vb_power_lock_leave: @self: (transfer full): leaves the lock file without an owner, for whoever
 * takes up the operation */
void vb_power_lock_leave (VbPowerLock *self);

/**
 * VbPowerLockLeft:
 * @vps: UUID
 * @operation: (nullable): id of the operation that has left it, if the file says so
 *
 * A lock with the word "swap" whose owner is dead: the disks of the VPS may be half overwritten.
 */
typedef struct
{
  char *vps;
  char *operation;
} VbPowerLockLeft;

void vb_power_lock_left_free (VbPowerLockLeft *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbPowerLockLeft, vb_power_lock_left_free)

/**
 * vb_power_lock_sweep:
 * @keep: set of UUIDs that are left alone
 *
 * Removes lock files of dead owners, but none that says "swap": without the operation's record
 * nobody can tell whether the disks are whole.
 *
 * Returns: (transfer full) (element-type VbPowerLockLeft): those that say "swap"
 */
GPtrArray *vb_power_lock_sweep (const char *state_folder, GHashTable *keep);

/** vb_power_lock_check_whole: Returns: %FALSE with %VB_ERROR_OPERATION_RUNNING when a dead owner
 * has left the VPS's lock with the word "swap" */
gboolean vb_power_lock_check_whole (const char *state_folder, const char *vps, GError **error);

G_END_DECLS
