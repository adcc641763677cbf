/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt-driver URI RUNTIME-FOLDER
 *
 * The libvirt backend with a handle for the tests: reads calls of VbHypervisor from stdin, one JSON
 * object a line, runs each in a thread, and prints answers and signals the same way:
 *
 *   {"id":1,"call":"power","vps":"…","action":"start"}     {"id":1,"result":null} or
 * {"id":1,"error":{"reason","message"}}
 *                                                          {"signal":"vps-changed","vps":"…","power":"running",…}
 *
 * Ends at end of file. */
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "core/base/vb-error.h"
#include "core/model/vb-backup-info.h"
#include "libvirt/vb-libvirt-hypervisor.h"

typedef struct
{
  VbHypervisor *hypervisor;
  GMainLoop *loop;
  GMutex lock;
  GHashTable *captures; /* operation → VbCapture; under the lock */
  GHashTable *backups;  /* id → VbBackupInfo, as a manifest would keep it; under the lock */
  guint pending;        /* calls that have not been answered; main context */
  gboolean ended;
} Driver;

typedef struct
{
  Driver *driver;
  JsonObject *request;
  JsonNode *result;
  GError *error;
} Call;

static const char *
text_of (JsonObject *object, const char *member)
{
  return json_object_get_string_member_with_default (object, member, NULL);
}

static void
print_builder (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *text = json_to_string (root, FALSE);

  printf ("%s\n", text);
  fflush (stdout);
}

static void
add_text (JsonBuilder *builder, const char *member, const char *text)
{
  json_builder_set_member_name (builder, member);
  if (text != NULL)
    json_builder_add_string_value (builder, text);
  else
    json_builder_add_null_value (builder);
}

static void
add_number (JsonBuilder *builder, const char *member, gint64 number)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_int_value (builder, number);
}

/* The first by its timing alone; "schedules" are all, each with its id. */
static void
add_schedules (JsonBuilder *builder, GPtrArray *schedules)
{
  VbSchedule *first = schedules != NULL ? g_ptr_array_index (schedules, 0) : NULL;

  add_text (builder, "schedule", first != NULL ? vb_schedule_get_timing (first) : NULL);
  json_builder_set_member_name (builder, "schedules");
  json_builder_begin_array (builder);
  for (guint i = 0; schedules != NULL && i < schedules->len; i++)
    {
      const VbSchedule *one = g_ptr_array_index (schedules, i);
      const VbKeep *keep = vb_schedule_get_keep (one);
      g_autofree char *text = g_strdup_printf ("%s: %s %u/%u/%u/%u", vb_schedule_get_id (one),
                                               vb_schedule_get_timing (one), keep->last,
                                               keep->daily, keep->weekly, keep->monthly);
      json_builder_add_string_value (builder, text);
    }
  json_builder_end_array (builder);
}

static void
add_info (JsonBuilder *builder, const VbVpsInfo *info)
{
  add_text (builder, "vps", info->uuid);
  add_text (builder, "name", info->name);
  add_text (builder, "power", vb_power_to_string (info->power));
  add_number (builder, "slots_total", info->slots_total);
  add_text (builder, "unsupported", info->unsupported);
  add_schedules (builder, info->schedules);
}

