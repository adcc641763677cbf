/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one symbol that the module exports. */
#include "vb-service.h"
#include "vps-backup-module.h"

static GObject *
create (const char *config_file, GError **error)
{
  if (!vps_backup_module_check_process (error))
    return NULL;
  return (GObject *) vb_service_new (config_file, error);
}

static void
start_async (GObject *service, GAsyncReadyCallback callback, gpointer user_data)
{
  vb_service_start_async (VB_SERVICE (service), callback, user_data);
}

static gboolean
start_finish (GObject *service, GAsyncResult *result, GError **error)
{
  return vb_service_start_finish (VB_SERVICE (service), result, error);
}

static void
stop_async (GObject *service, GAsyncReadyCallback callback, gpointer user_data)
{
  vb_service_stop_async (VB_SERVICE (service), callback, user_data);
}

static gboolean
stop_finish (GObject *service, GAsyncResult *result, GError **error)
{
  return vb_service_stop_finish (VB_SERVICE (service), result, error);
}

G_MODULE_EXPORT const VpsBackupModule vps_backup_module = {
  .magic = VPS_BACKUP_MODULE_MAGIC,
  .abi_version = VPS_BACKUP_MODULE_ABI,
  .struct_size = sizeof (VpsBackupModule),
  .name = "vps-backup",
  .version = VB_VERSION,
  .create = create,
  .start_async = start_async,
  .start_finish = start_finish,
  .stop_async = stop_async,
  .stop_finish = stop_finish,
};
