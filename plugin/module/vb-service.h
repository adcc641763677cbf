/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbService:
 *
 * The composition root: reads the config file and builds everything from it, in order, and takes it
 * apart again. What the module's create() returns; see vps-backup-module.h for the contract. Main
 * context only.
 */
#define VB_TYPE_SERVICE (vb_service_get_type ())
G_DECLARE_FINAL_TYPE (VbService, vb_service, VB, SERVICE, GObject)

/** vb_service_new: Returns: (transfer full) (nullable): a service that does nothing yet */
VbService *vb_service_new (const char *config_file, GError **error);

void vb_service_start_async (VbService *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean vb_service_start_finish (VbService *self, GAsyncResult *result, GError **error);

void vb_service_stop_async (VbService *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean vb_service_stop_finish (VbService *self, GAsyncResult *result, GError **error);

G_END_DECLS
