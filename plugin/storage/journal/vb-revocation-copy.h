/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-revocation.h"

G_BEGIN_DECLS

/* A second copy of the revocations, in a small text file beside the journal: should that be lost or
 * damaged, whoever was sent away stays away. Blocks. */

/** vb_revocation_copy_path: Returns: (transfer full): of the journal @file */
char *vb_revocation_copy_path (const char *file);

/**
 * vb_revocation_copy_load:
 * @error: (out) (optional): of #VB_ERROR
 *
 * Returns: (transfer full) (nullable) (element-type VbRevocation): what it has; none when there is
 * no such file
 */
GPtrArray *vb_revocation_copy_load (const char *path, GError **error);

/** vb_revocation_copy_save: @revocations: (element-type VbRevocation): all that there are. Durable
 * or not changed */
gboolean vb_revocation_copy_save (const char *path, GPtrArray *revocations, GError **error);

/** vb_revocation_copy_merge: adds to @into what only @from has, or has later. Returns: whether
 * there was any */
gboolean vb_revocation_copy_merge (GPtrArray *into, GPtrArray *from);

G_END_DECLS
