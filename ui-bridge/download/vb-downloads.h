/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "core/manager/vb-manager.h"
#include "net/vb-acceptor.h"
#include "vb-download-tickets.h"

G_BEGIN_DECLS

#define VB_DOWNLOADS_PATH "/v1/download/"

/**
 * VbDownloads:
 *
 * What may be downloaded, and the downloads under way: few at a time in all and for each subject,
 * so that nobody takes all of the disk from the others. Main context only.
 */
#define VB_TYPE_DOWNLOADS (vb_downloads_get_type ())
G_DECLARE_FINAL_TYPE (VbDownloads, vb_downloads, VB, DOWNLOADS, GObject)

/** VbDownloadsIsRevoked: Returns: whether the token of @identity was revoked */
typedef gboolean (*VbDownloadsIsRevoked) (gpointer user_data, VbIdentity *identity);

VbDownloads *vb_downloads_new (VbManager *manager);

/** vb_downloads_set_revocations: @func: asked before each download */
void
vb_downloads_set_revocations (VbDownloads *self, VbDownloadsIsRevoked func, gpointer user_data);

/**
 * vb_downloads_offer:
 * @file: a disk of @backup
 * @expires_at: (out) (transfer full): when the ticket ends unless it is used
 * @name: (out) (transfer full): what the client is to save it as
 *
 * Returns: (transfer full) (nullable): path and ticket of a download of it for @identity
 */
char *vb_downloads_offer (VbDownloads *self,
                          VbIdentity *identity,
                          const char *vps,
                          const char *backup,
                          const char *disk,
                          GDateTime **expires_at,
                          char **name,
                          GError **error);

/**
 * vb_downloads_handle:
 * @message: a GET or HEAD of a path that begins with %VB_DOWNLOADS_PATH
 * @acceptor: where the connection of @message came in: from now on it is one that stays, of the
 * share of the ticket's subject, so that nobody can have it cut by connecting often
 * @range: (nullable): its Range header
 *
 * Returns: %SOUP_STATUS_NONE when the answer is under way, else the status to answer with
 */
guint vb_downloads_handle (VbDownloads *self,
                           SoupServerMessage *message,
                           VbAcceptor *acceptor,
                           VbPeer *peer,
                           const char *range);

G_END_DECLS
