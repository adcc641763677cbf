/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup.* and operation.* */
#include "core/base/vb-error.h"
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

#define NAME_LENGTH_MAX 64
#define ID_LENGTH_MAX 64
#define REQUEST_KEY_LENGTH_MAX 256
#define LIST_DEFAULT 50
#define LIST_MAX 1000

static JsonObject *
make_backup (VbCall *call, VbBackup *backup)
{
  return vb_json_backup (backup, vb_vps_get_operation (vb_call_get_vps (call)));
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbBackup) backup = NULL;
  g_autoptr (VbOperationRecord) record
      = vb_manager_create_finish (VB_MANAGER (source), result, &backup, &error);
  JsonObject *object;

  if (record == NULL)
    {
      vb_call_refuse (call, error);
      return;
    }

  object = json_object_new ();
  vb_call_add_operation (call, object, record);
  if (backup != NULL)
    json_object_set_object_member (object, "backup", make_backup (call, backup));
  else
    json_object_set_null_member (object, "backup");
  vb_call_answer (call, object);
}

static void
run_create (VbCall *call)
{
  vb_manager_create_async (vb_call_get_manager (call),
                           vb_identity_get_subject (vb_call_get_identity (call)),
                           vb_call_get_vps_name (call), vb_call_get_string (call, "name"),
                           vb_call_get_string (call, "request_key"), on_created, call);
}

static void
add_warnings (JsonObject *object, GAsyncResult *result)
{
  GPtrArray *warnings = vb_manager_get_restore_warnings (result);
  JsonArray *array = json_array_new ();

  for (guint i = 0; warnings != NULL && i < warnings->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (warnings, i));
  json_object_set_array_member (object, "warnings", array);
}

static void
on_restore_admitted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (VbOperationRecord) record
      = vb_manager_restore_finish (VB_MANAGER (source), result, &error);
  JsonObject *object;

  if (record == NULL)
    {
      vb_call_refuse (call, error);
      return;
    }

  object = json_object_new ();
  vb_call_add_operation (call, object, record);
  add_warnings (object, result);
  vb_call_answer (call, object);
}

static void
on_restore_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  JsonObject *object;

  if (!vb_manager_check_restore_finish (VB_MANAGER (source), result, &error))
    {
      vb_call_refuse (call, error);
      return;
    }
  object = json_object_new ();
  add_warnings (object, result);
  vb_call_answer (call, object);
}

static void
run_restore (VbCall *call)
{
  VbManager *manager = vb_call_get_manager (call);
  const char *subject = vb_identity_get_subject (vb_call_get_identity (call));
  const char *vps = vb_call_get_vps_name (call);
  const VbRestoreRequest request = {
    .backup = vb_call_get_string (call, "backup"),
    .from = vb_call_get_other_vps (call),
    .stop_first = vb_call_get_boolean (call, "stop_first"),
    .backup_first = vb_call_get_boolean (call, "backup_first"),
    .replace_disks = vb_call_get_boolean (call, "replace_disks"),
  };

  if ((request.backup_first
       && !vb_identity_may (vb_call_get_identity (call), VB_PERMISSION_BACKUP_CREATE))
      || (request.replace_disks && !vb_identity_is_admin (vb_call_get_identity (call))))
    {
      g_autoptr (GError) error = NULL;

      vb_error_set_public (&error, VB_ERROR_FORBIDDEN);
      vb_call_refuse (call, error);
    }
  else if (vb_call_get_boolean (call, "check"))
    vb_manager_check_restore_async (manager, subject, vps, &request, on_restore_checked, call);
  else
    vb_manager_restore_async (manager, subject, vps, &request, on_restore_admitted, call);
}

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (vb_manager_delete_finish (VB_MANAGER (source), result, &error))
    vb_call_answer (user_data, json_object_new ());
  else
    vb_call_refuse (user_data, error);
}

static void
run_delete (VbCall *call)
{
  vb_manager_delete_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                           vb_call_get_string (call, "backup"), on_deleted, call);
}

static void
answer_backup (VbCall *call, VbBackup *backup, const GError *error)
{
  if (backup != NULL)
    vb_call_answer (call, make_backup (call, backup));
  else
    vb_call_refuse (call, error);
}

static void
on_renamed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbBackup) backup = vb_manager_rename_finish (VB_MANAGER (source), result, &error);

  answer_backup (user_data, backup, error);
}

static void
run_rename (VbCall *call)
{
  vb_manager_rename_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                           vb_call_get_string (call, "backup"), vb_call_get_string (call, "name"),
                           on_renamed, call);
}

static void
on_protected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbBackup) backup = vb_manager_protect_finish (VB_MANAGER (source), result, &error);

  answer_backup (user_data, backup, error);
}

static void
run_protect (VbCall *call)
{
  vb_manager_protect_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                            vb_call_get_string (call, "backup"),
                            vb_call_get_boolean (call, "protected"), on_protected, call);
}

static void
on_verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  guint64 bad_chunks = 0;
  JsonObject *object;

  if (!vb_manager_verify_finish (VB_MANAGER (source), result, &bad_chunks, &error))
    {
      vb_call_refuse (user_data, error);
      return;
    }

  object = json_object_new ();
  json_object_set_boolean_member (object, "ok", bad_chunks == 0);
  json_object_set_int_member (object, "bad_chunks", (gint64) bad_chunks);
  vb_call_answer (user_data, object);
}

