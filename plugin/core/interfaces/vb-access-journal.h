/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "core/model/vb-audit-entry.h"
#include "core/model/vb-revocation.h"

G_BEGIN_DECLS

/**
 * VbAccessJournal:
 *
 * The part of the journal that knows who may come in no more and who has asked what. Whoever
 * implements #VbJournal implements this, too. All methods block until the data is on stable
 * storage, are called from worker threads, and are thread-safe.
 */
#define VB_TYPE_ACCESS_JOURNAL (vb_access_journal_get_type ())
G_DECLARE_INTERFACE (VbAccessJournal, vb_access_journal, VB, ACCESS_JOURNAL, GObject)

/**
 * VbAccessJournalInterface:
 * @save_revocation: keeps @revocation as long as a token that it concerns can live; the later one
 * of two of the same name counts
 * @load_revocations: (transfer full) (element-type VbRevocation): those that still matter
 * @add_audit: (element-type VbAuditEntry): adds @entries in one transaction and fills in their ids.
 * A repetition within a minute only counts up the first one, so that nobody can make the log grow
 * by asking again and again
 * @list_audit: (transfer full) (element-type VbAuditEntry): of the VPS @vps (%NULL: all) with an id
 * < @before (0: all), newest first, at most @limit. @done_only: only what was done to a VPS: others
 * who ask for much and are refused neither hide it nor make it slow to find
 */
struct _VbAccessJournalInterface
{
  GTypeInterface parent_iface;

  gboolean (*save_revocation) (VbAccessJournal *self,
                               const VbRevocation *revocation,
                               GError **error);
  GPtrArray *(*load_revocations) (VbAccessJournal *self, GError **error);
  gboolean (*add_audit) (VbAccessJournal *self, GPtrArray *entries, GError **error);
  GPtrArray *(*list_audit) (VbAccessJournal *self,
                            const char *vps,
                            gboolean done_only,
                            gint64 before,
                            guint limit,
                            GError **error);
};

gboolean vb_access_journal_save_revocation (VbAccessJournal *self,
                                            const VbRevocation *revocation,
                                            GError **error);
GPtrArray *vb_access_journal_load_revocations (VbAccessJournal *self, GError **error);
gboolean vb_access_journal_add_audit (VbAccessJournal *self, GPtrArray *entries, GError **error);
GPtrArray *vb_access_journal_list_audit (VbAccessJournal *self,
                                         const char *vps,
                                         gboolean done_only,
                                         gint64 before,
                                         guint limit,
                                         GError **error);

G_END_DECLS
