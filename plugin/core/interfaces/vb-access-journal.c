/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-access-journal.h"

G_DEFINE_INTERFACE (VbAccessJournal, vb_access_journal, G_TYPE_OBJECT)

static void
vb_access_journal_default_init (VbAccessJournalInterface *iface)
{
}

gboolean
vb_access_journal_save_revocation (VbAccessJournal *self,
                                   const VbRevocation *revocation,
                                   GError **error)
{
  return VB_ACCESS_JOURNAL_GET_IFACE (self)->save_revocation (self, revocation, error);
}

GPtrArray *
vb_access_journal_load_revocations (VbAccessJournal *self, GError **error)
{
  return VB_ACCESS_JOURNAL_GET_IFACE (self)->load_revocations (self, error);
}

gboolean
vb_access_journal_add_audit (VbAccessJournal *self, GPtrArray *entries, GError **error)
{
  return VB_ACCESS_JOURNAL_GET_IFACE (self)->add_audit (self, entries, error);
}

GPtrArray *
vb_access_journal_list_audit (VbAccessJournal *self,
                              const char *vps,
                              gboolean done_only,
                              gint64 before,
                              guint limit,
                              GError **error)
{
  return VB_ACCESS_JOURNAL_GET_IFACE (self)->list_audit (self, vps, done_only, before, limit,
                                                         error);
}
