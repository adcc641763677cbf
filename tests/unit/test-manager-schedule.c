/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scheduled backups: one a day whatever happens, and what they replace. */
#include "manager-lab.h"

#include <string.h>

#include "core/manager/vb-schedule-state.h"

#define TIMING "03:30+0 UTC"

static GDateTime *now;

static GDateTime *
tell_time (void)
{
  return g_date_time_ref (now);
}

static void
set_now (const char *text)
{
  g_clear_pointer (&now, g_date_time_unref);
  now = g_date_time_new_from_iso8601 (text, NULL);
}

static void
on_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer data)
{
  VbSlots *slots = vb_vps_get_slots (vps);
  g_assert_cmpuint (vb_slots_get_used (slots), <=, vb_slots_get_total (slots));
}

static void
start (ManagerLab *f)
{
  manager_lab_start (f);
  g_signal_connect (f->manager, "vps-changed", G_CALLBACK (on_changed), NULL);
}

static void
say_schedule (ManagerLab *f, guint keep)
{
  g_autoptr (VbSchedule) schedule
      = keep > 0 ? vb_schedule_new_daily ("03:30", 0, keep, NULL, NULL) : NULL;
  g_autoptr (GPtrArray) schedules = vb_schedules_with (NULL, VB_SCHEDULE_FIRST, schedule);
  VbVpsInfo info = { (char *) VPS, (char *) "web", VB_POWER_RUNNING, -1, NULL, schedules };
  vb_fake_hypervisor_set (f->hypervisor, &info);
}

/* As virsh would set it. */
static void
set_up (ManagerLab *f, gconstpointer data)
{
  manager_lab_prepare (f, data);
  f->clock = tell_time;
  set_now ("2026-05-01T03:00:00Z");
  say_schedule (f, 2);
  start (f);
}

static gboolean
is_settled (gpointer data)
{
  ManagerLab *f = data;
  VbVps *vps = manager_lab_get_vps (f);
  GPtrArray *states = g_hash_table_lookup (f->manager->schedules, VPS);

  for (guint i = 0; states != NULL && i < states->len; i++)
    {
      const VbScheduleState *state = g_ptr_array_index (states, i);
      if (state->made != NULL || state->deleting)
        return FALSE;
    }
  return f->manager->schedule_idle == 0 && vb_vps_get_operation (vps) == NULL
         && vb_vps_locks_get_n (f->manager->locks) == 0;
}

/* The timer fires, and all comes to an end that follows from it. */
static void
tick (ManagerLab *f, const char *at)
{
  set_now (at);
  vb_manager_touch_schedules (f->manager, manager_lab_get_vps (f));
  do
    vb_fake_wait_until (is_settled, f, "the schedule to settle");
  while (g_main_context_iteration (NULL, FALSE));
}

static guint
count_skipped (ManagerLab *f)
{
  guint n = 0;
  for (guint i = 0; i < f->notifications->len; i++)
    n += (guint) g_str_equal (g_ptr_array_index (f->notifications, i), "schedule_skipped");
  return n;
}

static gboolean
is_skipped (gpointer data)
{
  gpointer *pair = data;
  return count_skipped (pair[0]) >= GPOINTER_TO_UINT (pair[1]);
}

static void
assert_skipped (ManagerLab *f, guint n, const char *reason)
{
  gpointer pair[] = { f, GUINT_TO_POINTER (n) };
  vb_fake_wait_until (is_skipped, pair, "a run to be skipped");
  g_assert_cmpuint (count_skipped (f), ==, n);
  g_autoptr (GPtrArray) stored
      = vb_journal_list_notifications (VB_JOURNAL (f->journal), NULL, "tester", 0, 100, NULL);
  const VbNotification *last = g_ptr_array_index (stored, stored->len - 1);
  g_assert_cmpint (last->type, ==, VB_NOTIFICATION_SCHEDULE_SKIPPED);
  g_assert_cmpstr (last->reason, ==, reason);
  g_assert_null (last->operation);
}

static guint
count_scheduled (ManagerLab *f)
{
  GPtrArray *backups = vb_vps_get_backups (manager_lab_get_vps (f));
  guint n = 0;
  for (guint i = 0; i < backups->len; i++)
    n += (guint) vb_backup_get_info (g_ptr_array_index (backups, i))->is_scheduled;
  return n;
}

