/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a death or an absent pool has left of ours and no operation answers for: halves of backups,
 * deletes that were begun, checkpoints of backups that are not there any more. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

/* More than anybody has run on one VPS since the journal forgot the rest. */
#define MAX_OPERATIONS 1000

static gboolean
is_given_up (const char *vps, const char *backup, gpointer user_data)
{
  VbManager *self = user_data;
  g_autoptr (GPtrArray) records
      = vb_journal_list_operations (self->journal, vps, MAX_OPERATIONS, NULL);

  /* One that the journal does not know may belong to another host that uses the same pool. */
  for (guint i = 0; records != NULL && i < records->len; i++)
    {
      const VbOperationRecord *record = g_ptr_array_index (records, i);
      if (record->kind == VB_OPERATION_CREATE && g_strcmp0 (record->backup, backup) == 0)
        return vb_operation_state_is_end (record->state);
    }
  return FALSE;
}

void
vb_manager_sweep_pool (VbManager *self)
{
  g_autoptr (GError) error = NULL;
  if (!vb_pool_sweep (self->pool, is_given_up, self, &error))
    vb_log_warning (NULL, NULL, NULL, "Failed to remove leftovers of incomplete backups: %s",
                    error->message);
}

typedef struct
{
  VbManager *manager;
  char *vps;
  VbVpsLock *lock;    /* (nullable) */
  GPtrArray *backups; /* of ids, ends in NULL */
} Keep;

static void
keep_free (Keep *keep)
{
  g_clear_pointer (&keep->lock, vb_vps_lock_free);
  g_clear_pointer (&keep->backups, g_ptr_array_unref);
  g_object_unref (keep->manager);
  g_free (keep->vps);
  g_free (keep);
}

static void
sweep_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  const Keep *keep = data;
  g_autoptr (GError) error = NULL;
  if (!vb_hypervisor_keep_checkpoints (self->hypervisor, keep->vps,
                                       (const char *const *) keep->backups->pdata, &error))
    vb_log_warning (keep->vps, NULL, NULL, "Failed to delete checkpoints without a backup: %s",
                    error->message);
  g_task_return_boolean (task, TRUE);
}

static void
swept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  keep_free (user_data);
}

static void
sweep_inside (VbVpsLock *lock, const GError *error, gpointer user_data)
{
  Keep *keep = user_data;
  VbManager *self = keep->manager;
  VbVps *vps = g_hash_table_lookup (self->vps, keep->vps);

  keep->lock = lock;
  /* An operation that has not ended answers for its own. */
  if (lock == NULL || vps == NULL || vb_vps_get_operation (vps) != NULL
      || !vb_hypervisor_is_available (self->hypervisor))
    {
      keep_free (keep);
      return;
    }
  GPtrArray *backups = vb_vps_get_backups (vps);
  keep->backups = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < backups->len; i++)
    g_ptr_array_add (keep->backups, g_strdup (vb_backup_get_id (g_ptr_array_index (backups, i))));
  g_ptr_array_add (keep->backups, NULL);
  g_autoptr (GTask) task = g_task_new (self, NULL, swept, keep);
  g_task_set_task_data (task, keep, NULL);
  vb_worker_run (self->hypervisor_worker, task, sweep_in_thread);
}

void
vb_manager_sweep_checkpoints (VbManager *self)
{
  if (self->swept || !self->pool_available || !vb_hypervisor_is_available (self->hypervisor))
    return;
  self->swept = TRUE;
  g_autoptr (GPtrArray) all = vb_manager_list_vps (self);
  for (guint i = 0; i < all->len; i++)
    {
      Keep *keep = g_new0 (Keep, 1);
      keep->vps = g_strdup (vb_vps_get_uuid (g_ptr_array_index (all, i)));
      keep->manager = g_object_ref (self);
      vb_vps_locks_acquire (self->locks, keep->vps, VB_VPS_LOCK_NEEDS_POOL, sweep_inside, keep);
    }
}
