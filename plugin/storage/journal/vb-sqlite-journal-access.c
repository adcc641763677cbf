/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal as a #VbAccessJournal. */
#include "core/base/vb-log.h"
#include "vb-revocation-copy.h"
#include "vb-sqlite-access.h"
#include "vb-sqlite-destinations.h"
#include "vb-sqlite-journal-private.h"
#include "vb-sqlite-notifications.h"

typedef struct
{
  const char *vps;
  gboolean done_only;
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
load_revocations (VbSqlite *sqlite, gpointer data, GError **error)
{
  GPtrArray **found = data;

  *found = vb_sqlite_access_load_revocations (sqlite, error);
  return *found != NULL;
}

/* One that cannot be written is no reason to let somebody in: the journal has it. */
static void
write_copy (VbSqliteJournal *self, GPtrArray *all)
{
  g_autoptr (GError) error = NULL;

  if (!vb_revocation_copy_save (vb_sqlite_journal_get_copy (self), all, &error))
    vb_log_warning (NULL, NULL, NULL, "The second copy of the revocations is not up to date: %s",
                    error->message);
}

static gboolean
vb_sqlite_journal_save_revocation (VbAccessJournal *journal,
                                   const VbRevocation *revocation,
                                   GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GPtrArray) all = NULL;

  if (!vb_sqlite_journal_transaction (self, save_revocation, (gpointer) revocation, error)
      || !vb_sqlite_journal_transaction (self, load_revocations, &all, error))
    return FALSE;
  write_copy (self, all);
  return TRUE;
}

static gboolean
save_all (VbSqlite *sqlite, gpointer data, GError **error)
{
  GPtrArray *all = data;

  for (guint i = 0; i < all->len; i++)
    if (!save_revocation (sqlite, g_ptr_array_index (all, i), error))
      return FALSE;
  return TRUE;
}

/* ---- what was lost ---- */

static gboolean
add_notification (VbSqlite *sqlite, gpointer data, GError **error)
{
  return vb_sqlite_notifications_add (sqlite, data, error);
}

/* Without the second copy there is no telling whose tokens had been taken back. */
static gboolean
send_everybody_away (VbSqliteJournal *self, GError **error)
{
  g_autoptr (VbRevocation) all
      = vb_revocation_new (FALSE, VB_REVOCATION_EVERYBODY, g_get_real_time () / G_USEC_PER_SEC);

  vb_log_warning (NULL, NULL, NULL,
                  "Which tokens were revoked is lost as well: those issued until now are refused");
  return vb_sqlite_journal_transaction (self, save_revocation, all, error);
}

/* Stores what the operator has to know; not at the opening, when the webhook is not set yet. */
static gboolean
tell_loss (VbSqliteJournal *self, GError **error)
{
  VbJournalLoss loss = vb_sqlite_journal_take_loss (self);
  g_autoptr (VbNotification) notification = vb_notification_new ();

  if (loss == VB_JOURNAL_LOSS_NONE)
    return TRUE;
  vb_log_warning (
      NULL, NULL, NULL,
      "%s: operations that were under way, notifications and the audit log of "
      "that time are gone; “vps-backupctl doctor” says whether a VPS was left in the middle of a "
      "restore",
      loss == VB_JOURNAL_LOSS_ALL ? "The journal was missing or empty and has begun anew"
                                  : "The journal's log was damaged: what was written last is lost");
  notification->type = VB_NOTIFICATION_JOURNAL_LOST;
  notification->vps = g_strdup (VB_NOTIFICATION_HOST);
  notification->vps_name = g_strdup ("");
  notification->operation = g_uuid_string_random ();
  notification->created_at = g_date_time_new_now_utc ();
  if (!vb_sqlite_journal_transaction (self, add_notification, notification, error))
    return FALSE;
  return g_file_test (vb_sqlite_journal_get_copy (self), G_FILE_TEST_EXISTS)
         || send_everybody_away (self, error);
}

static GPtrArray *
vb_sqlite_journal_load_revocations (VbAccessJournal *journal, GError **error)
{
  VbSqliteJournal *self = VB_SQLITE_JOURNAL (journal);
  g_autoptr (GError) local = NULL;
  g_autoptr (GPtrArray) copied
      = vb_revocation_copy_load (vb_sqlite_journal_get_copy (self), &local);
  g_autoptr (GPtrArray) found = NULL;

  if (!tell_loss (self, error))
    return NULL;
  if (copied == NULL)
    vb_log_warning (NULL, NULL, NULL, "The second copy of the revocations is of no use: %s",
                    local->message);
  if (!vb_sqlite_journal_transaction (self, load_revocations, &found, error))
    return NULL;
  if (copied != NULL && vb_revocation_copy_merge (found, copied)
      && !vb_sqlite_journal_transaction (self, save_all, found, error))
    return NULL;
  write_copy (self, found);
  return g_steal_pointer (&found);
}

/* ---- audit ---- */

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

  query->found = vb_sqlite_access_list_audit (sqlite, query->vps, query->done_only, query->before,
                                              query->limit, error);
  return query->found != NULL;
}

static GPtrArray *
vb_sqlite_journal_list_audit (VbAccessJournal *journal,
                              const char *vps,
                              gboolean done_only,
                              gint64 before,
                              guint limit,
                              GError **error)
{
  Query query = { .vps = vps, .done_only = done_only, .before = before, .limit = limit };

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