static JsonNode *
call_get_info (Driver *driver, JsonObject *request, GError **error)
{
  g_autoptr (VbVpsInfo) info
      = vb_hypervisor_get_info (driver->hypervisor, text_of (request, "vps"), error);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (info == NULL)
    return NULL;
  json_builder_begin_object (builder);
  add_info (builder, info);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static JsonNode *
call_list_disks (Driver *driver, JsonObject *request, GError **error)
{
  g_autoptr (GPtrArray) disks
      = vb_hypervisor_list_disks (driver->hypervisor, text_of (request, "vps"), error);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (disks == NULL)
    return NULL;
  json_builder_begin_array (builder);
  for (guint i = 0; i < disks->len; i++)
    {
      VbDisk *disk = g_ptr_array_index (disks, i);

      json_builder_begin_object (builder);
      add_text (builder, "target", disk->target);
      add_text (builder, "path", disk->path);
      add_text (builder, "format", disk->format);
      add_number (builder, "is_block", disk->is_block);
      add_number (builder, "virtual_size_bytes", (gint64) disk->virtual_size_bytes);
      add_number (builder, "allocated_bytes", (gint64) disk->allocated_bytes);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  return json_builder_get_root (builder);
}

static void
add_capture_disks (JsonBuilder *builder, VbCapture *capture)
{
  json_builder_set_member_name (builder, "disks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < capture->disks->len; i++)
    {
      VbCaptureDisk *disk = g_ptr_array_index (capture->disks, i);

      json_builder_begin_object (builder);
      add_text (builder, "target", disk->target);
      add_number (builder, "virtual_size_bytes", (gint64) disk->virtual_size_bytes);
      add_text (builder, "nbd_socket", disk->nbd_socket);
      add_text (builder, "nbd_export", disk->nbd_export);
      add_text (builder, "path", disk->path);
      add_text (builder, "format", disk->format);
      add_text (builder, "changed_context", disk->changed_context);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "skipped");
  json_builder_begin_object (builder);
  for (guint i = 0; i < capture->skipped->len; i++)
    {
      VbSkippedDisk *disk = g_ptr_array_index (capture->skipped, i);

      add_text (builder, disk->target, disk->reason);
    }
  json_builder_end_object (builder);
}

static JsonNode *
describe_capture (VbCapture *capture)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "running");
  json_builder_add_boolean_value (builder, capture->running);
  add_text (builder, "consistency", vb_consistency_to_string (capture->consistency));
  add_text (builder, "domain_xml", capture->domain_xml);
  add_text (builder, "nvram_path", capture->nvram_path);
  add_text (builder, "base_backup", capture->base_backup);
  add_text (builder, "full_reason", capture->full_reason);
  add_capture_disks (builder, capture);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* What a manifest would keep of a capture. */
static void
remember (Driver *driver, const VbCapture *capture)
{
  VbBackupInfo *info = vb_backup_info_new (capture->backup, capture->vps);

  for (guint i = 0; i < capture->disks->len; i++)
    {
      const VbCaptureDisk *from = g_ptr_array_index (capture->disks, i);
      VbBackupDisk *disk = vb_backup_info_add_disk (info, from->target);

      disk->virtual_size_bytes = from->virtual_size_bytes;
      disk->origin = vb_disk_origin_ref (from->origin);
    }
  g_mutex_lock (&driver->lock);
  g_hash_table_replace (driver->backups, info->id, info);
  g_mutex_unlock (&driver->lock);
}

/* One that this process has not made is as one of an older version. */
static VbBackupInfo *
recall (Driver *driver, const char *vps, const char *backup)
{
  VbBackupInfo *info;

  g_mutex_lock (&driver->lock);
  info = g_hash_table_lookup (driver->backups, backup);
  info = info != NULL ? vb_backup_info_copy (info) : NULL;
  g_mutex_unlock (&driver->lock);
  if (info == NULL)
    {
      info = vb_backup_info_new (backup, vps);
      vb_backup_info_add_disk (info, "vda");
    }
  return info;
}

static GHashTable *
restored_of (Driver *driver, const char *vps, const char *backup)
{
  g_autoptr (VbBackupInfo) info = recall (driver, vps, backup);
  GHashTable *restored = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (info->disks, i);

      g_hash_table_replace (restored, g_strdup (disk->target),
                            g_strdup (disk->origin != NULL ? disk->origin->id : ""));
    }
  return restored;
}

static JsonNode *
call_begin (Driver *driver, JsonObject *request, GError **error)
{
  g_autoptr (GPtrArray) bases
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_backup_info_free);
  JsonArray *list = json_object_has_member (request, "bases")
                        ? json_object_get_array_member (request, "bases")
                        : NULL;
  VbCaptureRequest wanted = {
    .vps = text_of (request, "vps"),
    .backup = text_of (request, "backup"),
    .operation = text_of (request, "operation"),
    .freeze_timeout_s
    = (guint) json_object_get_int_member_with_default (request, "freeze_timeout_s", 0),
    .scratch_reserve_bytes
    = (guint64) json_object_get_int_member_with_default (request, "scratch_reserve_bytes", 0),
  };
  VbCapture *capture;

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    g_ptr_array_add (bases, recall (driver, wanted.vps, json_array_get_string_element (list, i)));
  wanted.backups = bases;
  capture = vb_hypervisor_begin_capture (driver->hypervisor, &wanted, NULL, error);
  if (capture == NULL)
    return NULL;
  remember (driver, capture);
  g_mutex_lock (&driver->lock);
  g_hash_table_replace (driver->captures, g_strdup (wanted.operation), capture);
  g_mutex_unlock (&driver->lock);
  return describe_capture (capture);
}

static VbCapture *
capture_of (Driver *driver, JsonObject *request)
{
  VbCapture *capture;

  g_mutex_lock (&driver->lock);
  capture = g_hash_table_lookup (driver->captures, text_of (request, "operation"));
  g_mutex_unlock (&driver->lock);
  g_assert (capture != NULL);
  return capture;
}

static gint64
number_of (JsonObject *request, const char *name, gint64 fallback)
{
  return json_object_get_int_member_with_default (request, name, fallback);
}

