/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-notification.h"

static const char *const type_words[] = {
  "backup_completed",   "backup_failed",    "restore_completed", "restore_failed",
  "operation_stalled",  "schedule_skipped", "backup_damaged",    "journal_lost",
  "restore_unfinished", "undo_completed",   "undo_failed",
};

G_DEFINE_BOXED_TYPE (VbNotification, vb_notification, vb_notification_copy, vb_notification_free)

const char *
vb_notification_type_to_string (VbNotificationType type)
{
  return type_words[type];
}

gboolean
vb_notification_type_from_string (const char *text, VbNotificationType *type)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_words); i++)
    if (g_strcmp0 (type_words[i], text) == 0)
      {
        *type = (VbNotificationType) i;
        return TRUE;
      }
  return FALSE;
}

gboolean
vb_notification_type_is_for_admins (VbNotificationType type)
{
  return type == VB_NOTIFICATION_BACKUP_DAMAGED || type == VB_NOTIFICATION_JOURNAL_LOST
         || type == VB_NOTIFICATION_RESTORE_UNFINISHED;
}

VbNotification *
vb_notification_new (void)
{
  return g_new0 (VbNotification, 1);
}

VbNotification *
vb_notification_copy (const VbNotification *self)
{
  VbNotification *copy = g_memdup2 (self, sizeof *self);
  copy->vps = g_strdup (self->vps);
  copy->vps_name = g_strdup (self->vps_name);
  copy->backup = g_strdup (self->backup);
  copy->backup_name = g_strdup (self->backup_name);
  copy->operation = g_strdup (self->operation);
  copy->reason = g_strdup (self->reason);
  copy->created_at = self->created_at ? g_date_time_ref (self->created_at) : NULL;
  return copy;
}

void
vb_notification_free (VbNotification *self)
{
  g_free (self->vps);
  g_free (self->vps_name);
  g_free (self->backup);
  g_free (self->backup_name);
  g_free (self->operation);
  g_free (self->reason);
  g_clear_pointer (&self->created_at, g_date_time_unref);
  g_free (self);
}
