/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-protocol-objects.h"

#include "vb-protocol-schedules.h"

#include <math.h>

#include "core/base/vb-error.h"
#include "vb-rpc-codes.h"

static void
add_text (JsonObject *object, const char *name, const char *value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
  else
    json_object_set_null_member (object, name);
}

static void
add_bytes (JsonObject *object, const char *name, guint64 value)
{
  json_object_set_int_member (object, name, (gint64) MIN (value, (guint64) G_MAXINT64));
}

static void
add_percent (JsonObject *object, const char *name, double percent)
{
  json_object_set_double_member (object, name, round (CLAMP (percent, 0, 100) * 10) / 10);
}

void
vb_json_add_time (JsonObject *object, const char *name, GDateTime *time)
{
  g_autoptr (GDateTime) utc = time != NULL ? g_date_time_to_utc (time) : NULL;
  g_autofree char *text = utc != NULL ? g_date_time_format (utc, "%Y-%m-%dT%H:%M:%SZ") : NULL;

  add_text (object, name, text);
}

JsonObject *
vb_json_slots (VbSlots *slots)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "used", vb_slots_get_used (slots));
  json_object_set_int_member (object, "total", vb_slots_get_total (slots));
  json_object_set_int_member (object, "included", vb_slots_get_included (slots));
  json_object_set_int_member (object, "extra", vb_slots_get_extra (slots));
  json_object_set_int_member (object, "step", vb_slots_get_step (slots));
  json_object_set_int_member (object, "maximum", vb_slots_get_maximum (slots));
  json_object_set_int_member (object, "billable_steps", vb_slots_get_billable_steps (slots));
  return object;
}

static JsonArray *
make_disks (const VbBackupInfo *info)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (info->disks, i);
      JsonObject *object = json_object_new ();

      add_text (object, "target", disk->target);
      add_bytes (object, "virtual_size_bytes", disk->virtual_size_bytes);
      add_bytes (object, "size_bytes", disk->size_bytes);
      json_array_add_object_element (array, object);
    }

  return array;
}

static void
add_backup_progress (JsonObject *object, VbBackup *backup, VbOperation *operation)
{
  const VbOperationRecord *record = operation ? vb_operation_get_record (operation) : NULL;
  const char *id = vb_backup_get_id (backup);

  if (record != NULL
      && (g_strcmp0 (record->backup, id) == 0 || g_strcmp0 (record->first_backup, id) == 0)
      && vb_backup_get_state (backup) != VB_BACKUP_AVAILABLE)
    add_percent (object, "progress",
                 vb_progress_get_percent (vb_operation_get_progress (operation)));
  else
    json_object_set_null_member (object, "progress");
}

JsonObject *
vb_json_backup (VbBackup *backup, VbOperation *operation)
{
  const VbBackupInfo *info = vb_backup_get_info (backup);
  VbBackupState state = vb_backup_get_state (backup);
  gboolean is_whole = state == VB_BACKUP_AVAILABLE || state == VB_BACKUP_RESTORING;
  JsonObject *object = json_object_new ();

  add_text (object, "id", info->id);
  add_text (object, "name", info->name != NULL ? info->name : "");
  add_text (object, "state", vb_backup_state_to_string (state));
  add_backup_progress (object, backup, operation);
  if (is_whole)
    add_bytes (object, "size_bytes", info->size_bytes);
  else
    json_object_set_null_member (object, "size_bytes");
  if (is_whole && info->unique_bytes >= 0)
    json_object_set_int_member (object, "unique_bytes", info->unique_bytes);
  vb_json_add_time (object, "created_at", info->created_at);
  vb_json_add_time (object, "completed_at", is_whole ? info->completed_at : NULL);
  add_text (object, "consistency", vb_consistency_to_string (info->consistency));
  json_object_set_boolean_member (object, "incremental", info->incremental);
  json_object_set_boolean_member (object, "protected", info->is_protected);
  json_object_set_boolean_member (object, "scheduled", info->is_scheduled);
  if (info->is_scheduled)
    add_text (object, "schedule", vb_backup_info_get_schedule (info));
  g_autoptr (GDateTime) verified_at = vb_backup_get_verified_at (backup);
  vb_json_add_time (object, "verified_at", verified_at);
  json_object_set_boolean_member (object, "damaged", vb_backup_is_damaged (backup));
  json_object_set_array_member (object, "disks", make_disks (info));
  return object;
}

