/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-cli-pool-source.h"

#include "storage/pool/vb-directory-pool.h"
#include "core/base/vb-i18n.h"

struct _VbCliPoolSource
{
  VbCli *cli;
  VbPool *pool; /* NULL: through the service */
};

VbCliPoolSource *
vb_cli_pool_source_new (VbCli *cli, const char *path, GError **error)
{
  g_autoptr (VbCliPoolSource) self = g_new0 (VbCliPoolSource, 1);

  self->cli = cli;
  if (path != NULL)
    {
      g_autofree char *absolute = g_canonicalize_filename (path, NULL);
      VbDirectoryPool *pool = vb_directory_pool_new (absolute, "0", error);

      if (pool == NULL)
        return NULL;
      self->pool = VB_POOL (pool);
    }
  return g_steal_pointer (&self);
}

void
vb_cli_pool_source_free (VbCliPoolSource *self)
{
  g_clear_object (&self->pool);
  g_free (self);
}

/* ---- the folder ---- */

static void
set_time (JsonObject *object, const char *name, GDateTime *time)
{
  g_autofree char *text = time != NULL ? g_date_time_format_iso8601 (time) : NULL;

  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

static JsonArray *
make_disks (const VbBackupInfo *info)
{
  JsonArray *disks = json_array_new ();

  for (guint i = 0; i < info->disks->len; i++)
    {
      const VbBackupDisk *disk = g_ptr_array_index (info->disks, i);
      JsonObject *object = vb_cli_params ("target", disk->target, NULL);

      json_object_set_int_member (object, "virtual_size_bytes", disk->virtual_size_bytes);
      json_object_set_int_member (object, "size_bytes", disk->size_bytes);
      json_array_add_object_element (disks, object);
    }
  return disks;
}

static JsonObject *
make_backup (const VbBackupInfo *info)
{
  JsonObject *object = vb_cli_params ("vps", info->vps, "vps_name", info->vps_name, "id", info->id,
                                      "name", info->name, "state", "available", "consistency",
                                      vb_consistency_to_string (info->consistency), NULL);

  json_object_set_int_member (object, "size_bytes", info->size_bytes);
  set_time (object, "created_at", info->created_at);
  set_time (object, "completed_at", info->completed_at);
  json_object_set_boolean_member (object, "incremental", info->incremental);
  json_object_set_array_member (object, "disks", make_disks (info));
  return object;
}

static int
compare_infos (gconstpointer a, gconstpointer b)
{
  const VbBackupInfo *left = *(const VbBackupInfo *const *) a;
  const VbBackupInfo *right = *(const VbBackupInfo *const *) b;
  const int by_name = g_strcmp0 (left->vps_name, right->vps_name);
  const int by_vps = by_name != 0 ? by_name : g_strcmp0 (left->vps, right->vps);

  return by_vps != 0 ? by_vps : vb_backup_info_compare (left, right);
}

static JsonArray *
list_folder (VbCliPoolSource *self, GError **error)
{
  g_autoptr (GPtrArray) infos = vb_pool_list (self->pool, error);
  JsonArray *backups;

  if (infos == NULL)
    return NULL;
  g_ptr_array_sort (infos, compare_infos);
  backups = json_array_new ();
  for (guint i = 0; i < infos->len; i++)
    json_array_add_object_element (backups, make_backup (g_ptr_array_index (infos, i)));
  return backups;
}

/* ---- the service ---- */

static void
add_available (JsonArray *found, JsonObject *vps)
{
  g_autoptr (JsonArray) backups = vb_cli_get_array (vps, "backups");

  for (guint i = 0; i < json_array_get_length (backups); i++)
    {
      JsonObject *backup = json_array_get_object_element (backups, i);
      const char *state = vb_cli_get_string (backup, "state");

      if (g_strcmp0 (state, "available") != 0 && g_strcmp0 (state, "restoring") != 0)
        continue;
      json_object_set_string_member (backup, "vps", vb_cli_get_string (vps, "vps"));
      json_object_set_string_member (backup, "vps_name", vb_cli_get_string (vps, "name"));
      json_array_add_object_element (found, json_object_ref (backup));
    }
}

static JsonArray *
list_service (VbCliPoolSource *self, GError **error)
{
  g_autoptr (JsonObject) result = vb_cli_call (self->cli, "vps.list", NULL, error);
  g_autoptr (JsonArray) all = NULL;
  JsonArray *found;

  if (result == NULL)
    return NULL;
  all = vb_cli_get_array (result, "vps");
  found = json_array_new ();
  for (guint i = 0; i < json_array_get_length (all); i++)
    add_available (found, json_array_get_object_element (all, i));
  return found;
}

/* ---- both ---- */

JsonArray *
vb_cli_pool_source_list (VbCliPoolSource *self, GError **error)
{
  return self->pool != NULL ? list_folder (self, error) : list_service (self, error);
}

gboolean
vb_cli_pool_source_verify (VbCliPoolSource *self,
                           JsonObject *backup,
                           guint64 *bad_chunks,
                           GError **error)
{
  const char *vps = vb_cli_get_string (backup, "vps");
  const char *id = vb_cli_get_string (backup, "id");
  g_autoptr (JsonObject) result = NULL;

  if (self->pool != NULL)
    {
      g_autoptr (VbTransfer) transfer = vb_transfer_new (NULL, 0);

      return vb_pool_verify (self->pool, vps, id, transfer, bad_chunks, error);
    }
  result = vb_cli_call (self->cli, "backup.verify", vb_cli_params ("vps", vps, "backup", id, NULL),
                        error);
  if (result == NULL)
    return FALSE;
  *bad_chunks = vb_cli_get_int (result, "bad_chunks");
  return TRUE;
}
