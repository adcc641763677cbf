/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-claims.h"
#include "storage/layout/vb-pool-handle.h"

G_BEGIN_DECLS

/**
 * VbDirectoryClaims:
 *
 * #VbClaims as files in the pool itself, see vb-claim-file.h: only the file system that the hosts
 * share stands between them. A thread of its own renews those that we hold and watches those of
 * others. It starts with the first claim or watch, and a pool that hangs holds up this thread only.
 */
#define VB_TYPE_DIRECTORY_CLAIMS (vb_directory_claims_get_type ())
G_DECLARE_FINAL_TYPE (VbDirectoryClaims, vb_directory_claims, VB, DIRECTORY_CLAIMS, GObject)

/**
 * vb_directory_claims_new:
 * @owner: names all services that cannot be alive when this one is: claims that an earlier one of
 * them has left are ours
 * @timeout_s: how long a claim lives that is not renewed
 */
VbDirectoryClaims *vb_directory_claims_new (VbPoolHandle *root, const char *owner, guint timeout_s);

/** vb_directory_claims_owner_of: Returns: (transfer full): the owner for the service that has
 * locked this state folder */
char *vb_directory_claims_owner_of (const char *state_folder);

/** vb_directory_claims_watch: from now on the claims of others are watched. Any thread */
gboolean vb_directory_claims_watch (VbDirectoryClaims *self, GError **error);

/** vb_directory_claims_stop: nothing is renewed or watched any more; claims that are held stay
 * until they expire. Any thread */
void vb_directory_claims_stop (VbDirectoryClaims *self);

/** vb_directory_claims_has_remains: whether a host that died has left something for
 * vb_directory_claims_bury(). Any thread */
gboolean vb_directory_claims_has_remains (VbDirectoryClaims *self);

/** vb_directory_claims_bury: right before a sweep: ends all claims that have expired; halves of
 * backups become deleted ones. Worker thread */
void vb_directory_claims_bury (VbDirectoryClaims *self);

G_END_DECLS
