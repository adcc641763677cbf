/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new scheduled backup replaces: older ones beyond the number to keep, and one in any case
 * when there was no free slot for it. Only when it is available itself, only what the schedule has
 * made, and never what is protected. */
#include "vb-manager-private.h"

#include "core/base/vb-log.h"

typedef struct
{
  char *vps;
  char *backup;
} Removal;

static VbBackup *
find_victim (VbVps *vps, const VbRotation *rotation, VbBackup *made)
{
  const VbSchedule *plan = vb_vps_get_schedule (vps);
  guint keep = plan ? vb_schedule_get_keep (plan) : G_MAXUINT;
  guint n;
  VbBackup *oldest = vb_vps_find_rotatable (vps, rotation->made, &n);

  if (!vb_backup_get_info (made)->is_protected)
    n++;
  return n > keep || !vb_backup_has_slot (made) ? oldest : NULL;
}

static void
removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autofree Removal *removal = user_data;
  g_autofree char *uuid = removal->vps;
  g_autofree char *backup = removal->backup;
  g_autoptr (GError) error = NULL;
  VbRotation *rotation = vb_manager_get_rotation (self, uuid);
  VbVps *vps = vb_manager_get_vps (self, uuid);

  if (rotation != NULL)
    rotation->deleting = FALSE;
  /* Tried again with the timer, or when something changes. */
  if (!vb_manager_delete_finish (self, result, &error))
    {
      vb_log_warning (uuid, NULL, backup, "Failed to remove the oldest scheduled backup: %s",
                      error->message);
      return;
    }
  vb_manager_audit_schedule (self, "backup.delete", uuid, backup);
  if (vps != NULL)
    vb_manager_touch_schedule (self, vps);
}

/* After a restart every backup takes a slot, also one that is to get another's. */
static void
share_slot (VbVps *vps, VbBackup *made)
{
  VbSlots *slots = vb_vps_get_slots (vps);

  if (vb_slots_get_used (slots) > vb_slots_get_total (slots)
      && vb_vps_find_without_slot (vps) == NULL
      && vb_vps_find_rotatable (vps, vb_backup_get_id (made), NULL) != NULL)
    vb_backup_release_slot (made);
}

gboolean
vb_manager_rotate (VbManager *self, VbVps *vps, VbRotation *rotation)
{
  VbBackup *made = rotation->made ? vb_vps_find_backup (vps, rotation->made) : NULL;

  if (made != NULL)
    share_slot (vps, made);
  if (rotation->made == NULL || rotation->deleting || vb_vps_get_operation (vps) != NULL
      || !self->pool_available)
    return FALSE;
  VbBackup *victim = made ? find_victim (vps, rotation, made) : NULL;
  if (victim == NULL)
    {
      /* Somebody has taken away what it was to replace, and it is there all the same. */
      gboolean is_waiting = made != NULL && !vb_backup_has_slot (made);
      if (is_waiting)
        vb_backup_take_slot (made, vb_slots_lease (vb_vps_get_slots (vps)));
      vb_manager_end_rotation (self, vb_vps_get_uuid (vps));
      return is_waiting;
    }
  Removal *removal = g_new0 (Removal, 1);
  removal->vps = g_strdup (vb_vps_get_uuid (vps));
  removal->backup = g_strdup (vb_backup_get_id (victim));
  rotation->deleting = TRUE;
  vb_manager_delete_async (self, removal->vps, removal->backup, removed, removal);
  return FALSE;
}

void
vb_manager_audit_schedule (VbManager *self, const char *method, const char *vps, const char *target)
{
  g_autoptr (VbAuditEntry) entry = vb_audit_entry_new ();

  entry->subject = g_strdup (VB_SCHEDULE_SUBJECT);
  entry->address = g_strdup ("");
  entry->method = g_strdup (method);
  entry->vps = g_strdup (vps);
  entry->target = g_strdup (target);
  entry->outcome = g_strdup (VB_AUDIT_OK);
  vb_manager_audit_async (self, entry, NULL, NULL);
}
