/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backups that nobody asks for: when they are due, and the request that sets their schedule.
 * Whether a day has had its backup is known for certain by the request key of the create, which is
 * in the journal before the operation begins: no crash and no clock makes two of one day. */
#include "vb-manager-request.h"

#include <string.h>

#include "core/base/vb-log.h"

#define CHECK_PERIOD_S 20
/* A run that was missed is made up for if it is not older than this. */
#define MISSED_AFTER (12 * G_TIME_SPAN_HOUR)
#define NOT_REFUSED -1

typedef struct
{
  char *timing; /* of the schedule that the days are counted for, "" for none */
  char *day;    /* the newest that needs no run any more */
  gboolean asking;
  int refused; /* why the run that is due could not begin yet */
  VbRotation rotation;
} Schedule;

typedef struct
{
  VbScheduleRecord *record;
  VbNotification *notification; /* (nullable) */
} Save;

/* --- days --- */

static char *
day_to_text (const GDate *day)
{
  return g_strdup_printf ("%04u-%02u-%02u", g_date_get_year (day), (guint) g_date_get_month (day),
                          g_date_get_day (day));
}

static void
set_day (Schedule *schedule, const char *day)
{
  g_free (schedule->day);
  schedule->day = g_strdup (day);
}

/* --- what is kept of each VPS --- */

static void
schedule_free (gpointer data)
{
  Schedule *schedule = data;
  g_free (schedule->timing);
  g_free (schedule->day);
  g_free (schedule->rotation.made);
  g_free (schedule);
}

static Schedule *
add_schedule (VbManager *self, const char *vps, const char *timing, const char *day)
{
  Schedule *schedule = g_new0 (Schedule, 1);
  schedule->timing = g_strdup (timing);
  schedule->day = g_strdup (day);
  schedule->refused = NOT_REFUSED;
  g_hash_table_replace (self->schedules, g_strdup (vps), schedule);
  return schedule;
}

VbRotation *
vb_manager_get_rotation (VbManager *self, const char *vps)
{
  Schedule *schedule = g_hash_table_lookup (self->schedules, vps);
  return schedule ? &schedule->rotation : NULL;
}

static void
save_free (gpointer data)
{
  Save *save = data;
  vb_schedule_record_free (save->record);
  g_clear_pointer (&save->notification, vb_notification_free);
  g_free (save);
}

static void
save_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  Save *save = data;
  GError *error = NULL;
  if (vb_journal_save_schedule (self->journal, save->record, save->notification, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  const Save *save = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;

  self->schedule_saves--;
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    vb_log_warning (save->record->vps, NULL, NULL, "Failed to record the day of the schedule: %s",
                    error->message);
  else if (save->notification != NULL)
    vb_manager_emit_notification (self, save->notification);
  vb_manager_check_stopped (self);
}

/* @notification: (transfer full) (nullable): announced once it is stored */
static void
save_schedule (VbManager *self,
               const char *vps,
               const Schedule *schedule,
               VbNotification *notification)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, saved, NULL);
  Save *save = g_new0 (Save, 1);
  save->record
      = vb_schedule_record_new (vps, schedule->timing, schedule->day, schedule->rotation.made);
  save->notification = notification;
  g_task_set_task_data (task, save, save_free);
  self->schedule_saves++;
  vb_worker_run (self->schedule_worker, task, save_in_thread);
}

void
vb_manager_end_rotation (VbManager *self, const char *vps)
{
  Schedule *schedule = g_hash_table_lookup (self->schedules, vps);
  g_clear_pointer (&schedule->rotation.made, g_free);
  save_schedule (self, vps, schedule, NULL);
}

/* --- a run that is due --- */

