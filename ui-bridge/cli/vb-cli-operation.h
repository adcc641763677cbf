/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/** vb_cli_finish_operation: waits for the operation that @result (of a request that began one)
 * names, and prints how it has ended; Returns: whether it was completed */
gboolean
vb_cli_finish_operation (VbCli *self, const char *vps_id, JsonObject *result, GError **error);

G_END_DECLS
