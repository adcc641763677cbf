/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-backup-verifier.h"

#include "core/base/vb-error.h"
#include "core/base/vb-log.h"

VbVerification *
vb_verification_new (const VbBackupInfo *info, VbTransfer *transfer, gboolean was_damaged)
{
  VbVerification *self = g_new0 (VbVerification, 1);

  self->info = vb_backup_info_copy (info);
  self->transfer = g_object_ref (transfer);
  self->was_damaged = was_damaged;
  return self;
}

void
vb_verification_free (VbVerification *self)
{
  vb_backup_info_free (self->info);
  g_object_unref (self->transfer);
  g_clear_pointer (&self->notification, vb_notification_free);
  g_clear_error (&self->unreadable);
  g_free (self);
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

static gboolean
read_all (VbVerification *self, VbPool *pool, GError **error)
{
  g_autoptr (GError) failure = NULL;
  const VbBackupInfo *info = self->info;

  vb_transfer_restart (self->transfer);
  self->check.bad_chunks = 0;
  g_clear_error (&self->unreadable);
  if (vb_pool_verify (pool, info->vps, info->id, self->transfer, &self->check.bad_chunks, &failure))
    return TRUE;
  if (!g_error_matches (failure, VB_ERROR, VB_ERROR_CHECKSUM_MISMATCH)
      && !g_error_matches (failure, VB_ERROR, VB_ERROR_INTERNAL))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  self->check.bad_chunks = MAX (self->check.bad_chunks, 1);
  vb_log_warning (info->vps, NULL, info->id, "Failed to read the backup: %s", failure->message);
  self->unreadable = g_steal_pointer (&failure);
  return TRUE;
}

gboolean
vb_verification_run (VbVerification *self, VbPool *pool, VbJournal *journal, GError **error)
{
  const VbBackupInfo *info = self->info;

  if (!read_all (self, pool, error))
    return FALSE;
  /* What is found once only may be a backup that was deleted while it was read. */
  gboolean again = self->unreadable != NULL || (self->patient && self->check.bad_chunks > 0);
  if (again && !read_all (self, pool, error))
    return FALSE;
  self->check.at_us = g_get_real_time ();
  if (self->check.bad_chunks > 0)
    vb_log_warning (info->vps, NULL, info->id,
                    "The backup is damaged: %" G_GUINT64_FORMAT " MiB of it differ from what was "
                    "written",
                    self->check.bad_chunks);
  if (self->check.bad_chunks > 0 && !self->was_damaged)
    self->notification = notification_of (info);
  return vb_journal_save_check (journal, info->id, &self->check, self->notification, error);
}