/* What is in the way now may be gone in a moment. */
static gboolean
may_pass (VbError code)
{
  return code == VB_ERROR_OPERATION_RUNNING || code == VB_ERROR_HYPERVISOR_UNAVAILABLE
         || code == VB_ERROR_POOL_UNAVAILABLE || code == VB_ERROR_JOURNAL_UNAVAILABLE
         || code == VB_ERROR_INTERRUPTED || code == VB_ERROR_NOT_FOUND || code == VB_ERROR_INTERNAL;
}

static void
skip (VbManager *self, VbVps *vps, Schedule *schedule, const char *day, VbError code)
{
  const char *uuid = vb_vps_get_uuid (vps);
  VbNotification *notification = vb_notification_new ();

  notification->type = VB_NOTIFICATION_SCHEDULE_SKIPPED;
  notification->vps = g_strdup (uuid);
  notification->vps_name = g_strdup (vb_vps_get_name (vps));
  notification->reason = g_strdup (vb_error_reason (code));
  notification->created_at = g_date_time_new_now_utc ();
  vb_log_warning (uuid, NULL, NULL, "No scheduled backup for %s: %s", day, notification->reason);
  set_day (schedule, day);
  schedule->refused = NOT_REFUSED;
  save_schedule (self, uuid, schedule, notification);
}

static void
took (VbManager *self,
      VbVps *vps,
      Schedule *schedule,
      const char *day,
      const VbOperationRecord *record)
{
  set_day (schedule, day);
  schedule->refused = NOT_REFUSED;
  g_free (schedule->rotation.made);
  schedule->rotation.made = g_strdup (record->backup);
  save_schedule (self, record->vps, schedule, NULL);
  if (!vb_operation_state_is_end (record->state))
    vb_manager_audit_schedule (self, "backup.create", record->vps, record->id);
}

typedef struct
{
  char *vps;
  char *day;
} Asked;

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbManager *self = VB_MANAGER (source);
  g_autofree Asked *asked = user_data;
  g_autofree char *uuid = asked->vps;
  g_autofree char *day = asked->day;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbOperationRecord) record = vb_manager_create_finish (self, result, NULL, &error);
  VbVps *vps = vb_manager_get_vps (self, uuid);
  Schedule *schedule = g_hash_table_lookup (self->schedules, uuid);

  if (schedule == NULL || vps == NULL)
    return;
  schedule->asking = FALSE;
  if (record != NULL)
    took (self, vps, schedule, day, record);
  else if (may_pass (vb_error_code_of (error)))
    schedule->refused = (int) vb_error_code_of (error);
  else
    skip (self, vps, schedule, day, vb_error_code_of (error));
  /* What may pass is tried again with the timer, all else shows at once. */
  if (schedule->refused == NOT_REFUSED)
    vb_manager_touch_schedule (self, vps);
}

static void
ask (VbManager *self, VbVps *vps, Schedule *schedule, const char *day)
{
  g_autofree char *key = g_strdup_printf (VB_SCHEDULE_SUBJECT " %s", day);
  Asked *asked = g_new0 (Asked, 1);
  asked->vps = g_strdup (vb_vps_get_uuid (vps));
  asked->day = g_strdup (day);
  schedule->asking = TRUE;
  vb_manager_create_scheduled_async (self, asked->vps, key, answered, asked);
}

static void
check_due (VbManager *self, VbVps *vps, Schedule *schedule, const GDate *due, GDateTime *now)
{
  const VbSchedule *plan = vb_vps_get_schedule (vps);
  g_autofree char *day = day_to_text (due);
  g_autoptr (GDateTime) run = vb_schedule_get_run (plan, vb_vps_get_uuid (vps), due);

  if (schedule->asking || strcmp (day, schedule->day) <= 0 || run == NULL)
    return;
  if (g_date_time_difference (now, run) > MISSED_AFTER)
    {
      skip (self, vps, schedule, day,
            schedule->refused != NOT_REFUSED ? (VbError) schedule->refused : VB_ERROR_INTERRUPTED);
      return;
    }
  VbCanCreate can = vb_vps_can_create_scheduled (vps);
  if (can != VB_CAN_CREATE && may_pass (vb_can_create_error (can)))
    schedule->refused = (int) vb_can_create_error (can);
  else
    ask (self, vps, schedule, day);
}