/* The calls without a result. */
static gboolean
call_set_schedule (VbHypervisor *hypervisor, JsonObject *request, GError **error)
{
  const char *id
      = json_object_get_string_member_with_default (request, "schedule", VB_SCHEDULE_FIRST);
  const VbScheduleForm form
      = { .id = id,
          .at = json_object_get_string_member_with_default (request, "at", NULL),
          .days = json_object_get_string_member_with_default (request, "days", NULL),
          .calendar = json_object_get_string_member_with_default (request, "calendar", NULL),
          .zone = json_object_get_string_member_with_default (request, "zone", NULL),
          .every_hours = number_of (request, "every", 0),
          .jitter_minutes = number_of (request, "jitter", 0),
          .keep = number_of (request, "keep", 1),
          .keep_daily = number_of (request, "keep_daily", 0),
          .keep_weekly = number_of (request, "keep_weekly", 0),
          .keep_monthly = number_of (request, "keep_monthly", 0) };
  g_autoptr (VbSchedule) schedule = NULL;

  if (form.at != NULL || form.calendar != NULL)
    {
      schedule = vb_schedule_new (&form, error);
      g_assert_nonnull (schedule);
    }
  return vb_hypervisor_set_schedule (hypervisor, text_of (request, "vps"), id, schedule, error);
}

static gboolean
call_plain (Driver *driver, const char *name, JsonObject *request, GError **error)
{
  VbHypervisor *hypervisor = driver->hypervisor;
  const char *vps = text_of (request, "vps");
  const char *backup = text_of (request, "backup");
  const char *action = text_of (request, "action");

  if (g_str_equal (name, "check"))
    return vb_hypervisor_check_capture (hypervisor, capture_of (driver, request), error);
  if (g_str_equal (name, "end"))
    return vb_hypervisor_end_capture (hypervisor, capture_of (driver, request),
                                      json_object_get_boolean_member (request, "keep"), error);
  if (g_str_equal (name, "abort_orphan"))
    return vb_hypervisor_abort_orphan_capture (hypervisor, vps, text_of (request, "operation"),
                                               backup, error);
  if (g_str_equal (name, "delete_checkpoint"))
    return vb_hypervisor_delete_checkpoint (hypervisor, vps, backup, error);
  if (g_str_equal (name, "reset_checkpoints"))
    {
      g_autoptr (GHashTable) restored = restored_of (driver, vps, backup);
      return vb_hypervisor_reset_checkpoints (hypervisor, vps, backup, restored, error);
    }
  if (g_str_equal (name, "set_slots"))
    return vb_hypervisor_set_slots (hypervisor, vps,
                                    (guint) json_object_get_int_member (request, "total"), error);
  if (g_str_equal (name, "set_schedule"))
    return call_set_schedule (hypervisor, request, error);
  if (g_str_equal (name, "power_restore"))
    return vb_hypervisor_power_restore (hypervisor, vps,
                                        vb_power_from_string (text_of (request, "power")), error);
  g_assert_cmpstr (name, ==, "power");
  return vb_hypervisor_power (hypervisor, vps,
                              g_str_equal (action, "start")  ? VB_POWER_ACTION_START
                              : g_str_equal (action, "stop") ? VB_POWER_ACTION_STOP
                                                             : VB_POWER_ACTION_RESTART,
                              json_object_get_boolean_member_with_default (request, "force", FALSE),
                              error);
}

static JsonNode *
call_changed_bytes (Driver *driver, JsonObject *request, GError **error)
{
  guint64 bytes;

  if (!vb_hypervisor_get_changed_bytes (driver->hypervisor, text_of (request, "vps"),
                                        text_of (request, "backup"), &bytes, error))
    return NULL;
  return json_node_init_int (json_node_new (JSON_NODE_VALUE), (gint64) bytes);
}

static JsonNode *
call_delta (Driver *driver, JsonObject *request, GError **error)
{
  g_autoptr (VbCapture) delta = vb_hypervisor_begin_delta (
      driver->hypervisor, text_of (request, "vps"), text_of (request, "operation"),
      text_of (request, "backup"), error);

  if (delta == NULL || !vb_hypervisor_end_delta (driver->hypervisor, delta, error))
    return NULL;
  return describe_capture (delta);
}

