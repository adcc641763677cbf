/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/manager/vb-manager.h"

G_BEGIN_DECLS

/** vb_service_signals_install: gives the class of services the signals of vps-backup-module.h;
 * once */
void vb_service_signals_install (GType type);

/** vb_service_signals_connect: @service emits them from now on for what happens in @manager, until
 * the handlers with
 * @service as their data are disconnected */
void vb_service_signals_connect (GObject *service, VbManager *manager);

G_END_DECLS
