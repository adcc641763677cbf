/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool is verified in the background, one backup after the other, while nothing else is
 * done. */
#include "vb-backup-verifier.h"
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

#define LOOK_EACH_S 2
/* After a check that could say nothing: the pool has gone away, or another host has deleted the
 * backup. */
#define RETRY_S 600

static void
scrub_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  GError *error = NULL;

  if (vb_verification_run (data, self->pool, self->journal, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Until then it is the turn of others. */
static void
try_later (VbManager *self, const VbVerification *scrub)
{
  gint64 interval_s = (gint64) self->settings.check_interval_s;
  vb_backup_checks_postpone (self->checks, scrub->info->id,
                             g_get_real_time () - MAX (interval_s - RETRY_S, 0) * G_USEC_PER_SEC);
}

void
vb_manager_note_check (VbManager *self, const char *uuid, const char *backup, const VbCheck *check)
{
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);

  vb_backup_checks_set (self->checks, backup, check);
  if (vps != NULL && vb_backup_checks_show (self->checks, vps))
    vb_manager_emit_changed (self, vps);
}

static void
scrubbed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  const VbVerification *scrub = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->scrub);
  g_clear_pointer (&self->scrubbed_vps, g_free);
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      vb_log_debug (scrub->info->vps, NULL, scrub->info->id, "Failed to verify the backup: %s",
                    error->message);
      try_later (self, scrub);
      vb_manager_check_stopped (self);
      return;
    }
  vb_manager_note_check (self, scrub->info->vps, scrub->info->id, &scrub->check);
  self->n_checked[scrub->check.bad_chunks > 0]++;
  if (scrub->notification != NULL)
    vb_manager_emit_notification (self, scrub->notification);
  vb_manager_check_stopped (self);
}

/* --- what is next --- */

static gint64
checked_at (VbManager *self, const VbBackupInfo *info)
{
  return vb_backup_checks_get_age_base_us (self->checks, info);
}

static void
consider (VbManager *self, const VbBackupInfo *info, const VbBackupInfo **oldest)
{
  if (!vb_claims_is_elsewhere (self->claims, info->vps)
      && (*oldest == NULL || checked_at (self, info) < checked_at (self, *oldest)))
    *oldest = info;
}

static const VbBackupInfo *
find_oldest (VbManager *self)
{
  const VbBackupInfo *oldest = NULL;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->vps);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      GPtrArray *backups = vb_vps_get_backups (value);
      for (guint i = 0; i < backups->len; i++)
        if (vb_backup_get_state (g_ptr_array_index (backups, i)) == VB_BACKUP_AVAILABLE)
          consider (self, vb_backup_get_info (g_ptr_array_index (backups, i)), &oldest);
    }
  g_hash_table_iter_init (&iter, self->stored);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    for (guint i = 0; i < ((GPtrArray *) value)->len; i++)
      consider (self, g_ptr_array_index ((GPtrArray *) value, i), &oldest);
  return oldest;
}

static void
begin (VbManager *self, const VbBackupInfo *info)
{
  self->scrub = vb_transfer_new (NULL, self->settings.check_bandwidth_bytes_per_s);
  self->scrubbed_vps = g_strdup (info->vps);
  vb_transfer_set_background (self->scrub);
  VbVerification *scrub = vb_verification_new (
      info, self->scrub, vb_backup_checks_is_damaged (self->checks, info->id));
  scrub->patient = TRUE;
  g_autoptr (GTask) task = g_task_new (self, NULL, scrubbed, NULL);
  g_task_set_task_data (task, scrub, (GDestroyNotify) vb_verification_free);
  vb_worker_run (self->scrub_worker, task, scrub_in_thread);
}

void
vb_manager_look_at_checks (VbManager *self)
{
  const gint64 interval_s = (gint64) self->settings.check_interval_s;
  gboolean busy = self->stopping || interval_s == 0 || !self->pool_available
                  || g_hash_table_size (self->jobs) > 0;

  if (self->scrub != NULL)
    {
      vb_transfer_set_paused (self->scrub,
                              busy || vb_claims_is_elsewhere (self->claims, self->scrubbed_vps));
      return;
    }
  const VbBackupInfo *oldest = busy ? NULL : find_oldest (self);
  if (oldest != NULL
      && g_get_real_time () - checked_at (self, oldest) >= interval_s * G_USEC_PER_SEC)
    begin (self, oldest);
}

static gboolean
look (gpointer data)
{
  vb_manager_look_at_checks (data);
  return G_SOURCE_CONTINUE;
}

void
vb_manager_init_checks (VbManager *self)
{
  self->checks = vb_backup_checks_new ();
  self->scrub_worker = vb_worker_new (1);
}

void
vb_manager_watch_checks (VbManager *self, GHashTable *checks)
{
  vb_backup_checks_load (self->checks, checks);
  if (self->settings.check_interval_s > 0)
    self->scrub_timer = g_timeout_add_seconds (LOOK_EACH_S, look, self);
}

void
vb_manager_pause_checks (VbManager *self)
{
  if (self->scrub != NULL)
    vb_transfer_set_paused (self->scrub, TRUE);
}

void
vb_manager_stop_checks (VbManager *self)
{
  g_clear_handle_id (&self->scrub_timer, g_source_remove);
  if (self->scrub != NULL)
    vb_transfer_cancel (self->scrub);
}

guint64
vb_manager_get_n_checked (VbManager *self, gboolean damaged)
{
  return self->n_checked[damaged != FALSE];
}
