/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "core/base/vb-error.h"
#include "session/vb-events.h"
#include "protocol/vb-protocol-objects.h"
#include "protocol/vb-protocol-schedules.h"
#include "websocket/vb-ws-frame.h"

#define VPS "0b0a3a5e-1f6c-4f0e-9d7a-6e2a3a1c9f10"
#define BACKUP "11111111-1f6c-4f0e-9d7a-6e2a3a1c9f10"
#define OPERATION "22222222-1f6c-4f0e-9d7a-6e2a3a1c9f10"

/* @frame: (transfer full) */
static void
assert_frame (char *frame, const char *wanted)
{
  char *expected = vb_ws_frame_new_text (wanted);

  g_assert_cmpmem (frame, g_ref_string_length (frame), expected, g_ref_string_length (expected));
  g_ref_string_release (expected);
  g_ref_string_release (frame);
}

static void
assert_json (JsonObject *object, const char *wanted)
{
  assert_frame (vb_event_from_object (object), wanted);
}

/* 2023-11-14 22:13:20 UTC, told in another zone, with a fraction. */
static GDateTime *
make_time (void)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_offset (-5 * 3600);

  return g_date_time_new (zone, 2023, 11, 14, 17, 13, 20.75);
}

static VbBackupInfo *
make_info (void)
{
  VbBackupInfo *info = vb_backup_info_new (BACKUP, VPS);
  VbBackupDisk *disk = vb_backup_info_add_disk (info, "vda");

  disk->virtual_size_bytes = G_GUINT64_CONSTANT (10737418240);
  disk->size_bytes = 4096;
  g_free (info->name);
  info->name = g_strdup ("before \"it\"");
  info->created_at = make_time ();
  info->size_bytes = 4096;
  info->unique_bytes = -1;
  info->consistency = VB_CONSISTENCY_FILESYSTEM;
  return info;
}

static VbOperation *
make_operation (VbOperationKind kind, VbOperationState state)
{
  g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);
  VbOperationRecord *record = vb_operation_record_new ();

  record->id = g_strdup (OPERATION);
  record->vps = g_strdup (VPS);
  record->backup = g_strdup (BACKUP);
  record->kind = kind;
  record->state = state;
  record->started_at = make_time ();
  record->progress = 12.34;
  record->bytes_done = 1234;
  record->bytes_total = 10000;
  return vb_operation_new (record, transfer, 1800);
}

static void
test_backup_being_made (void)
{
  g_autoptr (VbOperation) operation = make_operation (VB_OPERATION_CREATE, VB_OPERATION_COPYING);
  g_autoptr (VbSlots) slots = vb_slots_new (2, 1, 10);
  g_autoptr (VbBackup) backup
      = vb_backup_new (make_info (), VB_BACKUP_CREATING, vb_slots_lease (slots));

  assert_json (vb_json_backup (backup, operation),
               "{\"id\":\"" BACKUP "\",\"name\":\"before \\\"it\\\"\",\"state\":\"creating\","
               "\"progress\":12.3,\"size_bytes\":null,\"created_at\":\"2023-11-14T22:13:20Z\","
               "\"completed_at\":null,\"consistency\":\"filesystem\",\"incremental\":false,"
               "\"protected\":false,\"scheduled\":false,\"verified_at\":null,\"damaged\":false,"
               "\"disks\":[{\"target\":\"vda\",\"virtual_size_bytes\":10737418240,"
               "\"size_bytes\":4096}]}");
}

