/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup.download: a disk of a backup by HTTP. */
#include "core/base/vb-error.h"
#include "protocol/vb-protocol-objects.h"
#include "vb-rpc.h"

#define ID_LENGTH_MAX 64
#define TARGET_LENGTH_MAX 64

static void
answer (VbCall *call, VbDiskFile *file)
{
  g_autoptr (GDateTime) expires_at = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  g_autofree char *url = vb_downloads_offer (
      vb_session_registry_get_downloads (vb_call_get_context (call)->sessions),
      vb_call_get_identity (call), vb_call_get_vps_name (call), vb_call_get_string (call, "backup"),
      vb_call_get_string (call, "disk"), &expires_at, &name, &error);
  JsonObject *object;

  if (url == NULL)
    {
      vb_call_refuse (call, error);
      return;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "url", url);
  json_object_set_int_member (object, "size_bytes", (gint64) vb_disk_file_get_size (file));
  vb_json_add_time (object, "expires_at", expires_at);
  json_object_set_string_member (object, "name", name);
  vb_call_answer (call, object);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VbDiskFile) file = vb_manager_open_disk_finish (VB_MANAGER (source), result, &error);

  if (file != NULL)
    answer (user_data, file);
  else
    vb_call_refuse (user_data, error);
}

static void
run_download (VbCall *call)
{
  g_autoptr (GError) error = NULL;

  if (vb_session_registry_get_downloads (vb_call_get_context (call)->sessions) != NULL)
    {
      vb_manager_open_disk_async (vb_call_get_manager (call), vb_call_get_vps_name (call),
                                  vb_call_get_string (call, "backup"),
                                  vb_call_get_string (call, "disk"), on_opened, call);
      return;
    }
  g_set_error_literal (&error, VB_ERROR, VB_ERROR_FORBIDDEN,
                       "Downloads are turned off on this host; ask its operator to turn them on.");
  vb_call_refuse (call, error);
}

const VbMethod vb_rpc_download_methods[] = {
  { "backup.download",
    VB_PERMISSION_BACKUP_DOWNLOAD,
    { { "vps", VB_PARAM_VPS },
      { "backup", VB_PARAM_STRING, FALSE, 1, ID_LENGTH_MAX },
      { "disk", VB_PARAM_STRING, FALSE, 1, TARGET_LENGTH_MAX } },
    run_download },
  { NULL },
};