static void
run_verify (VbCall *call)
{
  /* Reading a whole backup for somebody who has gone is a waste. */
  vb_manager_verify_async (
      vb_call_get_manager (call), vb_call_get_vps_name (call), vb_call_get_string (call, "backup"),
      vb_session_get_cancellable (vb_call_get_session (call)), on_verified, call);
}

static gboolean
may_cancel (VbCall *call, const char *id, GError **error)
{
  VbOperation *live = vb_vps_get_operation (vb_call_get_vps (call));
  VbPermissions needed;

  /* With none or another one under way nothing is cancelled, and the manager knows what to
   * answer. */
  if (live == NULL || g_strcmp0 (vb_operation_get_id (live), id) != 0)
    return TRUE;

  needed = vb_operation_get_kind (live) == VB_OPERATION_CREATE ? VB_PERMISSION_BACKUP_CREATE
                                                               : VB_PERMISSION_BACKUP_RESTORE;
  if (vb_identity_may (vb_call_get_identity (call), needed))
    return TRUE;

  g_set_error_literal (error, VB_ERROR, VB_ERROR_FORBIDDEN,
                       vb_error_public_message (VB_ERROR_FORBIDDEN));
  return FALSE;
}

static void
run_cancel (VbCall *call)
{
  const char *id = vb_call_get_string (call, "operation");
  g_autoptr (GError) error = NULL;

  if (may_cancel (call, id, &error)
      && vb_manager_cancel (vb_call_get_manager (call), vb_call_get_vps_name (call), id, &error))
    vb_call_answer (call, json_object_new ());
  else
    vb_call_refuse (call, error);
}

static void
on_operations (GObject *source, GAsyncResult *result, gpointer user_data)
{
  VbCall *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records
      = vb_manager_list_operations_finish (VB_MANAGER (source), result, &error);
  gboolean for_admin = vb_identity_is_admin (vb_call_get_identity (call));
  JsonArray *array;
  JsonObject *object;

  if (records == NULL)
    {
      vb_call_refuse (call, error);
      return;
    }

  array = json_array_new ();
  for (guint i = 0; i < records->len; i++)
    json_array_add_object_element (
        array, vb_json_operation_record (g_ptr_array_index (records, i), for_admin));

  object = json_object_new ();
  json_object_set_array_member (object, "operations", array);
  vb_call_answer (call, object);
}

static void
run_operations (VbCall *call)
{
  vb_manager_list_operations_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                                    (guint) vb_call_get_integer (call, "limit", LIST_DEFAULT),
                                    on_operations, call);
}

#define VPS                                                                                        \
  {                                                                                                \
    "vps", VB_PARAM_VPS                                                                            \
  }
#define BACKUP                                                                                     \
  {                                                                                                \
    "backup", VB_PARAM_STRING, FALSE, 1, ID_LENGTH_MAX                                             \
  }

const VbMethod vb_rpc_backup_methods[] = {
  { "backup.create",
    VB_PERMISSION_BACKUP_CREATE,
    { VPS,
      { "name", VB_PARAM_STRING, TRUE, 1, NAME_LENGTH_MAX },
      { "request_key", VB_PARAM_STRING, TRUE, 1, REQUEST_KEY_LENGTH_MAX } },
    run_create },
  { "backup.restore",
    VB_PERMISSION_BACKUP_RESTORE,
    { VPS,
      BACKUP,
      { "from", VB_PARAM_OTHER_VPS, TRUE },
      { "stop_first", VB_PARAM_BOOLEAN, TRUE },
      { "backup_first", VB_PARAM_BOOLEAN, TRUE },
      { "replace_disks", VB_PARAM_BOOLEAN, TRUE },
      { "check", VB_PARAM_BOOLEAN, TRUE } },
    run_restore },
  { "backup.delete", VB_PERMISSION_BACKUP_DELETE, { VPS, BACKUP }, run_delete },
  { "backup.rename",
    VB_PERMISSION_BACKUP_CREATE,
    { VPS, BACKUP, { "name", VB_PARAM_STRING, FALSE, 1, NAME_LENGTH_MAX } },
    run_rename },
  { "backup.protect",
    VB_PERMISSION_BACKUP_DELETE,
    { VPS, BACKUP, { "protected", VB_PARAM_BOOLEAN } },
    run_protect },
  { "backup.verify",
    VB_PERMISSION_BACKUP_READ,
    { VPS, BACKUP },
    run_verify,
    .bulk = VB_BULK_VERIFY },
  { "operation.cancel",
    VB_PERMISSION_BACKUP_CREATE | VB_PERMISSION_BACKUP_RESTORE,
    { VPS, { "operation", VB_PARAM_STRING, FALSE, 1, ID_LENGTH_MAX } },
    run_cancel },
  { "operation.list",
    VB_PERMISSION_BACKUP_READ,
    { VPS, { "limit", VB_PARAM_INTEGER, TRUE, 1, LIST_MAX } },
    run_operations,
    VB_AUDIT_REFUSED,
    .bulk = VB_BULK_LIST },
  { NULL },
};
