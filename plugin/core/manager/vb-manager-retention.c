/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a new scheduled backup replaces: older ones of its schedule that no rule keeps, and one in
 * any case when there was no free slot for it. Only when it is available itself, only what
 * schedules have made, and never what is protected. */
#include "vb-schedule-state.h"

#include "core/base/vb-log.h"
#include "core/model/vb-vps-rotation.h"

typedef struct
{
  char *vps;
  char *schedule;
  char *backup;
} Removal;

static void
removal_free (Removal *removal)
{
  g_free (removal->vps);
  g_free (removal->schedule);
  g_free (removal->backup);
  g_free (removal);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Removal, removal_free)

static VbBackup *
find_victim (VbVps *vps, const VbScheduleState *self, VbBackup *made)
{
  const VbSchedule *schedule = vb_schedules_find (vb_vps_get_schedules (vps), self->id);
  g_autoptr (GPtrArray) surplus
      = schedule ? vb_vps_find_surplus (vps, schedule, made, VB_CALENDAR_NEVER) : NULL;

  if (surplus != NULL && surplus->len > 0)
    return g_ptr_array_index (surplus, surplus->len - 1);
  return vb_backup_has_slot (made) ? NULL : vb_vps_find_rotatable (vps, self->made, self->id);
}

static void
removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *manager = VB_MANAGER (source);
  g_autoptr (Removal) removal = user_data;
  g_autoptr (GError) error = NULL;
  VbScheduleState *self = vb_schedule_state_find (manager, removal->vps, removal->schedule);
  VbVps *vps = vb_manager_get_vps (manager, removal->vps);

  if (self != NULL)
    self->deleting = FALSE;
  /* Tried again with the timer, or when something changes. */
  if (!vb_manager_delete_finish (manager, result, &error))
    {
      vb_log_warning (removal->vps, NULL, removal->backup,
                      "Failed to remove the oldest scheduled backup: %s", error->message);
      return;
    }
  vb_schedule_state_audit (manager, "backup.delete", removal->vps, removal->backup);
  if (vps != NULL)
    vb_manager_touch_schedules (manager, vps);
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

static void
end (VbScheduleState *self, VbManager *manager, VbVps *vps)
{
  g_clear_pointer (&self->made, g_free);
  vb_schedule_state_save (manager, vb_vps_get_uuid (vps), self, NULL);
}

gboolean
vb_schedule_state_rotate (VbScheduleState *self, VbManager *manager, VbVps *vps)
{
  VbBackup *made = self->made ? vb_vps_find_backup (vps, self->made) : NULL;

  if (made != NULL)
    share_slot (vps, made);
  if (self->made == NULL || self->deleting || vb_vps_get_operation (vps) != NULL
      || !manager->pool_available)
    return FALSE;
  VbBackup *victim = made ? find_victim (vps, self, made) : NULL;
  if (victim == NULL)
    {
      /* Somebody has taken away what it was to replace, and it is there all the same. */
      gboolean is_waiting = made != NULL && !vb_backup_has_slot (made);
      if (is_waiting)
        vb_backup_take_slot (made, vb_slots_lease (vb_vps_get_slots (vps)));
      end (self, manager, vps);
      return is_waiting;
    }
  Removal *removal = g_new0 (Removal, 1);
  removal->vps = g_strdup (vb_vps_get_uuid (vps));
  removal->schedule = g_strdup (self->id);
  removal->backup = g_strdup (vb_backup_get_id (victim));
  self->deleting = TRUE;
  vb_manager_delete_async (manager, removal->vps, removal->backup, removed, removal);
  return FALSE;
}