static char *
dup_oldest (ManagerLab *f)
{
  GPtrArray *backups = vb_vps_get_backups (manager_lab_get_vps (f));
  return g_strdup (vb_backup_get_id (g_ptr_array_index (backups, backups->len - 1)));
}

static gboolean
has (ManagerLab *f, const char *backup)
{
  return vb_vps_find_backup (manager_lab_get_vps (f), backup) != NULL;
}

static void
protect (ManagerLab *f, const char *backup, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_protect_async (f->manager, VPS, backup, TRUE, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_autoptr (VbBackup) protected = vb_manager_protect_finish (f->manager, result, &error);
  if (expected_code < 0)
    g_assert_no_error (error);
  else
    g_assert_error (error, VB_ERROR, expected_code);
}

static void
assert_next_run (ManagerLab *f, const char *expected)
{
  GDateTime *next = vb_vps_get_next_run (manager_lab_get_vps (f), NULL);
  g_autofree char *text = next ? g_date_time_format_iso8601 (next) : NULL;
  g_assert_cmpstr (text, ==, expected);
}

static void
test_one_a_day (ManagerLab *f, gconstpointer data)
{
  assert_next_run (f, "2026-05-01T03:30:00Z");
  tick (f, "2026-05-01T03:29:59Z");
  g_assert_cmpuint (count_scheduled (f), ==, 0);
  tick (f, "2026-05-01T03:30:10Z");
  g_assert_cmpuint (count_scheduled (f), ==, 1);
  manager_lab_assert_notified (f, 1, "backup_completed");
  assert_next_run (f, "2026-05-02T03:30:00Z");
  tick (f, "2026-05-01T03:30:30Z");
  tick (f, "2026-05-01T23:59:59Z");
  /* The clock is set back, and comes to the same time again. */
  tick (f, "2026-05-01T01:00:00Z");
  assert_next_run (f, "2026-05-02T03:30:00Z");
  tick (f, "2026-05-01T03:30:10Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 1);
  tick (f, "2026-05-02T04:00:00Z");
  g_assert_cmpuint (count_scheduled (f), ==, 2);
  g_assert_cmpuint (count_skipped (f), ==, 0);
}

/* Two slots, two kept: the new one is there before the oldest goes, and never are more than two
 * slots used. */
static void
test_rotation (ManagerLab *f, gconstpointer data)
{
  tick (f, "2026-05-01T03:30:10Z");
  g_autofree char *first = dup_oldest (f);
  tick (f, "2026-05-02T03:30:10Z");
  g_assert_cmpint (vb_vps_can_create (manager_lab_get_vps (f)), ==, VB_CANNOT_SLOTS_FULL);

  vb_fake_pool_allow (f->pool, 0);
  set_now ("2026-05-03T03:30:10Z");
  vb_manager_touch_schedules (f->manager, manager_lab_get_vps (f));
  vb_fake_wait_calls (f->pool, "capture", 3);
  g_assert_cmpuint (vb_vps_get_backups (manager_lab_get_vps (f))->len, ==, 3);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 2);
  g_assert_cmpint (vb_vps_can_create (manager_lab_get_vps (f)), ==, VB_CANNOT_OPERATION_RUNNING);
  vb_fake_hold (f->pool, "remove");
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  vb_fake_wait_calls (f->pool, "remove", 1);

  /* Available, and the oldest is still there: no room for anybody in between. */
  g_assert_null (vb_vps_get_operation (manager_lab_get_vps (f)));
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 3);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
  g_assert_cmpint (vb_vps_can_create (manager_lab_get_vps (f)), ==, VB_CANNOT_SLOTS_FULL);
  vb_fake_release (f->pool, "remove");
  vb_fake_wait_until (is_settled, f, "the rotation");
  g_assert_false (has (f, first));
  g_assert_cmpuint (count_scheduled (f), ==, 2);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 2);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
}

static void
test_failure_replaces_nothing (ManagerLab *f, gconstpointer data)
{
  tick (f, "2026-05-01T03:30:10Z");
  tick (f, "2026-05-02T03:30:10Z");
  g_autofree char *first = dup_oldest (f);
  vb_fake_fail (f->pool, "commit", VB_ERROR_INTERNAL);
  tick (f, "2026-05-03T03:30:10Z");
  manager_lab_assert_notified (f, 3, "backup_failed");
  tick (f, "2026-05-03T05:30:10Z");
  g_assert_true (has (f, first));
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 2);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 3);
}