static void
add_operation_error (JsonObject *object, const VbOperationRecord *record, gboolean for_admin)
{
  const char *message = record->error_message;
  JsonObject *error;

  if (record->error_reason == NULL)
    {
      json_object_set_null_member (object, "error");
      return;
    }

  if (!for_admin || message == NULL)
    message = vb_error_public_message (vb_error_code_from_reason (record->error_reason));

  error = json_object_new ();
  add_text (error, "reason", record->error_reason);
  add_text (error, "message", message);
  json_object_set_object_member (object, "error", error);
}

/* @eta_s: -1 while unknown */
static JsonObject *
make_operation (const VbOperationRecord *record, guint64 rate, gint64 eta_s, gboolean for_admin)
{
  JsonObject *object = json_object_new ();

  add_text (object, "id", record->id);
  add_text (object, "kind", vb_operation_kind_to_string (record->kind));
  add_text (object, "backup", record->backup);
  /* The token of who follows this VPS need not name that one. */
  if (record->source_vps != NULL)
    add_text (object, "from", for_admin ? record->source_vps : NULL);
  add_text (object, "state", vb_operation_state_to_string (record->state));
  add_percent (object, "progress", record->progress);
  add_bytes (object, "bytes_done", record->bytes_done);
  add_bytes (object, "bytes_total", record->bytes_total);
  add_bytes (object, "rate_bytes_per_s", rate);
  if (eta_s >= 0)
    json_object_set_int_member (object, "eta_s", eta_s);
  else
    json_object_set_null_member (object, "eta_s");
  json_object_set_boolean_member (object, "stalled", record->stalled);
  if (record->first_backup != NULL)
    add_text (object, "first_backup", record->first_backup);
  vb_json_add_time (object, "started_at", record->started_at);
  vb_json_add_time (object, "ended_at", record->ended_at);
  add_operation_error (object, record, for_admin);
  return object;
}

JsonObject *
vb_json_operation_record (const VbOperationRecord *record, gboolean for_admin)
{
  return make_operation (record, 0, -1, for_admin);
}

JsonObject *
vb_json_operation (VbOperation *operation, gboolean for_admin)
{
  const VbOperationRecord *record = vb_operation_get_record (operation);
  VbProgress *progress = vb_operation_get_progress (operation);
  gint64 now_us = g_get_monotonic_time ();

  if (vb_operation_state_is_end (record->state))
    return vb_json_operation_record (record, for_admin);

  return make_operation (record, vb_progress_get_rate (progress, now_us),
                         vb_progress_get_eta_s (progress, now_us), for_admin);
}

static JsonObject *
make_power_actions (VbVps *vps)
{
  VbPowerActions actions = vb_vps_get_power_actions (vps);
  JsonObject *object = json_object_new ();

  json_object_set_boolean_member (object, "start", actions.start);
  json_object_set_boolean_member (object, "stop", actions.stop);
  json_object_set_boolean_member (object, "restart", actions.restart);
  return object;
}

static JsonObject *
make_can_create (VbVps *vps)
{
  VbCanCreate answer = vb_vps_can_create (vps);
  JsonObject *object = json_object_new ();

  json_object_set_boolean_member (object, "allowed", answer == VB_CAN_CREATE);
  add_text (object, "reason", vb_can_create_reason (answer));
  return object;
}

