/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-lab.h"

#include "core/manager/vb-manager-private.h"

static void
on_changed (VbManager *manager, VbVps *vps, guint64 seq, gpointer data)
{
  ManagerLab *f = data;
  if (g_strcmp0 (vb_vps_get_uuid (vps), VPS) != 0)
    return;
  g_assert_cmpuint (seq, ==, f->seq + 1);
  f->seq = seq;
  VbOperation *operation = vb_vps_get_operation (vps);
  const char *state
      = operation ? vb_operation_state_to_string (vb_operation_get_state (operation)) : "-";
  g_ptr_array_add (f->states, g_strdup_printf ("%s/%s", state, vb_vps_get_status (vps)));
}

static void
on_progress (VbManager *manager, VbVps *vps, VbOperation *operation, guint64 seq, gpointer data)
{
  ManagerLab *f = data;
  if (g_strcmp0 (vb_vps_get_uuid (vps), VPS) != 0)
    return;
  g_assert_cmpuint (seq, ==, f->seq + 1);
  f->seq = seq;
  double percent = vb_progress_get_percent (vb_operation_get_progress (operation));
  if (g_strcmp0 (f->operation, vb_operation_get_id (operation)) != 0)
    {
      g_free (f->operation);
      f->operation = g_strdup (vb_operation_get_id (operation));
      f->percent = 0;
    }
  g_assert_cmpfloat (percent, >=, f->percent);
  g_assert_cmpint (percent == 100, ==,
                   vb_operation_get_state (operation) == VB_OPERATION_COMPLETED);
  f->percent = percent;
  if (f->first_percent < 0)
    f->first_percent = percent;
}

static void
on_notification (VbManager *manager, VbNotification *notification, gpointer data)
{
  ManagerLab *f = data;
  g_assert_cmpint (notification->id, >, 0);
  g_ptr_array_add (f->notifications,
                   g_strdup (vb_notification_type_to_string (notification->type)));
}

void
manager_lab_keep_result (GObject *source, GAsyncResult *result, gpointer kept)
{
  *(GAsyncResult **) kept = g_object_ref (result);
}

static gboolean
has_result (gpointer kept)
{
  return *(GAsyncResult **) kept != NULL;
}

void
manager_lab_wait_result (GAsyncResult **kept)
{
  vb_fake_wait_until (has_result, kept, "an answer");
}

void
manager_lab_prepare (ManagerLab *f, gconstpointer data)
{
  f->max_concurrent = 2;
  f->stall_timeout_s = 1800;
  f->states = g_ptr_array_new_with_free_func (g_free);
  f->notifications = g_ptr_array_new_with_free_func (g_free);
  f->hypervisor = vb_fake_hypervisor_new ();
  f->pool = vb_fake_pool_new ();
  f->journal = vb_fake_journal_new ();
  vb_fake_hypervisor_add (f->hypervisor, VPS, "web");
  vb_fake_hypervisor_add (f->hypervisor, OTHER, "db");
}

void
manager_lab_begin_start (ManagerLab *f, GAsyncResult **result)
{
  VbSettings settings = {
    .slots_included = 2,
    .slots_step = 1,
    .slots_maximum = 4,
    .max_concurrent = f->max_concurrent,
    .stall_timeout_s = f->stall_timeout_s,
    .check_interval_s = f->check_interval_s,
    .state_folder = f->state_folder,
  };

  f->seq = 0;
  f->first_percent = -1;
  f->manager = vb_manager_new (VB_HYPERVISOR (f->hypervisor), VB_POOL (f->pool),
                               VB_JOURNAL (f->journal), &settings);
  if (f->clock != NULL)
    f->manager->clock = f->clock;
  g_signal_connect (f->manager, "vps-changed", G_CALLBACK (on_changed), f);
  g_signal_connect (f->manager, "operation-progress", G_CALLBACK (on_progress), f);
  g_signal_connect (f->manager, "notification-added", G_CALLBACK (on_notification), f);
  vb_manager_start_async (f->manager, manager_lab_keep_result, result);
}

