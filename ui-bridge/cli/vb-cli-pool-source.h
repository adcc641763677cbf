/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-cli.h"

G_BEGIN_DECLS

/**
 * VbCliPoolSource:
 *
 * Where the command line finds the backups of a pool: in its folder, or by asking the service.
 */
typedef struct _VbCliPoolSource VbCliPoolSource;

/** vb_cli_pool_source_new: @path: (nullable): folder of the pool; %NULL: the pool of the service */
VbCliPoolSource *vb_cli_pool_source_new (VbCli *cli, const char *path, GError **error);
void vb_cli_pool_source_free (VbCliPoolSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbCliPoolSource, vb_cli_pool_source_free)

/**
 * vb_cli_pool_source_list:
 *
 * Returns: (transfer full) (nullable): complete backups, as Backup objects of the protocol with the
 * members "vps" and "vps_name" in addition; through the service only those of VPSs that it has
 */
JsonArray *vb_cli_pool_source_list (VbCliPoolSource *self, GError **error);

/** vb_cli_pool_source_verify: reads all of @backup, one from the list; @bad_chunks: (out): how many
 * differ from their sums */
gboolean vb_cli_pool_source_verify (VbCliPoolSource *self,
                                    JsonObject *backup,
                                    guint64 *bad_chunks,
                                    GError **error);

G_END_DECLS
