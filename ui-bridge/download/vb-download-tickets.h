/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "auth/vb-identity.h"

G_BEGIN_DECLS

/**
 * VbDownloadTicket:
 * @identity: who asked for it; it ends when their token is revoked
 * @vps: UUID
 * @backup: its id
 * @disk: name of the disk
 * @name: of the file that the client is to save
 * @expires_us: monotonic time; later once it has been used
 * @used: whether a download has begun with it
 */
typedef struct
{
  VbIdentity *identity;
  char *vps;
  char *backup;
  char *disk;
  char *name;
  gint64 expires_us;
  gboolean used;
} VbDownloadTicket;

/**
 * VbDownloadTickets:
 *
 * Who may fetch what, for a while: a ticket is the permission itself, so that a browser can
 * download without a token in its address. Tickets are random, 256 bits, and live in memory only.
 * Main context only.
 */
typedef struct _VbDownloadTickets VbDownloadTickets;

/** How long a ticket waits for its first use, and how long it can be used from then on. */
#define VB_DOWNLOAD_TICKET_UNUSED_S G_GINT64_CONSTANT (60)
#define VB_DOWNLOAD_TICKET_USED_S G_GINT64_CONSTANT (86400)

VbDownloadTickets *vb_download_tickets_new (void);
void vb_download_tickets_free (VbDownloadTickets *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDownloadTickets, vb_download_tickets_free)

/**
 * vb_download_tickets_add:
 * @ticket: (transfer full): from vb_download_ticket_new()
 * @now_us: monotonic time
 *
 * Returns: (transfer full) (nullable): the ticket's text; %NULL with %VB_ERROR_RATE_LIMITED when
 * its subject has too many that were not used
 */
char *vb_download_tickets_add (VbDownloadTickets *self,
                               VbDownloadTicket *ticket,
                               gint64 now_us,
                               GError **error);

/** vb_download_tickets_find: Returns: (transfer none) (nullable): what @text stands for at
 * @now_us */
const VbDownloadTicket *
vb_download_tickets_find (VbDownloadTickets *self, const char *text, gint64 now_us);

/** vb_download_tickets_use: from now on it lasts longer */
void vb_download_tickets_use (VbDownloadTickets *self, const char *text, gint64 now_us);

void vb_download_tickets_remove (VbDownloadTickets *self, const char *text);

/** vb_download_ticket_new: Returns: (transfer full): a ticket; the strings are copied */
VbDownloadTicket *vb_download_ticket_new (VbIdentity *identity,
                                          const char *vps,
                                          const char *backup,
                                          const char *disk,
                                          const char *name);
void vb_download_ticket_free (VbDownloadTicket *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbDownloadTicket, vb_download_ticket_free)

G_END_DECLS