/* --- looking at one VPS --- */

static GDateTime *
find_next_run (VbVps *vps, const Schedule *schedule, const GDate *due)
{
  GDate day = *due;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *text = day_to_text (&day);
      if (strcmp (text, schedule->day) > 0)
        return vb_schedule_get_run (vb_vps_get_schedule (vps), vb_vps_get_uuid (vps), &day);
      g_date_add_days (&day, 1);
    }
  return NULL;
}

/* A schedule counts from when it is first seen, or seen with another time: nothing is made up
 * for. */
static Schedule *
follow (VbManager *self, VbVps *vps, const GDate *due)
{
  const char *uuid = vb_vps_get_uuid (vps);
  const char *timing = vb_schedule_get_timing (vb_vps_get_schedule (vps));
  g_autofree char *day = day_to_text (due);
  Schedule *schedule = g_hash_table_lookup (self->schedules, uuid);
  GDate latest = *due;

  g_date_add_days (&latest, 2);
  g_autofree char *limit = day_to_text (&latest);
  if (schedule == NULL)
    schedule = add_schedule (self, uuid, timing, day);
  else if (!g_str_equal (schedule->timing, timing))
    {
      g_free (schedule->timing);
      schedule->timing = g_strdup (timing);
      schedule->refused = NOT_REFUSED;
      if (strcmp (day, schedule->day) > 0)
        set_day (schedule, day);
    }
  /* The clock was far ahead once. */
  else if (strcmp (schedule->day, limit) > 0)
    set_day (schedule, day);
  else
    return schedule;
  save_schedule (self, uuid, schedule, NULL);
  return schedule;
}

gboolean
vb_manager_check_schedule (VbManager *self, VbVps *vps)
{
  const VbSchedule *plan = vb_vps_get_schedule (vps);
  Schedule *schedule = g_hash_table_lookup (self->schedules, vb_vps_get_uuid (vps));

  g_autoptr (GDateTime) next = NULL;
  if (self->schedule_timer == 0 || (plan == NULL && schedule == NULL))
    return FALSE;
  if (plan == NULL)
    vb_manager_forget_schedule (self, vb_vps_get_uuid (vps));
  else
    {
      GDate due;
      g_autoptr (GDateTime) now = self->clock ();
      vb_schedule_get_due_day (plan, vb_vps_get_uuid (vps), now, &due);
      schedule = follow (self, vps, &due);
      check_due (self, vps, schedule, &due, now);
      next = find_next_run (vps, schedule, &due);
    }
  gboolean rotated = vb_manager_rotate (self, vps, &schedule->rotation);
  return vb_vps_set_next_run (vps, next) || rotated;
}

void
vb_manager_forget_schedule (VbManager *self, const char *vps)
{
  Schedule *schedule = g_hash_table_lookup (self->schedules, vps);
  if (schedule == NULL || *schedule->timing == '\0')
    return;
  g_free (schedule->timing);
  schedule->timing = g_strdup ("");
  save_schedule (self, vps, schedule, NULL);
}

/* --- looking at all of them --- */

static void
check_and_announce (VbManager *self, const char *uuid)
{
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  if (vps != NULL && vb_manager_check_schedule (self, vps))
    vb_manager_emit_changed (self, vps);
}

static gboolean
check_all (gpointer data)
{
  VbManager *self = data;
  g_autofree gpointer *uuids = g_hash_table_get_keys_as_array (self->schedules, NULL);
  /* Emitting may change the table; its keys live as long as their VPS is in it, and none is ever
   * taken out. */
  for (guint i = 0; uuids[i] != NULL; i++)
    check_and_announce (self, uuids[i]);
  return G_SOURCE_CONTINUE;
}

