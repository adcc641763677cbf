/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal as a #VbAccessJournal. */
#include "vb-sqlite-access.h"
#include "vb-sqlite-destinations.h"
#include "vb-sqlite-journal-private.h"

typedef struct
{
  const char *vps;
  gint64 before;
  guint limit;
  GPtrArray *found; /* what was read */
} Query;

static gboolean
save_revocation (VbSqlite *sqlite, gpointer data, GError **error)
{
  return vb_sqlite_access_save_revocation (sqlite, data, error)
         && vb_sqlite_destinations_revoke (sqlite, data, error);
}

static gboolean
vb_sqlite_journal_save_revocation (VbAccessJournal *journal,
                                   const VbRevocation *revocation,
                                   GError **error)
{
  return vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (journal), save_revocation,
                                        (gpointer) revocation, error);
}

static gboolean
load_revocations (VbSqlite *sqlite, gpointer data, GError **error)
{
  GPtrArray **found = data;

  *found = vb_sqlite_access_load_revocations (sqlite, error);
  return *found != NULL;
}

static GPtrArray *
vb_sqlite_journal_load_revocations (VbAccessJournal *journal, GError **error)
{
  g_autoptr (GPtrArray) found = NULL;

  return vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (journal), load_revocations, &found,
                                        error)
             ? g_steal_pointer (&found)
             : NULL;
}

static gboolean
add_audit (VbSqlite *sqlite, gpointer data, GError **error)
{
  return vb_sqlite_access_add_audit (sqlite, data, error);
}

static gboolean
vb_sqlite_journal_add_audit (VbAccessJournal *journal, GPtrArray *entries, GError **error)
{
  return vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (journal), add_audit, entries, error);
}

static gboolean
list_audit (VbSqlite *sqlite, gpointer data, GError **error)
{
  Query *query = data;

  query->found
      = vb_sqlite_access_list_audit (sqlite, query->vps, query->before, query->limit, error);
  return query->found != NULL;
}

static GPtrArray *
vb_sqlite_journal_list_audit (VbAccessJournal *journal,
                              const char *vps,
                              gint64 before,
                              guint limit,
                              GError **error)
{
  Query query = { .vps = vps, .before = before, .limit = limit };

  if (vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (journal), list_audit, &query, error))
    return query.found;

  g_clear_pointer (&query.found, g_ptr_array_unref);
  return NULL;
}

void
vb_sqlite_journal_access_init (VbAccessJournalInterface *iface)
{
  iface->save_revocation = vb_sqlite_journal_save_revocation;
  iface->load_revocations = vb_sqlite_journal_load_revocations;
  iface->add_audit = vb_sqlite_journal_add_audit;
  iface->list_audit = vb_sqlite_journal_list_audit;
}