static void
test_backup_that_is_there (void)
{
  g_autoptr (VbOperation) operation = make_operation (VB_OPERATION_RESTORE, VB_OPERATION_COPYING);
  g_autoptr (VbSlots) slots = vb_slots_new (2, 1, 10);
  VbBackupInfo *info = make_info ();
  g_autoptr (VbBackup) backup = NULL;

  info->completed_at = make_time ();
  info->unique_bytes = 17;
  info->incremental = TRUE;
  g_ptr_array_set_size (info->disks, 0);
  backup = vb_backup_new (info, VB_BACKUP_AVAILABLE, vb_slots_lease (slots));
  VbCheck check = { .at_us = G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC, .bad_chunks = 2 };
  g_assert_true (vb_backup_set_check (backup, &check));
  g_assert_false (vb_backup_set_check (backup, &check));
  assert_json (vb_json_backup (backup, operation),
               "{\"id\":\"" BACKUP "\",\"name\":\"before \\\"it\\\"\",\"state\":\"available\","
               "\"progress\":null,\"size_bytes\":4096,\"unique_bytes\":17,"
               "\"created_at\":\"2023-11-14T22:13:20Z\",\"completed_at\":\"2023-11-14T22:13:20Z\","
               "\"consistency\":\"filesystem\",\"incremental\":true,\"protected\":false,"
               "\"scheduled\":false,\"verified_at\":\"2023-11-14T22:13:20Z\",\"damaged\":true,"
               "\"disks\":[]}");
}

static void
test_operation (void)
{
  g_autoptr (VbOperation) operation = make_operation (VB_OPERATION_RESTORE, VB_OPERATION_QUEUED);

  assert_json (
      vb_json_operation (operation, FALSE),
      "{\"id\":\"" OPERATION "\",\"kind\":\"restore\",\"backup\":\"" BACKUP
      "\",\"state\":\"queued\",\"progress\":12.3,\"bytes_done\":1234,\"bytes_total\":10000,"
      "\"rate_bytes_per_s\":0,\"eta_s\":null,\"stalled\":false,"
      "\"started_at\":\"2023-11-14T22:13:20Z\",\"ended_at\":null,\"error\":null}");
}

static void
test_failed_operation (void)
{
  g_autoptr (VbOperation) operation = make_operation (VB_OPERATION_CREATE, VB_OPERATION_FAILED);
  g_autoptr (VbOperationRecord) record
      = vb_operation_record_copy (vb_operation_get_record (operation));
  g_autoptr (JsonObject) admin = NULL;
  g_autoptr (JsonObject) user = NULL;
  JsonObject *error;

  record->ended_at = make_time ();
  record->error_reason = g_strdup ("insufficient_space");
  record->error_message = g_strdup ("Writing /srv/backups/x: no space");
  admin = vb_json_operation_record (record, TRUE);
  user = vb_json_operation_record (record, FALSE);

  error = json_object_get_object_member (admin, "error");
  g_assert_cmpstr (json_object_get_string_member (error, "message"), ==, record->error_message);
  error = json_object_get_object_member (user, "error");
  g_assert_cmpstr (json_object_get_string_member (error, "reason"), ==, "insufficient_space");
  g_assert_cmpstr (json_object_get_string_member (error, "message"), ==,
                   vb_error_public_message (VB_ERROR_INSUFFICIENT_SPACE));
}

static void
test_errors (void)
{
  static const struct
  {
    GQuark (*domain) (void);
    int code;
    gboolean for_admin;
    const char *wanted;
  } cases[] = {
    { vb_error_quark, VB_ERROR_SLOTS_FULL, TRUE,
      "{\"code\":-32000,\"message\":\"/secret\",\"data\":{\"reason\":\"slots_full\"}}" },
    { vb_error_quark, VB_ERROR_INVALID_ARGUMENT, FALSE,
      "{\"code\":-32602,\"message\":\"/secret\"}" },
    { g_io_error_quark, G_IO_ERROR_NO_SPACE, TRUE,
      "{\"code\":-32000,\"message\":\"/secret\",\"data\":{\"reason\":\"insufficient_space\"}}" },
  };
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "/secret");
  g_autoptr (JsonObject) told = vb_json_error (error, FALSE);

  g_assert_cmpstr (json_object_get_string_member (told, "message"), ==,
                   vb_error_public_message (VB_ERROR_INTERNAL));
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) one = g_error_new_literal (cases[i].domain (), cases[i].code, "/secret");

      assert_json (vb_json_error (one, cases[i].for_admin), cases[i].wanted);
    }
}