static gboolean
check_touched (gpointer data)
{
  VbManager *self = data;
  g_autoptr (GHashTable) touched = self->schedules_due;
  GHashTableIter iter;
  gpointer uuid;

  self->schedule_idle = 0;
  self->schedules_due = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, touched);
  while (g_hash_table_iter_next (&iter, &uuid, NULL))
    check_and_announce (self, uuid);
  return G_SOURCE_REMOVE;
}

/* Not at once: who hears of a change now must not hear of the next one first. */
void
vb_manager_touch_schedule (VbManager *self, VbVps *vps)
{
  const char *uuid = vb_vps_get_uuid (vps);
  if (self->schedule_timer == 0
      || (vb_vps_get_schedule (vps) == NULL && !g_hash_table_contains (self->schedules, uuid)))
    return;
  g_hash_table_add (self->schedules_due, g_strdup (uuid));
  if (self->schedule_idle == 0)
    self->schedule_idle = g_idle_add_full (G_PRIORITY_DEFAULT, check_touched, self, NULL);
}

void
vb_manager_init_schedules (VbManager *self)
{
  self->schedules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, schedule_free);
  self->schedules_due = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->schedule_worker = vb_worker_new (1);
  self->clock = g_date_time_new_now_utc;
}

void
vb_manager_watch_schedules (VbManager *self, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++)
    {
      const VbScheduleRecord *record = g_ptr_array_index (records, i);
      Schedule *schedule = add_schedule (self, record->vps, record->timing, record->day);
      schedule->rotation.made = g_strdup (record->made);
    }
  self->schedule_timer = g_timeout_add_seconds (CHECK_PERIOD_S, check_all, self);
}

void
vb_manager_unwatch_schedules (VbManager *self)
{
  if (self->schedule_timer != 0)
    g_source_remove (self->schedule_timer);
  self->schedule_timer = 0;
  if (self->schedule_idle != 0)
    g_source_remove (self->schedule_idle);
  self->schedule_idle = 0;
}

/* --- setting one --- */

static void
set_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  VbManager *self = source;
  VbRequest *request = data;
  GError *error = NULL;
  if (vb_hypervisor_set_schedule (self->hypervisor, request->vps, request->schedule, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
set_done (VbManager *self, GTask *task)
{
  const VbRequest *request = vb_request_of (task);
  VbVps *vps = g_hash_table_lookup (self->vps, request->vps);
  if (vps == NULL || vb_schedule_equal (vb_vps_get_schedule (vps), request->schedule))
    return;
  vb_log_info (request->vps, NULL, NULL, "schedule set to %s",
               request->schedule ? vb_schedule_get_timing (request->schedule) : "none");
  vb_vps_set_schedule (vps, request->schedule);
  vb_manager_check_schedule (self, vps);
  vb_manager_emit_changed (self, vps);
}

static void
set_inside (VbManager *self, GTask *task)
{
  GError *error = NULL;
  if (vb_manager_require_vps (self, vb_request_of (task)->vps, &error) != NULL
      && vb_request_require_hypervisor (self, &error))
    vb_request_work (self, task);
  else
    vb_request_leave (self, task, error);
}

void
vb_manager_set_schedule_async (VbManager *self,
                               const char *vps,
                               VbSchedule *schedule,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task
      = vb_request_new (self, vb_manager_set_schedule_async, vps, NULL, callback, user_data);
  vb_request_of (task)->schedule = schedule ? vb_schedule_ref (schedule) : NULL;
  vb_request_of (task)->func = set_in_thread;
  vb_request_of (task)->worker = self->hypervisor_worker;
  vb_request_of (task)->done = set_done;
  vb_request_enter (self, task, VB_VPS_LOCK_NEEDS_NOTHING, set_inside);
}

VbVps *
vb_manager_set_schedule_finish (VbManager *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return vb_manager_require_vps (self, vb_request_of (G_TASK (result))->vps, error);
}