void
manager_lab_end_start (ManagerLab *f, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;
  manager_lab_wait_result (result);
  g_assert_true (vb_manager_start_finish (f->manager, *result, &error));
  g_assert_no_error (error);
}

void
manager_lab_start (ManagerLab *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  manager_lab_begin_start (f, &result);
  manager_lab_end_start (f, &result);
}

void
manager_lab_stop (ManagerLab *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  vb_manager_stop_async (f->manager, manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_assert_true (vb_manager_stop_finish (f->manager, result, NULL));
  g_clear_object (&result);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_signal_handlers_disconnect_by_data (f->manager,
                                        f); /* something may hold it for a moment still */
  g_clear_object (&f->manager);
}

void
manager_lab_set_up (ManagerLab *f, gconstpointer data)
{
  manager_lab_prepare (f, data);
  manager_lab_start (f);
}

void
manager_lab_tear_down (ManagerLab *f, gconstpointer data)
{
  manager_lab_stop (f);
  g_clear_object (&f->hypervisor);
  g_clear_object (&f->pool);
  g_clear_object (&f->journal);
  g_ptr_array_unref (f->states);
  g_ptr_array_unref (f->notifications);
  g_free (f->operation);
}

VbVps *
manager_lab_get_vps (ManagerLab *f)
{
  return vb_manager_get_vps (f->manager, VPS);
}

guint
manager_lab_get_slots_used (ManagerLab *f)
{
  return vb_slots_get_used (vb_vps_get_slots (manager_lab_get_vps (f)));
}

char *
manager_lab_create (ManagerLab *f, const char *vps, const char *request_key, int expected_code)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  vb_manager_create_async (f->manager, "tester", vps, "nightly", request_key,
                           manager_lab_keep_result, &result);
  manager_lab_wait_result (&result);
  g_autoptr (VbOperationRecord) record
      = vb_manager_create_finish (f->manager, result, NULL, &error);
  if (expected_code >= 0)
    {
      g_assert_error (error, VB_ERROR, expected_code);
      return NULL;
    }
  g_assert_no_error (error);
  return g_strdup (record->id);
}

char *
manager_lab_make_backup (ManagerLab *f)
{
  g_autofree char *id = manager_lab_create (f, VPS, NULL, -1);
  manager_lab_wait_idle (f);
  return g_strdup (
      vb_backup_get_id (g_ptr_array_index (vb_vps_get_backups (manager_lab_get_vps (f)), 0)));
}

VbOperationRecord *
manager_lab_make_record (VbOperationKind kind, VbOperationState state)
{
  VbOperationRecord *record = vb_operation_record_new ();
  record->id = g_uuid_string_random ();
  record->vps = g_strdup (VPS);
  record->vps_name = g_strdup ("web");
  record->kind = kind;
  record->state = state;
  record->backup = g_uuid_string_random ();
  record->backup_name = g_strdup ("before the crash");
  record->subject = g_strdup ("tester");
  record->was_power = kind == VB_OPERATION_RESTORE ? g_strdup ("running") : NULL;
  record->started_at = g_date_time_new_now_utc ();
  return record;
}

static gboolean
is_idle (gpointer lab)
{
  VbVps *vps = manager_lab_get_vps (lab);
  return vps == NULL || vb_vps_get_operation (vps) == NULL;
}

void
manager_lab_wait_idle (ManagerLab *f)
{
  vb_fake_wait_until (is_idle, f, "the end of the operation");
}

gboolean
manager_lab_has_stalled (gpointer lab)
{
  ManagerLab *f = lab;
  VbOperation *operation = vb_vps_get_operation (manager_lab_get_vps (f));
  return operation != NULL && vb_operation_is_stalled (operation) && f->notifications->len > 0;
}

void
manager_lab_assert_notified (ManagerLab *f, guint n, const char *last_type)
{
  g_assert_cmpuint (f->notifications->len, ==, n);
  g_assert_cmpstr (g_ptr_array_index (f->notifications, n - 1), ==, last_type);
}
