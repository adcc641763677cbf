/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backups that nobody asks for: what is known of the schedules, and when they are looked at. */
#include "vb-schedule-state.h"

#include "core/base/vb-log.h"

#define CHECK_PERIOD_S 20

typedef struct
{
  VbScheduleRecord *record;
  VbNotification *notification; /* (nullable) */
} Save;

/* --- what is kept of each VPS --- */

static void
state_free (gpointer data)
{
  VbScheduleState *state = data;
  g_free (state->id);
  g_free (state->timing);
  g_free (state->day);
  g_free (state->made);
  g_free (state);
}

static VbScheduleState *
add_state (VbManager *self, const char *vps, const char *id, const char *timing, const char *day)
{
  GPtrArray *states = g_hash_table_lookup (self->schedules, vps);
  VbScheduleState *state = g_new0 (VbScheduleState, 1);

  state->id = g_strdup (id);
  state->timing = g_strdup (timing);
  state->day = g_strdup (day);
  state->refused = VB_SCHEDULE_NOT_REFUSED;
  if (states == NULL)
    {
      states = g_ptr_array_new_with_free_func (state_free);
      g_hash_table_insert (self->schedules, g_strdup (vps), states);
    }
  g_ptr_array_add (states, state);
  return state;
}

VbScheduleState *
vb_schedule_state_find (VbManager *manager, const char *vps, const char *id)
{
  GPtrArray *states = g_hash_table_lookup (manager->schedules, vps);

  for (guint i = 0; states != NULL && i < states->len; i++)
    {
      VbScheduleState *state = g_ptr_array_index (states, i);
      if (g_str_equal (state->id, id))
        return state;
    }
  return NULL;
}

void
vb_schedule_state_set_day (VbScheduleState *self, const char *day)
{
  g_free (self->day);
  self->day = g_strdup (day);
}

/* --- noting it --- */

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
    vb_log_warning (save->record->vps, NULL, NULL, "Failed to record the run of the schedule: %s",
                    error->message);
  else if (save->notification != NULL)
    vb_manager_emit_notification (self, save->notification);
  vb_manager_check_stopped (self);
}

void
vb_schedule_state_save (VbManager *manager,
                        const char *vps,
                        const VbScheduleState *self,
                        VbNotification *notification)
{
  g_autoptr (GTask) task = g_task_new (manager, NULL, saved, NULL);
  Save *save = g_new0 (Save, 1);
  save->record = vb_schedule_record_new (vps, self->id, self->timing, self->day, self->made);
  save->notification = notification;
  g_task_set_task_data (task, save, save_free);
  manager->schedule_saves++;
  vb_worker_run (manager->schedule_worker, task, save_in_thread);
}

/* --- looking at one VPS --- */

/* A schedule counts from when it is first seen, or seen with another time: nothing is made up
 * for. */
static VbScheduleState *
follow (VbManager *self, VbVps *vps, const VbSchedule *schedule, GDateTime *now)
{
  const char *uuid = vb_vps_get_uuid (vps);
  const char *timing = vb_schedule_get_timing (schedule);
  VbScheduleState *state = vb_schedule_state_find (self, uuid, vb_schedule_get_id (schedule));
  gint64 due = vb_schedule_get_due (schedule, uuid, now);
  g_autofree char *day
      = due != VB_CALENDAR_NEVER ? vb_schedule_run_to_text (schedule, due) : g_strdup ("");
  g_autoptr (GDateTime) soon = g_date_time_add_days (now, 2);
  gint64 latest = vb_schedule_minute_of (schedule, soon);
  g_autofree char *limit = vb_schedule_run_to_text (schedule, latest);

  if (state == NULL)
    state = add_state (self, uuid, vb_schedule_get_id (schedule), timing, day);
  else if (!g_str_equal (state->timing, timing))
    {
      g_free (state->timing);
      state->timing = g_strdup (timing);
      state->refused = VB_SCHEDULE_NOT_REFUSED;
      if (g_strcmp0 (day, state->day) > 0)
        vb_schedule_state_set_day (state, day);
    }
  /* The clock was far ahead once. */
  else if (g_strcmp0 (state->day, limit) > 0)
    vb_schedule_state_set_day (state, day);
  else
    return state;
  vb_schedule_state_save (self, uuid, state, NULL);
  return state;
}