static void
test_full_with_nothing_to_replace (ManagerLab *f, gconstpointer data)
{
  g_autofree char *manual = manager_lab_make_backup (f);
  tick (f, "2026-05-01T03:30:10Z");
  g_autofree char *scheduled = g_strdup (
      vb_backup_get_id (g_ptr_array_index (vb_vps_get_backups (manager_lab_get_vps (f)), 0)));
  protect (f, scheduled, -1);
  tick (f, "2026-05-02T03:30:10Z");
  assert_skipped (f, 1, "slots_full");
  tick (f, "2026-05-02T03:31:10Z");
  assert_next_run (f, "2026-05-03T03:30:00Z");
  assert_skipped (f, 1, "slots_full");
  g_assert_true (has (f, manual) && has (f, scheduled));
  tick (f, "2026-05-03T03:30:10Z");
  assert_skipped (f, 2, "slots_full");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "remove"), ==, 0);
}

/* A backup that somebody has made is never replaced, also when that leaves fewer scheduled ones
 * than are to be kept. */
static void
test_manual_ones_stay (ManagerLab *f, gconstpointer data)
{
  g_autofree char *manual = manager_lab_make_backup (f);
  tick (f, "2026-05-01T03:30:10Z");
  tick (f, "2026-05-02T03:30:10Z");
  tick (f, "2026-05-03T03:30:10Z");
  g_assert_true (has (f, manual));
  g_assert_cmpuint (count_scheduled (f), ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "remove"), ==, 2);
  g_assert_cmpuint (count_skipped (f), ==, 0);
}

/* Whoever protects what is to make room would get a slot for nothing. */
static void
test_protecting_what_is_to_make_room (ManagerLab *f, gconstpointer data)
{
  tick (f, "2026-05-01T03:30:10Z");
  tick (f, "2026-05-02T03:30:10Z");
  g_autofree char *oldest = dup_oldest (f);
  vb_fake_pool_allow (f->pool, 0);
  set_now ("2026-05-03T03:30:10Z");
  vb_manager_touch_schedules (f->manager, manager_lab_get_vps (f));
  vb_fake_wait_calls (f->pool, "capture", 3);
  GPtrArray *backups = vb_vps_get_backups (manager_lab_get_vps (f));
  g_autofree char *middle = g_strdup (vb_backup_get_id (g_ptr_array_index (backups, 1)));
  protect (f, middle, -1);
  protect (f, oldest, VB_ERROR_SLOTS_FULL);
  /* Turned off meanwhile: what has begun still needs its place, and nothing else goes. */
  say_schedule (f, 0);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  vb_fake_wait_until (is_settled, f, "the rotation");
  g_assert_true (has (f, middle));
  g_assert_false (has (f, oldest));
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
  assert_next_run (f, NULL);
}

static void
test_waits_for_what_is_in_the_way (ManagerLab *f, gconstpointer data)
{
  vb_fake_pool_allow (f->pool, 0);
  g_autofree char *manual = manager_lab_create (f, VPS, NULL, -1);
  vb_fake_wait_calls (f->pool, "capture", 1);
  set_now ("2026-05-01T03:31:00Z");
  vb_manager_touch_schedules (f->manager, manager_lab_get_vps (f));
  while (f->manager->schedule_idle != 0)
    g_main_context_iteration (NULL, FALSE);
  assert_next_run (f, "2026-05-01T03:30:00Z");
  g_assert_cmpuint (count_scheduled (f), ==, 0);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  manager_lab_wait_idle (f);
  tick (f, "2026-05-01T03:31:20Z");
  g_assert_cmpuint (count_scheduled (f), ==, 1);
  g_assert_cmpuint (count_skipped (f), ==, 0);

  vb_fake_hypervisor_set_available (f->hypervisor, FALSE);
  tick (f, "2026-05-02T15:30:00Z");
  g_assert_cmpuint (count_skipped (f), ==, 0);
  tick (f, "2026-05-02T15:30:01Z");
  assert_skipped (f, 1, "hypervisor_unavailable");
  assert_next_run (f, "2026-05-03T03:30:00Z");
}

