/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever hangs behind the manager, the main context goes on: each method of each backend is held
 * in turn while everything that the manager does is under way. */
#include "manager-lab.h"
#include "core/manager/vb-manager-private.h"

#define OLD "0c0c0c0c-1111-4222-8333-000000000001"
#define LEFT "0d0d0d0d-1111-4222-8333-444444444444"
#define TORN "0e0e0e0e-1111-4222-8333-444444444444"
#define TICK_MS 20
#define N_TICKS 18 /* longer than the period of the progress reports */
/* Only a main context that stands still for all of it is called blocked. */
#define SILENCE_US (10 * G_USEC_PER_SEC)

typedef struct
{
  ManagerLab lab;
  VbFakeClaims *claims;
  gpointer fake;
  const char *method;
  guint n_answers;
  gint n_ticks;  /* atomic */
  gint blocked;  /* atomic */
  gint finished; /* atomic */
} Held;

typedef enum
{
  JOURNAL,
  POOL,
  HYPERVISOR,
  CLAIMS,
} Backend;

static const struct
{
  Backend backend;
  const char *method;
} methods[] = {
  { JOURNAL, "load_unended" },
  { JOURNAL, "load_backups" },
  { JOURNAL, "load_schedules" },
  { JOURNAL, "load_checks" },
  { JOURNAL, "load_revocations" },
  { JOURNAL, "save_operation" },
  { JOURNAL, "find_request" },
  { JOURNAL, "list_operations" },
  { JOURNAL, "list_notifications" },
  { JOURNAL, "mark_read" },
  { JOURNAL, "save_backups" },
  { JOURNAL, "save_schedule" },
  { JOURNAL, "save_check" },
  { JOURNAL, "save_revocation" },
  { JOURNAL, "add_audit" },
  { JOURNAL, "list_audit" },
  { POOL, "check" },
  { POOL, "list" },
  { POOL, "listed" },
  { POOL, "check_space" },
  { POOL, "check_stage" },
  { POOL, "capture" },
  { POOL, "commit" },
  { POOL, "discard" },
  { POOL, "remove" },
  { POOL, "rename" },
  { POOL, "protect" },
  { POOL, "verify" },
  { POOL, "stage" },
  { POOL, "recover_staging" },
  { POOL, "swap" },
  { POOL, "finish" },
  { HYPERVISOR, "get_info" },
  { HYPERVISOR, "list_disks" },
  { HYPERVISOR, "begin_capture" },
  { HYPERVISOR, "end_capture" },
  { HYPERVISOR, "resume_capture" },
  { HYPERVISOR, "power" },
  { HYPERVISOR, "power_off" },
  { HYPERVISOR, "power_restore" },
  { HYPERVISOR, "reset_checkpoints" },
  { HYPERVISOR, "check_restore" },
  { HYPERVISOR, "fit_definition" },
  { HYPERVISOR, "settle_definition" },
  { HYPERVISOR, "delete_checkpoint" },
  { HYPERVISOR, "abort_orphan_capture" },
  { HYPERVISOR, "set_slots" },
  { HYPERVISOR, "set_schedule" },
  { CLAIMS, "take" },
  { CLAIMS, "confirm" },
  { CLAIMS, "give_back" },
};

/* --- what goes on --- */

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Held *f = data;
  f->n_answers++;
}

static void
add_backup (Held *f, const char *id, const char *vps)
{
  VbBackupInfo *info = vb_backup_info_new (id, vps);
  info->name = g_strdup ("nightly");
  info->created_at = g_date_time_new_from_iso8601 ("2020-02-01T00:00:00Z", NULL);
  info->completed_at = g_date_time_ref (info->created_at);
  vb_fake_pool_add (f->lab.pool, info);
}

/* What a service that died has left: a capture that can go on, and a restore in its swap. */
static void
leave_operations (Held *f)
{
  g_autoptr (VbOperationRecord) create
      = manager_lab_make_record (VB_OPERATION_CREATE, VB_OPERATION_COPYING);
  g_free (create->vps);
  create->vps = g_strdup (LEFT);
  create->details = g_strdup ("running crash");
  vb_fake_journal_add (f->lab.journal, create);

  g_autoptr (VbOperationRecord) restore
      = manager_lab_make_record (VB_OPERATION_RESTORE, VB_OPERATION_FINISHING);
  g_free (restore->vps);
  restore->vps = g_strdup (TORN);
  restore->swapping = TRUE;
  vb_fake_journal_add (f->lab.journal, restore);
}

static void
ask_everything (Held *f)
{
  VbManager *manager = f->lab.manager;
  const char *const all[] = { VPS, OTHER, NULL };
  g_autoptr (VbSchedule) daily = vb_schedule_new_daily ("03:00", 0, 1, NULL, NULL);
  g_autoptr (VbAuditEntry) entry = vb_audit_entry_new ();

  entry->subject = g_strdup ("tester");
  entry->address = g_strdup ("local");
  entry->method = g_strdup ("backup.create");
  entry->outcome = g_strdup ("ok");
  vb_manager_create_async (manager, "tester", VPS, NULL, "key", answered, f);
  vb_manager_restore_async (manager, "tester", OTHER, &(VbRestoreRequest){ .backup = OLD },
                            answered, f);
  vb_manager_set_schedule_async (manager, LEFT, VB_SCHEDULE_FIRST, daily, TRUE, answered, f);
  vb_manager_list_operations_async (manager, VPS, 10, answered, f);
  vb_manager_list_notifications_async (manager, all, "tester", 0, 10, answered, f);
  vb_manager_mark_read_async (manager, "tester", 1, answered, f);
  vb_manager_audit_async (manager, entry, answered, f);
  vb_manager_list_audit_async (manager, NULL, FALSE, 0, 10, answered, f);
  vb_manager_revoke_async (manager, "someone", NULL, 0, answered, f);
}