static void
forget (VbManager *self, const char *vps, VbScheduleState *state)
{
  if (*state->timing == '\0')
    return;
  g_free (state->timing);
  state->timing = g_strdup ("");
  vb_schedule_state_save (self, vps, state, NULL);
}

/* Of one that is gone only the first schedule's day is remembered: others can be many. */
static gboolean
is_over (const VbScheduleState *state)
{
  return *state->timing == '\0' && state->made == NULL && !state->asking && !state->deleting
         && !g_str_equal (state->id, VB_SCHEDULE_FIRST);
}

static gboolean
check_removed (VbManager *self, VbVps *vps, GPtrArray *schedules, GPtrArray *states)
{
  const char *uuid = vb_vps_get_uuid (vps);
  gboolean changed = FALSE;

  for (guint i = states->len; i > 0; i--)
    {
      VbScheduleState *state = g_ptr_array_index (states, i - 1);
      if (vb_schedules_find (schedules, state->id) != NULL)
        continue;
      forget (self, uuid, state);
      changed = vb_vps_set_next_run (vps, state->id, NULL) || changed;
      changed = vb_schedule_state_rotate (state, self, vps) || changed;
      if (is_over (state))
        g_ptr_array_remove_index (states, i - 1);
    }
  return changed;
}

gboolean
vb_manager_check_schedules (VbManager *self, VbVps *vps)
{
  GPtrArray *states = g_hash_table_lookup (self->schedules, vb_vps_get_uuid (vps));
  GPtrArray *schedules = vb_vps_get_schedules (vps);
  g_autoptr (GDateTime) now = self->clock ();
  gboolean changed = FALSE;

  if (self->schedule_timer == 0 || (schedules == NULL && states == NULL))
    return FALSE;
  if (states != NULL)
    changed = check_removed (self, vps, schedules, states);
  for (guint i = 0; schedules != NULL && i < schedules->len; i++)
    {
      const VbSchedule *schedule = g_ptr_array_index (schedules, i);
      VbScheduleState *state = follow (self, vps, schedule, now);
      changed = vb_schedule_state_check (state, self, vps, schedule, now) || changed;
      changed = vb_schedule_state_rotate (state, self, vps) || changed;
    }
  return changed;
}

void
vb_manager_forget_schedules (VbManager *self, const char *vps)
{
  GPtrArray *states = g_hash_table_lookup (self->schedules, vps);

  for (guint i = 0; states != NULL && i < states->len; i++)
    forget (self, vps, g_ptr_array_index (states, i));
}

/* --- looking at all of them --- */

static void
check_and_announce (VbManager *self, const char *uuid)
{
  VbVps *vps = g_hash_table_lookup (self->vps, uuid);
  if (vps != NULL && vb_manager_check_schedules (self, vps))
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
vb_manager_touch_schedules (VbManager *self, VbVps *vps)
{
  const char *uuid = vb_vps_get_uuid (vps);
  if (self->schedule_timer == 0
      || (vb_vps_get_schedules (vps) == NULL && !g_hash_table_contains (self->schedules, uuid)))
    return;
  g_hash_table_add (self->schedules_due, g_strdup (uuid));
  if (self->schedule_idle == 0)
    self->schedule_idle = g_idle_add_full (G_PRIORITY_DEFAULT, check_touched, self, NULL);
}

void
vb_manager_init_schedules (VbManager *self)
{
  self->schedules
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
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
      VbScheduleState *state
          = add_state (self, record->vps, record->id, record->timing, record->day);
      state->made = g_strdup (record->made);
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