static void
test_vps (void)
{
  g_autoptr (VbSlots) slots = vb_slots_new (2, 2, 10);
  g_autoptr (VbVps) vps = vb_vps_new (VPS, slots);
  VbVpsInfo info = {
    .uuid = (char *) VPS, .name = (char *) "mail", .power = VB_POWER_PAUSED, .slots_total = 5
  };

  vb_vps_set_info (vps, &info);
  vb_vps_set_availability (vps, TRUE, FALSE, TRUE);
  vb_vps_next_seq (vps);
  assert_json (vb_json_vps (vps, FALSE),
               "{\"vps\":\"" VPS "\",\"name\":\"mail\",\"power\":\"paused\",\"status\":\"paused\","
               "\"power_actions\":{\"start\":true,\"stop\":true,\"restart\":false},"
               "\"slots\":{\"used\":0,\"total\":5,\"included\":2,\"extra\":3,\"step\":2,"
               "\"maximum\":10,\"billable_steps\":2},"
               "\"can_create\":{\"allowed\":false,\"reason\":\"pool_unavailable\"},"
               "\"operation\":null,\"backups\":[],"
               "\"schedule\":null,\"next_run_at\":null,\"schedules\":[],\"undo\":null,\"seq\":1}");
}

static void
test_schedule (void)
{
  g_autoptr (VbSlots) slots = vb_slots_new (2, 2, 10);
  g_autoptr (VbVps) vps = vb_vps_new (VPS, slots);
  g_autoptr (VbSchedule) schedule = vb_schedule_new_daily ("03:30", 15, 2, "Europe/Berlin", NULL);
  g_autoptr (GDateTime) next_run = make_time ();
  JsonObject *object = json_object_new ();

  g_autoptr (GPtrArray) schedules = vb_schedules_with (NULL, VB_SCHEDULE_FIRST, schedule);
  vb_vps_set_schedules (vps, schedules);
  vb_vps_set_next_run (vps, VB_SCHEDULE_FIRST, next_run);
  vb_json_add_schedule (object, vps, vb_json_schedules_get_first (vps));
  assert_json (object, "{\"schedule\":{\"at\":\"03:30\",\"jitter_minutes\":15,\"keep\":2,\"zone\":"
                       "\"Europe/Berlin\"},"
                       "\"next_run_at\":\"2023-11-14T22:13:20Z\"}");
}

static void
test_notification_event (void)
{
  g_autoptr (VbNotification) notification = vb_notification_new ();

  notification->id = 7;
  notification->type = VB_NOTIFICATION_BACKUP_FAILED;
  notification->vps = g_strdup (VPS);
  notification->vps_name = g_strdup ("mail");
  notification->backup = g_strdup (BACKUP);
  notification->backup_name = g_strdup ("b");
  notification->operation = g_strdup (OPERATION);
  notification->reason = g_strdup ("internal");
  notification->created_at = make_time ();
  assert_frame (vb_event_notification_added (notification),
                "{\"jsonrpc\":\"2.0\",\"method\":\"notification.added\",\"params\":{\"id\":7,"
                "\"type\":\"backup_failed\",\"vps\":\"" VPS "\",\"vps_name\":\"mail\","
                "\"backup\":\"" BACKUP "\",\"backup_name\":\"b\",\"operation\":\"" OPERATION
                "\",\"reason\":\"internal\",\"created_at\":\"2023-11-14T22:13:20Z\","
                "\"read\":false}}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/backup-being-made", test_backup_being_made);
  g_test_add_func ("/json/backup-that-is-there", test_backup_that_is_there);
  g_test_add_func ("/json/operation", test_operation);
  g_test_add_func ("/json/failed-operation", test_failed_operation);
  g_test_add_func ("/json/errors", test_errors);
  g_test_add_func ("/json/vps", test_vps);
  g_test_add_func ("/json/schedule", test_schedule);
  g_test_add_func ("/json/notification-event", test_notification_event);
  return g_test_run ();
}
