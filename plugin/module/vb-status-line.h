/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-config.h"
#include "core/manager/vb-manager.h"

G_BEGIN_DECLS

/**
 * vb_status_line:
 *
 * What the service does at the moment, for people; begins with what it waits for if there is
 * anything. Main context.
 *
 * Returns: (transfer full): one line in English
 */
char *vb_status_line (VbManager *manager, const VbConfig *config);

G_END_DECLS