static void
add_undo (JsonObject *object, const VbUndo *undo)
{
  JsonObject *member;

  if (undo == NULL)
    {
      json_object_set_null_member (object, "undo");
      return;
    }
  member = json_object_new ();
  add_text (member, "backup", undo->backup);
  vb_json_add_time (member, "restored_at", undo->restored_at);
  vb_json_add_time (member, "until", undo->until);
  json_object_set_object_member (object, "undo", member);
}

JsonObject *
vb_json_vps (VbVps *vps, gboolean for_admin)
{
  VbOperation *operation = vb_vps_get_operation (vps);
  GPtrArray *backups = vb_vps_get_backups (vps);
  JsonArray *array = json_array_sized_new (backups->len);
  JsonObject *object = json_object_new ();

  for (guint i = 0; i < backups->len; i++)
    json_array_add_object_element (array,
                                   vb_json_backup (g_ptr_array_index (backups, i), operation));

  add_text (object, "vps", vb_vps_get_uuid (vps));
  add_text (object, "name", vb_vps_get_name (vps));
  add_text (object, "power", vb_power_to_string (vb_vps_get_power (vps)));
  add_text (object, "status", vb_vps_get_status (vps));
  json_object_set_object_member (object, "power_actions", make_power_actions (vps));
  json_object_set_object_member (object, "slots", vb_json_slots (vb_vps_get_slots (vps)));
  json_object_set_object_member (object, "can_create", make_can_create (vps));
  if (operation != NULL)
    json_object_set_object_member (object, "operation", vb_json_operation (operation, for_admin));
  else
    json_object_set_null_member (object, "operation");
  json_object_set_array_member (object, "backups", array);
  vb_json_add_schedule (object, vps, vb_json_schedules_get_first (vps));
  vb_json_add_time (object, "next_run_at", vb_vps_get_next_run (vps, NULL));
  vb_json_add_schedules (object, vps);
  add_undo (object, vb_vps_get_undo (vps));
  add_bytes (object, "seq", vb_vps_get_seq (vps));
  return object;
}

JsonObject *
vb_json_notification (const VbNotification *notification)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", notification->id);
  add_text (object, "type", vb_notification_type_to_string (notification->type));
  add_text (object, "vps", notification->vps);
  add_text (object, "vps_name", notification->vps_name);
  add_text (object, "backup", notification->backup);
  add_text (object, "backup_name", notification->backup_name);
  add_text (object, "operation", notification->operation);
  add_text (object, "reason", notification->reason);
  vb_json_add_time (object, "created_at", notification->created_at);
  json_object_set_boolean_member (object, "read", notification->read);
  return object;
}

JsonObject *
vb_json_error_new (int code, const char *message)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "code", code);
  add_text (object, "message", message);
  return object;
}

JsonObject *
vb_json_audit_entry (const VbAuditEntry *entry)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", entry->id);
  vb_json_add_time (object, "at", entry->at);
  json_object_set_int_member (object, "count", entry->count);
  add_text (object, "subject", entry->subject);
  add_text (object, "address", entry->address);
  add_text (object, "token", entry->token_id);
  add_text (object, "method", entry->method);
  add_text (object, "vps", entry->vps);
  add_text (object, "target", entry->target);
  add_text (object, "outcome", entry->outcome);
  return object;
}

JsonObject *
vb_json_error (const GError *error, gboolean for_admin)
{
  VbError code = vb_error_code_of (error);
  JsonObject *object, *data;

  /* What is wrong with the request is the asker's own business, whoever it is. */
  if (code == VB_ERROR_INVALID_ARGUMENT)
    return vb_json_error_new (VB_RPC_INVALID_PARAMS, error->message);

  object = vb_json_error_new (VB_RPC_REFUSED,
                              for_admin ? error->message : vb_error_public_message (code));
  data = json_object_new ();
  add_text (data, "reason", vb_error_reason (code));
  json_object_set_object_member (object, "data", data);
  return object;
}