static void
ask_about_the_old (Held *f)
{
  VbManager *manager = f->lab.manager;

  vb_manager_verify_async (manager, OTHER, OLD, NULL, answered, f);
  vb_manager_rename_async (manager, OTHER, OLD, "other", answered, f);
  vb_manager_protect_async (manager, OTHER, OLD, TRUE, answered, f);
  vb_manager_protect_async (manager, OTHER, OLD, FALSE, answered, f);
  vb_manager_set_slots_async (manager, OTHER, 4, answered, f);
  vb_manager_power_async (manager, OTHER, VB_POWER_ACTION_RESTART, TRUE, answered, f);
  vb_manager_delete_async (manager, OTHER, OLD, answered, f);
}

/* --- the clock, and who watches it --- */

static gboolean
tick (gpointer data)
{
  Held *f = data;
  g_autoptr (GPtrArray) all = f->lab.manager ? vb_manager_list_vps (f->lab.manager) : NULL;
  g_atomic_int_inc (&f->n_ticks);
  return G_SOURCE_CONTINUE;
}

static gpointer
watch (gpointer data)
{
  Held *f = data;
  gint seen = -1;
  gint64 since_us = 0;

  while (!g_atomic_int_get (&f->finished))
    {
      gint now = g_atomic_int_get (&f->n_ticks);
      if (now != seen)
        since_us = g_get_monotonic_time ();
      seen = now;
      if (g_get_monotonic_time () - since_us > SILENCE_US)
        {
          g_atomic_int_set (&f->blocked, TRUE);
          vb_fake_release (f->fake, f->method);
        }
      g_usleep (TICK_MS * 1000);
    }
  return NULL;
}

static void
let_tick (Held *f)
{
  gint until = g_atomic_int_get (&f->n_ticks) + N_TICKS;
  while (g_atomic_int_get (&f->n_ticks) < until)
    g_main_context_iteration (NULL, TRUE);
}

/* --- one method --- */

static void
set_up (Held *f, Backend backend, const char *method)
{
  manager_lab_prepare (&f->lab, NULL);
  f->lab.max_concurrent = 8;
  f->lab.check_interval_s = 1;
  f->claims = vb_fake_claims_new ();
  vb_fake_pool_set_claims (f->lab.pool, f->claims);
  vb_fake_hypervisor_add (f->lab.hypervisor, LEFT, "left");
  vb_fake_hypervisor_add (f->lab.hypervisor, TORN, "torn");
  add_backup (f, OLD, OTHER);
  leave_operations (f);
  gpointer fakes[] = { f->lab.journal, f->lab.pool, f->lab.hypervisor, f->claims };
  f->fake = fakes[backend];
  f->method = method;
}

static gboolean
has_ended (gpointer data)
{
  Held *f = data;
  return g_hash_table_size (f->lab.manager->jobs) == 0;
}

static void
run_everything (Held *f)
{
  GAsyncResult *started = NULL;

  manager_lab_begin_start (&f->lab, &started);
  let_tick (f);
  if (started != NULL)
    {
      g_assert_true (vb_manager_start_finish (f->lab.manager, started, NULL));
      ask_everything (f);
      let_tick (f);
      ask_about_the_old (f);
      vb_manager_look_at_checks (f->lab.manager);
      let_tick (f);
    }
  /* What a panel shows is there all the time. */
  if (started != NULL)
    g_assert_nonnull (vb_manager_get_vps (f->lab.manager, VPS));
  g_assert_cmpuint (vb_fake_get_calls (f->fake, f->method), >, 0);
  vb_fake_release (f->fake, f->method);
  manager_lab_wait_result (&started);
  g_object_unref (started);
  vb_fake_wait_until (has_ended, f, "the end of all operations");
}

static void
test_held (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  Held held = { 0 };
  Held *f = &held;

  set_up (f, methods[i].backend, methods[i].method);
  vb_fake_hold (f->fake, f->method);
  guint timer = g_timeout_add (TICK_MS, tick, f);
  GThread *watcher = g_thread_new ("watch", watch, f);
  run_everything (f);
  g_atomic_int_set (&f->finished, TRUE);
  g_thread_join (watcher);
  g_source_remove (timer);
  manager_lab_tear_down (&f->lab, NULL);
  g_clear_object (&f->claims);
  g_assert_false (f->blocked);
}

int
main (int argc, char **argv)
{
  static const char *const backends[] = { "journal", "pool", "hypervisor", "claims" };

  g_test_init (&argc, &argv, NULL);
  /* What fails here has to: recovery warns of what a crash has left. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autofree char *path = g_strdup_printf ("/main-context/goes-on-while-held/%s/%s",
                                               backends[methods[i].backend], methods[i].method);
      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_held);
    }
  return g_test_run ();
}