static JsonNode *
do_call (Driver *driver, JsonObject *request, GError **error)
{
  const char *name = text_of (request, "call");
  JsonNode *result = json_node_new (JSON_NODE_NULL);
  VbPower was;

  if (g_str_equal (name, "get_info"))
    return call_get_info (driver, request, error);
  if (g_str_equal (name, "list_disks"))
    return call_list_disks (driver, request, error);
  if (g_str_equal (name, "begin"))
    return call_begin (driver, request, error);
  if (g_str_equal (name, "changed_bytes"))
    return call_changed_bytes (driver, request, error);
  if (g_str_equal (name, "delta"))
    return call_delta (driver, request, error);
  if (!g_str_equal (name, "power_off"))
    return call_plain (driver, name, request, error) ? result : NULL;
  if (!vb_hypervisor_power_off (driver->hypervisor, text_of (request, "vps"), &was, error))
    return NULL;
  return json_node_init_string (result, vb_power_to_string (was));
}

static gboolean
on_done (gpointer data)
{
  Call *call = data;
  Driver *driver = call->driver;
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_number (builder, "id", json_object_get_int_member (call->request, "id"));
  if (call->error != NULL)
    {
      json_builder_set_member_name (builder, "error");
      json_builder_begin_object (builder);
      g_assert_cmpuint (call->error->domain, ==, VB_ERROR);
      add_text (builder, "reason",
                call->error->code == VB_ERROR_INVALID_ARGUMENT
                    ? "invalid"
                    : vb_error_reason (call->error->code));
      add_text (builder, "message", call->error->message);
      json_builder_end_object (builder);
    }
  else
    {
      json_builder_set_member_name (builder, "result");
      json_builder_add_value (builder, g_steal_pointer (&call->result));
    }
  json_builder_end_object (builder);
  print_builder (builder);
  g_clear_error (&call->error);
  json_object_unref (call->request);
  g_free (call);
  if (--driver->pending == 0 && driver->ended)
    g_main_loop_quit (driver->loop);
  return G_SOURCE_REMOVE;
}

static gpointer
call_thread (gpointer data)
{
  Call *call = data;

  call->result = do_call (call->driver, call->request, &call->error);
  g_assert ((call->result == NULL) == (call->error != NULL));
  g_idle_add_full (G_PRIORITY_DEFAULT, on_done, call, NULL);
  return NULL;
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  Driver *driver = data;
  g_autofree char *line
      = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, NULL);
  g_autoptr (JsonNode) node = NULL;
  Call *call;

  if (line == NULL)
    {
      driver->ended = TRUE;
      if (driver->pending == 0)
        g_main_loop_quit (driver->loop);
      return;
    }
  node = json_from_string (line, NULL);
  call = g_new0 (Call, 1);
  call->driver = driver;
  call->request = json_object_ref (json_node_get_object (node));
  driver->pending++;
  g_thread_unref (g_thread_new ("call", call_thread, call));
  g_data_input_stream_read_line_async (G_DATA_INPUT_STREAM (source), G_PRIORITY_DEFAULT, NULL,
                                       on_line, driver);
}

static void
on_vps_changed (VbHypervisor *hypervisor, const VbVpsInfo *info, Driver *driver)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_text (builder, "signal", "vps-changed");
  add_info (builder, info);
  json_builder_end_object (builder);
  print_builder (builder);
}

static void
on_vps_removed (VbHypervisor *hypervisor, const char *vps, Driver *driver)
{
  printf ("{\"signal\":\"vps-removed\",\"vps\":\"%s\"}\n", vps);
  fflush (stdout);
}

static void
on_available_changed (VbHypervisor *hypervisor, Driver *driver)
{
  printf ("{\"signal\":\"available-changed\",\"available\":%s}\n",
          vb_hypervisor_is_available (hypervisor) ? "true" : "false");
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  g_autoptr (VbLibvirtHypervisor) hypervisor = NULL;
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (input);
  Driver driver = { 0 };

  if (argc != 3)
    return 2;
  hypervisor = vb_libvirt_hypervisor_new (argv[1], argv[2]);
  driver.hypervisor = VB_HYPERVISOR (hypervisor);
  driver.loop = g_main_loop_new (NULL, FALSE);
  driver.captures
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) vb_capture_free);
  driver.backups
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) vb_backup_info_free);
  g_signal_connect (hypervisor, "vps-changed", G_CALLBACK (on_vps_changed), &driver);
  g_signal_connect (hypervisor, "vps-removed", G_CALLBACK (on_vps_removed), &driver);
  g_signal_connect (hypervisor, "available-changed", G_CALLBACK (on_available_changed), &driver);
  vb_hypervisor_start (driver.hypervisor);
  g_data_input_stream_read_line_async (lines, G_PRIORITY_DEFAULT, NULL, on_line, &driver);
  g_main_loop_run (driver.loop);
  vb_hypervisor_stop (driver.hypervisor);
  g_hash_table_unref (driver.captures);
  g_hash_table_unref (driver.backups);
  g_main_loop_unref (driver.loop);
  return 0;
}