static void
remember (ManagerLab *f, const char *day, const char *made)
{
  g_autoptr (VbScheduleRecord) record
      = vb_schedule_record_new (VPS, VB_SCHEDULE_FIRST, TIMING, day, made);
  vb_fake_journal_set_schedule (f->journal, record);
}

static void
restart (ManagerLab *f, const char *at)
{
  manager_lab_stop (f);
  set_now (at);
  start (f);
  tick (f, at);
}

static void
test_restart_does_not_run_twice (ManagerLab *f, gconstpointer data)
{
  tick (f, "2026-05-01T03:30:10Z");
  restart (f, "2026-05-01T03:31:00Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 1);
  assert_next_run (f, "2026-05-02T03:30:00Z");

  /* The service died before it had noted the day. */
  manager_lab_stop (f);
  remember (f, "2026-04-30", NULL);
  start (f);
  tick (f, "2026-05-01T03:32:00Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 1);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 1);
  assert_next_run (f, "2026-05-02T03:30:00Z");
}

static void
test_missed (ManagerLab *f, gconstpointer data)
{
  manager_lab_stop (f);
  remember (f, "2026-04-28", NULL);
  set_now ("2026-05-01T15:29:00Z");
  start (f);
  tick (f, "2026-05-01T15:29:00Z");
  g_assert_cmpuint (count_scheduled (f), ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 1);

  restart (f, "2026-05-03T15:31:00Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 1);
  assert_skipped (f, 1, "interrupted");
  restart (f, "2026-05-03T15:32:00Z");
  assert_skipped (f, 1, "interrupted");
}

/* Killed when the new one was available and the oldest not yet gone. */
static void
test_rotation_goes_on_after_a_restart (ManagerLab *f, gconstpointer data)
{
  say_schedule (f, 3);
  tick (f, "2026-05-01T03:30:10Z");
  tick (f, "2026-05-02T03:30:10Z");
  g_autofree char *first = dup_oldest (f);
  vb_fake_pool_allow (f->pool, 0);
  set_now ("2026-05-03T03:30:10Z");
  vb_manager_touch_schedules (f->manager, manager_lab_get_vps (f));
  vb_fake_wait_calls (f->pool, "capture", 3);
  manager_lab_stop (f);
  vb_fake_pool_allow (f->pool, G_MAXUINT64);
  start (f);
  tick (f, "2026-05-03T03:30:20Z");
  g_assert_false (has (f, first));
  g_assert_cmpuint (count_scheduled (f), ==, 2);
  g_assert_cmpuint (manager_lab_get_slots_used (f), ==, 2);
  g_assert_cmpuint (vb_fake_pool_get_n_backups (f->pool), ==, 2);
}

static void
set_schedule (ManagerLab *f, const char *id, VbSchedule *schedule, GAsyncResult **result)
{
  vb_manager_set_schedule_async (f->manager, VPS, id, schedule, TRUE, manager_lab_keep_result,
                                 result);
}

static void
test_a_new_schedule_makes_up_for_nothing (ManagerLab *f, gconstpointer data)
{
  g_autoptr (VbSchedule) schedule = vb_schedule_new_daily ("09:00", 0, 1, "Europe/Berlin", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  say_schedule (f, 0);
  set_now ("2026-05-01T10:00:00Z");
  set_schedule (f, VB_SCHEDULE_FIRST, schedule, &result);
  manager_lab_wait_result (&result);
  g_assert_nonnull (vb_manager_set_schedule_finish (f->manager, result, &error));
  g_assert_no_error (error);
  assert_next_run (f, "2026-05-02T07:00:00Z");
  tick (f, "2026-05-01T10:01:00Z");
  g_assert_cmpuint (count_scheduled (f), ==, 0);

  /* Off and on again on a day that had its backup. */
  tick (f, "2026-05-02T07:00:10Z");
  g_assert_cmpuint (count_scheduled (f), ==, 1);
  say_schedule (f, 0);
  tick (f, "2026-05-02T07:01:00Z");
  assert_next_run (f, NULL);
  g_clear_object (&result);
  g_autoptr (VbSchedule) later = vb_schedule_new_daily ("22:00", 0, 1, NULL, NULL);
  set_schedule (f, VB_SCHEDULE_FIRST, later, &result);
  manager_lab_wait_result (&result);
  g_assert_nonnull (vb_manager_set_schedule_finish (f->manager, result, NULL));
  assert_next_run (f, "2026-05-03T22:00:00Z");
  tick (f, "2026-05-02T23:00:00Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 1);
}

static void
say_schedules (ManagerLab *f, const VbScheduleForm *forms, guint n)
{
  g_autoptr (GPtrArray) schedules = NULL;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (VbSchedule) one = vb_schedule_new (&forms[i], &error);
      g_assert_no_error (error);
      g_autoptr (GPtrArray) before = g_steal_pointer (&schedules);
      schedules = vb_schedules_with (before, vb_schedule_get_id (one), one);
    }
  VbVpsInfo info = { (char *) VPS, (char *) "web", VB_POWER_RUNNING, 4, NULL, schedules };
  vb_fake_hypervisor_set (f->hypervisor, &info);
}

static guint
count_of (ManagerLab *f, const char *schedule)
{
  GPtrArray *backups = vb_vps_get_backups (manager_lab_get_vps (f));
  guint n = 0;
  for (guint i = 0; i < backups->len; i++)
    n += g_strcmp0 (
             vb_backup_info_get_schedule (vb_backup_get_info (g_ptr_array_index (backups, i))),
             schedule)
         == 0;
  return n;
}

static void
assert_next_run_of (ManagerLab *f, const char *schedule, const char *expected)
{
  GDateTime *next = vb_vps_get_next_run (manager_lab_get_vps (f), schedule);
  g_autofree char *text = next ? g_date_time_format_iso8601 (next) : NULL;
  g_assert_cmpstr (text, ==, expected);
}

/* Each replaces only its own; of two that are due at once both are made, one after the other. */
static void
test_several (ManagerLab *f, gconstpointer data)
{
  const VbScheduleForm forms[] = {
    { .id = "default", .at = "03:30", .keep = 1 },
    { .id = "hours", .at = "03:30", .every_hours = 6, .keep = 2 },
    { .id = "mondays", .at = "05:00", .days = "mon", .keep = 1 },
  };
  say_schedules (f, forms, 3);
  tick (f, "2026-05-01T03:00:00Z");
  assert_next_run_of (f, "default", "2026-05-01T03:30:00Z");
  assert_next_run_of (f, "hours", "2026-05-01T03:30:00Z");
  assert_next_run_of (f, "mondays", "2026-05-04T05:00:00Z");
  /* 2026-05-04 is a Monday. */
  for (guint day = 1; day <= 4; day++)
    for (guint hour = 3; hour < 24; hour++)
      {
        g_autofree char *at = g_strdup_printf ("2026-05-%02uT%02u:45:00Z", day, hour);
        tick (f, at);
        tick (f, at);
        tick (f, at);
      }
  g_assert_cmpuint (count_of (f, "default"), ==, 1);
  g_assert_cmpuint (count_of (f, "hours"), ==, 2);
  g_assert_cmpuint (count_of (f, "mondays"), ==, 1);
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 4 + 16 + 1);
  g_assert_cmpuint (count_skipped (f), ==, 0);
  assert_next_run_of (f, "hours", "2026-05-05T03:30:00Z");
  assert_next_run (f, "2026-05-05T03:30:00Z");

  /* One goes: what it has made stays, and nobody else counts it. */
  say_schedules (f, forms, 2);
  tick (f, "2026-05-05T03:45:00Z");
  tick (f, "2026-05-05T03:45:30Z");
  assert_next_run_of (f, "mondays", NULL);
  g_assert_cmpuint (count_of (f, "mondays"), ==, 1);
  g_assert_cmpuint (count_of (f, "default"), ==, 1);
  g_assert_null (vb_schedule_state_find (f->manager, VPS, "mondays"));
}

static void
test_several_do_not_run_twice (ManagerLab *f, gconstpointer data)
{
  const VbScheduleForm forms[] = {
    { .id = "hours", .at = "00:30", .every_hours = 1, .keep = 2 },
    { .id = "late", .at = "03:30", .keep = 2 },
  };
  say_schedules (f, forms, 2);
  tick (f, "2026-05-01T03:00:00Z");
  tick (f, "2026-05-01T03:31:00Z");
  tick (f, "2026-05-01T03:31:10Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 2);
  restart (f, "2026-05-01T03:32:00Z");
  g_assert_cmpuint (vb_fake_get_calls (f->pool, "capture"), ==, 2);
  assert_next_run_of (f, "hours", "2026-05-01T04:30:00Z");
  assert_next_run_of (f, "late", "2026-05-02T03:30:00Z");
  /* Which schedule made a backup is known after a restart. */
  g_assert_cmpuint (count_of (f, "hours"), ==, 1);
  g_assert_cmpuint (count_of (f, "late"), ==, 1);
  /* Off for half a day: one is made for all the hours. */
  restart (f, "2026-05-01T12:00:00Z");
  g_assert_cmpuint (count_of (f, "hours"), ==, 2);
  assert_next_run_of (f, "hours", "2026-05-01T12:30:00Z");
}

static void
set_and_wait (ManagerLab *f, const VbScheduleForm *form, const char *id, int expected_code)
{
  g_autoptr (VbSchedule) schedule = form != NULL ? vb_schedule_new (form, NULL) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  set_schedule (f, id, schedule, &result);
  manager_lab_wait_result (&result);
  vb_manager_set_schedule_finish (f->manager, result, &error);
  if (expected_code < 0)
    g_assert_no_error (error);
  else
    g_assert_error (error, VB_ERROR, expected_code);
  if (expected_code == VB_ERROR_INVALID_ARGUMENT)
    g_assert_nonnull (strstr (error->message, "needs 3 backup slots, and this VPS has 2"));
}

static void
test_what_slots_cannot_hold (ManagerLab *f, gconstpointer data)
{
  const VbScheduleForm one = { .id = "one", .at = "04:00", .keep = 1 };
  const VbScheduleForm two = { .id = "two", .at = "05:00", .keep = 1 };
  const VbScheduleForm daily = { .id = "two", .at = "05:00", .keep = 1, .keep_daily = 2 };

  say_schedule (f, 0);
  set_and_wait (f, &one, "one", -1);
  set_and_wait (f, &two, "two", -1);
  set_and_wait (f, &daily, "two", VB_ERROR_INVALID_ARGUMENT);
  set_and_wait (f, NULL, "three", VB_ERROR_NOT_FOUND);
  g_assert_cmpuint (vb_vps_get_schedules (manager_lab_get_vps (f))->len, ==, 2);
  set_and_wait (f, NULL, "one", -1);
  set_and_wait (f, &daily, "two", -1);
  g_assert_cmpuint (vb_vps_get_schedules (manager_lab_get_vps (f))->len, ==, 1);
}

#define TEST(path, func) g_test_add (path, ManagerLab, NULL, set_up, func, manager_lab_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Runs that are skipped and operations that fail are logged as warnings. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
  TEST ("/manager-schedule/one-a-day", test_one_a_day);
  TEST ("/manager-schedule/rotation", test_rotation);
  TEST ("/manager-schedule/failure-replaces-nothing", test_failure_replaces_nothing);
  TEST ("/manager-schedule/full-with-nothing-to-replace", test_full_with_nothing_to_replace);
  TEST ("/manager-schedule/manual-ones-stay", test_manual_ones_stay);
  TEST ("/manager-schedule/protecting-what-is-to-make-room", test_protecting_what_is_to_make_room);
  TEST ("/manager-schedule/waits-for-what-is-in-the-way", test_waits_for_what_is_in_the_way);
  TEST ("/manager-schedule/restart-does-not-run-twice", test_restart_does_not_run_twice);
  TEST ("/manager-schedule/missed", test_missed);
  TEST ("/manager-schedule/rotation-goes-on-after-a-restart",
        test_rotation_goes_on_after_a_restart);
  TEST ("/manager-schedule/a-new-schedule-makes-up-for-nothing",
        test_a_new_schedule_makes_up_for_nothing);
  TEST ("/manager-schedule/several", test_several);
  TEST ("/manager-schedule/several-do-not-run-twice", test_several_do_not_run_twice);
  TEST ("/manager-schedule/what-slots-cannot-hold", test_what_slots_cannot_hold);
  return g_test_run ();
}
