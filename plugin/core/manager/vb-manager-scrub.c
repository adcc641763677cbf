/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool is verified in the background, one backup after the other, while nothing else is done.
 */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

#define LOOK_EACH_S 2
/* After a check that could say nothing: the pool has gone away, or another host has deleted the
 * backup. */
#define RETRY_S 600

typedef struct
{
  VbBackupInfo *info;
  VbTransfer *transfer;
  gboolean was_bad;
  VbCheck check;
  VbNotification *notification; /* (nullable) */
} Scrub;

static void
scrub_free (Scrub *scrub)
{
  vb_backup_info_free (scrub->info);
  g_object_unref (scrub->transfer);
  g_clear_pointer (&scrub->notification, vb_notification_free);
  g_free (scrub);
}

static VbNotification *
notification_of (const VbBackupInfo *info)
{
  VbNotification *notification = vb_notification_new ();
  notification->type = VB_NOTIFICATION_BACKUP_DAMAGED;
  notification->vps = g_strdup (info->vps);
  notification->vps_name = g_strdup (info->vps_name);
  notification->backup = g_strdup (info->id);
  notification->backup_name = g_strdup (info->name);
  notification->operation = g_uuid_string_random ();
  notification->reason = g_strdup (vb_error_reason (VB_ERROR_CHECKSUM_MISMATCH));
  notification->created_at = g_date_time_new_now_utc ();
  return notification;
}

/* What cannot be read is as damaged as what has changed, unless that says nothing about the backup
 * itself. */
static gboolean
read_it (VbManager *self, Scrub *scrub, GError **error)
{
  g_autoptr (GError) failure = NULL;
  const VbBackupInfo *info = scrub->info;

  vb_transfer_restart (scrub->transfer);
  scrub->check.bad_chunks = 0;
  if (vb_pool_verify (self->pool, info->vps, info->id, scrub->transfer, &scrub->check.bad_chunks,
                      &failure))
    return TRUE;
  if (!g_error_matches (failure, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH)
      && !g_error_matches (failure, VB_ERROR, VB_ERROR_INTERNAL))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  scrub->check.bad_chunks = MAX (scrub->check.bad_chunks, 1);
  vb_log_warning (info->vps, NULL, info->id, "The backup cannot be read: %s", failure->message);
  return TRUE;
}

/* Only what is found twice is damage: the backup may have been deleted while it was read. */
static gboolean
verify (VbManager *self, Scrub *scrub, GError **error)
{
  const VbBackupInfo *info = scrub->info;

  if (!read_it (self, scrub, error)
      || (scrub->check.bad_chunks > 0 && !read_it (self, scrub, error)))
    return FALSE;
  scrub->check.at_us = g_get_real_time ();
  if (scrub->check.bad_chunks == 0)
    return TRUE;
  vb_log_warning (info->vps, NULL, info->id,
                  "The backup is damaged: %" G_GUINT64_FORMAT " MiB of it are not what was written",
                  scrub->check.bad_chunks);
  if (!scrub->was_bad)
    scrub->notification = notification_of (info);
  return TRUE;
}

static void
scrub_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Scrub *scrub = data;
  GError *error = NULL;

  if (verify (self, scrub, &error)
      && vb_journal_save_check (self->journal, scrub->info->id, &scrub->check, scrub->notification,
                                &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
keep_check (VbManager *self, const char *backup, gint64 at_us, guint64 bad_chunks)
{
  VbCheck *check = g_new0 (VbCheck, 1);
  check->at_us = at_us;
  check->bad_chunks = bad_chunks;
  g_hash_table_replace (self->checks, g_strdup (backup), check);
}

/* Until then it is the turn of others. The journal does not know of it. */
static void
try_later (VbManager *self, const Scrub *scrub)
{
  const VbCheck *before = g_hash_table_lookup (self->checks, scrub->info->id);
  gint64 interval_s = (gint64) self->settings.check_interval_s;
  keep_check (self, scrub->info->id,
              g_get_real_time () - MAX (interval_s - RETRY_S, 0) * G_USEC_PER_SEC,
              before ? before->bad_chunks : 0);
}

static void
scrubbed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  const Scrub *scrub = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->scrub);
  g_clear_pointer (&self->scrubbed_vps, g_free);
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      vb_log_debug (scrub->info->vps, NULL, scrub->info->id, "Verifying the backup: %s",
                    error->message);
      try_later (self, scrub);
      vb_manager_check_stopped (self);
      return;
    }
  keep_check (self, scrub->info->id, scrub->check.at_us, scrub->check.bad_chunks);
  self->n_checked[scrub->check.bad_chunks > 0]++;
  if (scrub->notification != NULL)
    vb_manager_emit_notification (self, scrub->notification);
  vb_manager_check_stopped (self);
}

/* --- what is next --- */

static gint64
checked_at (VbManager *self, const VbBackupInfo *info)
{
  const VbCheck *check = g_hash_table_lookup (self->checks, info->id);
  if (check != NULL)
    return check->at_us;
  return info->completed_at ? g_date_time_to_unix (info->completed_at) * G_USEC_PER_SEC : 0;
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
  const VbCheck *before = g_hash_table_lookup (self->checks, info->id);
  Scrub *scrub = g_new0 (Scrub, 1);

  self->scrub = vb_transfer_new (NULL, self->settings.check_bandwidth_bytes_per_s);
  self->scrubbed_vps = g_strdup (info->vps);
  vb_transfer_set_background (self->scrub);
  scrub->info = vb_backup_info_copy (info);
  scrub->transfer = g_object_ref (self->scrub);
  scrub->was_bad = before != NULL && before->bad_chunks > 0;
  g_autoptr (GTask) task = g_task_new (self, NULL, scrubbed, NULL);
  g_task_set_task_data (task, scrub, (GDestroyNotify) scrub_free);
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
  self->checks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->scrub_worker = vb_worker_new (1);
}

void
vb_manager_watch_checks (VbManager *self, GHashTable *checks)
{
  g_hash_table_unref (self->checks);
  self->checks = g_hash_table_ref (checks);
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
