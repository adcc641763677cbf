/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs of a schedule that are due. Whether one has had its backup is known for certain by the
 * request key of the create, which is in the journal before the operation begins: no crash and no
 * clock makes two of one run. */
#include "vb-schedule-state.h"

#include "core/base/vb-log.h"

/* A run that was missed is made up for if it is not older than this. */
#define MISSED_AFTER (12 * G_TIME_SPAN_HOUR)

/* What is in the way now may be gone in a moment. */
static gboolean
may_pass (VbError code)
{
  return code == VB_ERROR_OPERATION_RUNNING || code == VB_ERROR_HYPERVISOR_UNAVAILABLE
         || code == VB_ERROR_POOL_UNAVAILABLE || code == VB_ERROR_JOURNAL_UNAVAILABLE
         || code == VB_ERROR_INTERRUPTED || code == VB_ERROR_NOT_FOUND || code == VB_ERROR_INTERNAL;
}

static void
skip (VbManager *manager, VbVps *vps, VbScheduleState *self, const char *day, VbError code)
{
  const char *uuid = vb_vps_get_uuid (vps);
  VbNotification *notification = vb_notification_new ();

  notification->type = VB_NOTIFICATION_SCHEDULE_SKIPPED;
  notification->vps = g_strdup (uuid);
  notification->vps_name = g_strdup (vb_vps_get_name (vps));
  notification->reason = g_strdup (vb_error_reason (code));
  notification->created_at = g_date_time_new_now_utc ();
  vb_log_warning (uuid, NULL, NULL, "No scheduled backup for %s: %s", day, notification->reason);
  vb_schedule_state_set_day (self, day);
  self->refused = VB_SCHEDULE_NOT_REFUSED;
  vb_schedule_state_save (manager, uuid, self, notification);
}

void
vb_schedule_state_audit (VbManager *manager,
                         const char *method,
                         const char *vps,
                         const char *target)
{
  g_autoptr (VbAuditEntry) entry = vb_audit_entry_new ();

  entry->subject = g_strdup (VB_SCHEDULE_SUBJECT);
  entry->address = g_strdup ("");
  entry->method = g_strdup (method);
  entry->vps = g_strdup (vps);
  entry->target = g_strdup (target);
  entry->outcome = g_strdup (VB_AUDIT_OK);
  vb_manager_audit_async (manager, entry, NULL, NULL);
}

static void
took (VbManager *manager, VbScheduleState *self, const char *day, const VbOperationRecord *record)
{
  vb_schedule_state_set_day (self, day);
  self->refused = VB_SCHEDULE_NOT_REFUSED;
  g_free (self->made);
  self->made = g_strdup (record->backup);
  vb_schedule_state_save (manager, record->vps, self, NULL);
  if (!vb_operation_state_is_end (record->state))
    vb_schedule_state_audit (manager, "backup.create", record->vps, record->id);
}

typedef struct
{
  char *vps;
  char *id;
  char *day;
} Asked;

static void
asked_free (Asked *asked)
{
  g_free (asked->vps);
  g_free (asked->id);
  g_free (asked->day);
  g_free (asked);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Asked, asked_free)

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *manager = VB_MANAGER (source);
  g_autoptr (Asked) asked = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbOperationRecord) record = vb_manager_create_finish (manager, result, NULL, &error);
  VbVps *vps = vb_manager_get_vps (manager, asked->vps);
  VbScheduleState *self = vb_schedule_state_find (manager, asked->vps, asked->id);

  if (self != NULL)
    self->asking = FALSE;
  if (self == NULL || vps == NULL)
    return;
  if (record != NULL)
    took (manager, self, asked->day, record);
  else if (may_pass (vb_error_code_of (error)))
    self->refused = (int) vb_error_code_of (error);
  else
    skip (manager, vps, self, asked->day, vb_error_code_of (error));
  /* What may pass is tried again with the timer, all else shows at once. */
  if (self->refused == VB_SCHEDULE_NOT_REFUSED)
    vb_manager_touch_schedules (manager, vps);
}

static void
ask (VbManager *manager, VbVps *vps, VbScheduleState *self, const char *day)
{
  gboolean is_first = g_str_equal (self->id, VB_SCHEDULE_FIRST);
  g_autofree char *key = is_first ? g_strdup_printf (VB_SCHEDULE_SUBJECT " %s", day)
                                  : g_strdup_printf (VB_SCHEDULE_SUBJECT " %s %s", self->id, day);
  Asked *asked = g_new0 (Asked, 1);

  asked->vps = g_strdup (vb_vps_get_uuid (vps));
  asked->id = g_strdup (self->id);
  asked->day = g_strdup (day);
  self->asking = TRUE;
  vb_manager_create_scheduled_async (manager, asked->vps, asked->id, key, answered, asked);
}

static void
check_due (VbScheduleState *self,
           VbManager *manager,
           VbVps *vps,
           const VbSchedule *schedule,
           gint64 due,
           GDateTime *now)
{
  g_autofree char *day = vb_schedule_run_to_text (schedule, due);
  g_autoptr (GDateTime) time = vb_schedule_get_time (schedule, vb_vps_get_uuid (vps), due);

  if (self->asking || g_strcmp0 (day, self->day) <= 0 || time == NULL)
    return;
  if (g_date_time_difference (now, time) > MISSED_AFTER)
    {
      skip (manager, vps, self, day,
            self->refused != VB_SCHEDULE_NOT_REFUSED ? (VbError) self->refused
                                                     : VB_ERROR_INTERRUPTED);
      return;
    }
  VbCanCreate can = vb_vps_can_create_scheduled (vps);
  if (can != VB_CAN_CREATE && may_pass (vb_can_create_error (can)))
    self->refused = (int) vb_can_create_error (can);
  else
    ask (manager, vps, self, day);
}

/* The newest one that is due or, when that is done, the first one after what is done. */
static GDateTime *
find_next_run (const VbScheduleState *self, VbVps *vps, const VbSchedule *schedule, gint64 due)
{
  const VbCalendar *calendar = vb_schedule_get_calendar (schedule);
  gint64 run = due != VB_CALENDAR_NEVER ? due : vb_calendar_next (calendar, 0);

  for (guint i = 0; i < 5 * VB_CALENDAR_MAX_A_DAY && run != VB_CALENDAR_NEVER; i++)
    {
      g_autofree char *text = vb_schedule_run_to_text (schedule, run);
      if (g_strcmp0 (text, self->day) > 0)
        return vb_schedule_get_time (schedule, vb_vps_get_uuid (vps), run);
      run = vb_calendar_next (calendar, run);
    }
  return NULL;
}

gboolean
vb_schedule_state_check (VbScheduleState *self,
                         VbManager *manager,
                         VbVps *vps,
                         const VbSchedule *schedule,
                         GDateTime *now)
{
  gint64 due = vb_schedule_get_due (schedule, vb_vps_get_uuid (vps), now);

  if (due != VB_CALENDAR_NEVER)
    check_due (self, manager, vps, schedule, due, now);
  g_autoptr (GDateTime) next = find_next_run (self, vps, schedule, due);
  return vb_vps_set_next_run (vps, self->id, next);
}
