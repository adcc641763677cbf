/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of an operation that is under way: its job changes it while others read it. */
#include "doubles.h"
#include "core/operations/vb-operation-worker-private.h"

#define VPS "0a0a0a0a-1111-4222-8333-444444444444"
#define N_CHANGES 20000

typedef struct
{
  VbFakeHypervisor *hypervisor;
  VbFakePool *pool;
  VbFakeJournal *journal;
  VbOperationWorker *worker;
  gint begun;    /* atomic */
  gint finished; /* atomic */
} Lab;

static void
apply (VbOperationWorker *job,
       const VbOperationRecord *record,
       const VbNotification *notification,
       gpointer user_data)
{
}

static void
set_up (Lab *lab, gconstpointer data)
{
  static const VbSettings settings = { .max_concurrent = 1 };
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  VbOperationRecord *record = vb_operation_record_new ();

  record->id = g_uuid_string_random ();
  record->vps = g_strdup (VPS);
  record->vps_name = g_strdup ("alpha");
  record->kind = VB_OPERATION_RESTORE;
  record->state = VB_OPERATION_COPYING;
  record->subject = g_strdup ("tester");
  record->backup = g_uuid_string_random ();
  record->backup_name = g_strdup ("nightly");
  record->started_at = g_date_time_new_now_utc ();
  lab->hypervisor = vb_fake_hypervisor_new ();
  lab->pool = vb_fake_pool_new ();
  lab->journal = vb_fake_journal_new ();
  lab->worker = vb_operation_worker_new (VB_HYPERVISOR (lab->hypervisor), VB_POOL (lab->pool),
                                         VB_JOURNAL (lab->journal), &settings, transfer, record,
                                         NULL, apply, NULL);
}

static void
tear_down (Lab *lab, gconstpointer data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  vb_operation_worker_unref (lab->worker);
  g_object_unref (lab->journal);
  g_object_unref (lab->pool);
  g_object_unref (lab->hypervisor);
}

/* --- each change waits for those who read --- */

typedef void (*Change) (VbOperationWorker *worker);

static void
change_details (VbOperationWorker *worker)
{
  vb_operation_worker_set_details (worker, g_strdup ("swapped"));
}

static void
change_was_power (VbOperationWorker *worker)
{
  vb_operation_worker_set_was_power (worker, VB_POWER_PAUSED);
}

static void
change_swapping (VbOperationWorker *worker)
{
  vb_operation_worker_set_swapping (worker, TRUE);
}

static const Change changes[] = { change_details, change_was_power, change_swapping };

static gpointer
change_all (gpointer data)
{
  Lab *lab = data;

  g_atomic_int_set (&lab->begun, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    changes[i](lab->worker);
  return NULL;
}

static void
test_locked (Lab *lab, gconstpointer data)
{
  VbOperationRecord *record = vb_operation_worker_lock_record (lab->worker);
  GThread *thread = g_thread_new ("change", change_all, lab);

  while (!g_atomic_int_get (&lab->begun))
    g_thread_yield ();
  g_usleep (20 * 1000); /* it has the time to break the rule */
  g_assert_null (record->details);
  g_assert_null (record->was_power);
  g_assert_false (record->swapping);
  vb_operation_worker_unlock_record (lab->worker);
  g_thread_join (thread);

  g_autoptr (VbOperationRecord) now = vb_operation_worker_dup_record (lab->worker);
  g_assert_cmpstr (now->details, ==, "swapped");
  g_assert_cmpstr (now->was_power, ==, vb_power_to_string (VB_POWER_PAUSED));
  g_assert_true (now->swapping);
}

/* --- what is journalled meanwhile is whole --- */

static gpointer
change_often (gpointer data)
{
  Lab *lab = data;

  for (guint i = 0; i < N_CHANGES; i++)
    vb_operation_worker_set_details (lab->worker, g_strnfill (64, i % 2 == 0 ? 'a' : 'b'));
  g_atomic_int_set (&lab->finished, TRUE);
  return NULL;
}

static void
test_journalled_meanwhile (Lab *lab, gconstpointer data)
{
  g_autofree char *a = g_strnfill (64, 'a');
  g_autofree char *b = g_strnfill (64, 'b');
  GThread *thread = g_thread_new ("change", change_often, lab);
  gboolean stalled = FALSE;

  while (!g_atomic_int_get (&lab->finished))
    {
      g_autoptr (GPtrArray) all = NULL;
      stalled = !stalled;
      vb_operation_worker_save_stalled (lab->worker, stalled);
      vb_operation_worker_set_still (lab->worker, 1);
      all = vb_journal_list_operations (VB_JOURNAL (lab->journal), VPS, 1, NULL);
      const VbOperationRecord *record = g_ptr_array_index (all, 0);
      g_assert_true (record->details == NULL || g_str_equal (record->details, a)
                     || g_str_equal (record->details, b));
      g_assert_cmpint (record->stalled, ==, stalled);
    }
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/operation-worker/locked", Lab, NULL, set_up, test_locked, tear_down);
  g_test_add ("/operation-worker/journalled-meanwhile", Lab, NULL, set_up,
              test_journalled_meanwhile, tear_down);
  return g_test_run ();
}
