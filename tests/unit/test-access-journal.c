/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Revocations and the audit log: they come back after a restart, and nobody can make them grow. */
#include "journal-lab.h"

#include <glib/gstdio.h>
#include <string.h>

#include "core/interfaces/vb-access-journal.h"

static void
take_back (JournalLab *f, gboolean is_token, const char *name, gint64 at_s)
{
  g_autoptr (VbRevocation) revocation = vb_revocation_new (is_token, name, at_s);
  g_autoptr (GError) error = NULL;

  vb_access_journal_save_revocation (VB_ACCESS_JOURNAL (f->journal), revocation, &error);
  g_assert_no_error (error);
}

static VbRevocations *
load (JournalLab *f)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list
      = vb_access_journal_load_revocations (VB_ACCESS_JOURNAL (f->journal), &error);
  VbRevocations *revocations = vb_revocations_new ();

  g_assert_no_error (error);
  for (guint i = 0; i < list->len; i++)
    vb_revocations_add (revocations, list->pdata[i], g_get_real_time () / G_USEC_PER_SEC);
  return revocations;
}

static void
test_revocations_survive (JournalLab *f, gconstpointer data)
{
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (VbRevocations) known = NULL;

  take_back (f, FALSE, "bob", now_s);
  take_back (f, FALSE, "bob", now_s - 100);
  take_back (f, TRUE, "bob", now_s);
  take_back (f, TRUE, "t'1", now_s);
  journal_lab_reopen (f);

  known = load (f);
  g_assert_cmpuint (vb_revocations_get_size (known), ==, 3);
  g_assert_true (vb_revocations_match (known, "bob", NULL, now_s));
  g_assert_true (vb_revocations_match (known, "bob", NULL, 0));
  g_assert_false (vb_revocations_match (known, "bob", NULL, now_s + 1));
  g_assert_true (vb_revocations_match (known, "eve", "t'1", now_s + 1));
  g_assert_true (vb_revocations_match (known, "eve", "bob", now_s + 1));
  g_assert_false (vb_revocations_match (known, "eve", NULL, 0));
  g_assert_false (vb_revocations_match (known, "t'1", "t2", 0));
}

static void
test_old_revocations_go (JournalLab *f, gconstpointer data)
{
  const gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
  g_autoptr (VbRevocations) known = NULL;

  take_back (f, FALSE, "old", now_s - VB_REVOCATION_KEPT_S - 1);
  take_back (f, FALSE, "kept", now_s - VB_REVOCATION_KEPT_S + 60);
  known = load (f);
  g_assert_cmpuint (vb_revocations_get_size (known), ==, 1);
  g_assert_true (vb_revocations_match (known, "kept", NULL, 0));
  journal_lab_reopen (f);
}

/* What is beside the journal when it is opened, and what is known then. */

static void
close_journal (JournalLab *f)
{
  g_clear_object (&f->journal);
}

static void
write_beside (JournalLab *f, const char *suffix, const char *text, gssize length)
{
  g_autofree char *path = g_strconcat (f->file, suffix, NULL);
  g_assert_true (g_file_set_contents (path, text, length, NULL));
}

static void
remove_beside (JournalLab *f, const char *suffix)
{
  g_autofree char *path = g_strconcat (f->file, suffix, NULL);
  g_unlink (path);
}

static void
remove_copy (JournalLab *f)
{
  g_autofree char *path = g_build_filename (f->folder, "revocations", NULL);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static guint
count_told (JournalLab *f)
{
  g_autoptr (GPtrArray) all = journal_lab_list_notifications (f, NULL, "tester", 0, 10);
  guint n = 0;
  for (guint i = 0; i < all->len; i++)
    n += ((VbNotification *) g_ptr_array_index (all, i))->type == VB_NOTIFICATION_JOURNAL_LOST;
  return n;
}

static void
lose_all (JournalLab *f)
{
  remove_beside (f, "");
  remove_beside (f, "-wal");
  remove_beside (f, "-shm");
}

static void
empty (JournalLab *f)
{
  lose_all (f);
  write_beside (f, "", "", 0);
}

/* For SQLite that is an empty one. */
static void
keep_one_byte (JournalLab *f)
{
  lose_all (f);
  write_beside (f, "", "S", 1);
}

static void
damage_log (JournalLab *f)
{
  char nonsense[4096];
  memset (nonsense, 0x5a, sizeof nonsense);
  write_beside (f, "-wal", nonsense, sizeof nonsense);
}

static void
expect_revoked (JournalLab *f, const char *subject, gboolean expected)
{
  g_autoptr (VbRevocations) known = load (f);
  g_assert_cmpint (
      vb_revocations_match (known, subject, NULL, g_get_real_time () / G_USEC_PER_SEC - 10), ==,
      expected);
}

static void
test_loss (JournalLab *f, gconstpointer data)
{
  void (*const ways[]) (JournalLab *) = { lose_all, empty, keep_one_byte, damage_log };

  /* A new one beside nothing is no loss. */
  expect_revoked (f, "bob", FALSE);
  g_assert_cmpuint (count_told (f), ==, 0);
  take_back (f, FALSE, "bob smith\n", g_get_real_time () / G_USEC_PER_SEC);
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      close_journal (f);
      ways[i](f);
      journal_lab_reopen (f);
      guint before = count_told (f);
      expect_revoked (f, "bob smith\n", TRUE); /* the second copy knows */
      expect_revoked (f, "eve", FALSE);
      g_assert_cmpuint (count_told (f), ==, before + 1);
      journal_lab_reopen (f);
      expect_revoked (f, "bob smith\n", TRUE);
      g_assert_cmpuint (count_told (f), ==, before + 1);
    }
}

/* With the copy gone as well nobody knows who was sent away: then everybody is. */
static void
test_loss_of_both (JournalLab *f, gconstpointer data)
{
  g_autofree char *locks = g_build_filename (f->folder, "locks", NULL);
  g_autofree char *lock = g_build_filename (locks, VPS_A, NULL);

  expect_revoked (f, "eve", FALSE);
  close_journal (f);
  lose_all (f);
  remove_copy (f);
  g_assert_cmpint (g_mkdir (locks, 0755), ==, 0);
  g_assert_true (g_file_set_contents (lock, "swap x\n", -1, NULL));
  journal_lab_reopen (f);
  expect_revoked (f, "eve", TRUE);
  g_assert_cmpuint (count_told (f), ==, 1);
  g_unlink (lock);
  g_rmdir (locks);
}

/* The audit log */

static VbAuditEntry *
make_entry (const char *method, const char *vps, const char *target, const char *outcome)
{
  VbAuditEntry *entry = vb_audit_entry_new ();

  entry->subject = g_strdup ("bob");
  entry->address = g_strdup ("198.51.100.7");
  entry->method = g_strdup (method);
  entry->vps = g_strdup (vps);
  entry->target = g_strdup (target);
  entry->outcome = g_strdup (outcome);
  return entry;
}

static gint64
add (JournalLab *f, VbAuditEntry *entry)
{
  g_autoptr (GPtrArray) entries
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_audit_entry_free);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (entries, entry);
  vb_access_journal_add_audit (VB_ACCESS_JOURNAL (f->journal), entries, &error);
  g_assert_no_error (error);
  return entry->id;
}

static GPtrArray *
list (JournalLab *f, const char *vps, gint64 before, guint limit)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *entries = vb_access_journal_list_audit (VB_ACCESS_JOURNAL (f->journal), vps, FALSE,
                                                     before, limit, &error);

  g_assert_no_error (error);
  return entries;
}

static void
test_audit_round_trip (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) of_one = NULL;
  g_autoptr (GPtrArray) older = NULL;
  VbAuditEntry *entry = make_entry ("backup.delete", VPS_A, "b1", "ok");
  gint64 first, second;

  entry->token_id = g_strdup ("t1");
  first = add (f, entry);
  second = add (f, make_entry ("power.stop", VPS_B, NULL, "forbidden"));
  g_assert_cmpint (second, >, first);
  journal_lab_reopen (f);

  all = list (f, NULL, 0, 10);
  g_assert_cmpuint (all->len, ==, 2);
  entry = all->pdata[1];
  g_assert_cmpint (entry->id, ==, first);
  g_assert_cmpint (entry->count, ==, 1);
  g_assert_cmpstr (entry->subject, ==, "bob");
  g_assert_cmpstr (entry->address, ==, "198.51.100.7");
  g_assert_cmpstr (entry->token_id, ==, "t1");
  g_assert_cmpstr (entry->method, ==, "backup.delete");
  g_assert_cmpstr (entry->vps, ==, VPS_A);
  g_assert_cmpstr (entry->target, ==, "b1");
  g_assert_cmpstr (entry->outcome, ==, "ok");
  g_assert_nonnull (entry->at);

  of_one = list (f, VPS_B, 0, 10);
  g_assert_cmpuint (of_one->len, ==, 1);
  g_assert_cmpint (((VbAuditEntry *) of_one->pdata[0])->id, ==, second);
  older = list (f, NULL, second, 10);
  g_assert_cmpuint (older->len, ==, 1);
  g_assert_cmpint (((VbAuditEntry *) older->pdata[0])->id, ==, first);
}

static void
test_repetitions_are_counted (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) all = NULL;
  VbAuditEntry *old = make_entry ("vps.get", VPS_A, NULL, "not_found");
  GDateTime *now = old->at;

  /* Whoever asks for one VPS after the other fills one line. */
  old->at = g_date_time_add_seconds (now, -61);
  g_date_time_unref (now);
  add (f, old);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *vps = g_uuid_string_random ();

      add (f, make_entry ("vps.get", vps, NULL, "not_found"));
    }
  /* What was done is another thing each time, unless it is the very same. */
  add (f, make_entry ("backup.delete", VPS_A, "b1", "ok"));
  add (f, make_entry ("backup.delete", VPS_A, "b2", "ok"));
  add (f, make_entry ("backup.delete", VPS_A, "b2", "ok"));

  all = list (f, NULL, 0, 1000);
  g_assert_cmpuint (all->len, ==, 4);
  g_assert_cmpint (((VbAuditEntry *) all->pdata[0])->count, ==, 2);
  g_assert_cmpint (((VbAuditEntry *) all->pdata[1])->count, ==, 1);
  g_assert_cmpint (((VbAuditEntry *) all->pdata[2])->count, ==, 100);
  g_assert_cmpint (((VbAuditEntry *) all->pdata[3])->count, ==, 1);
}

static gint64
only_id (JournalLab *f, const char *vps, gint64 before)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries
      = vb_access_journal_list_audit (VB_ACCESS_JOURNAL (f->journal), vps, TRUE, before, 2, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (entries->len, ==, 1);
  return ((VbAuditEntry *) entries->pdata[0])->id;
}

static void
test_what_was_done (JournalLab *f, gconstpointer data)
{
  const gint64 first = add (f, make_entry ("backup.delete", VPS_A, "b1", "ok"));
  const gint64 second = add (f, make_entry ("power.stop", VPS_B, NULL, "ok"));

  /* Neither of these was done to a VPS, and none takes the place of one that was. */
  add (f, make_entry ("vps.get", VPS_A, NULL, "not_found"));
  add (f, make_entry ("backup.delete", VPS_A, NULL, "forbidden"));
  add (f, make_entry ("push.subscribe", "*", NULL, "ok"));
  add (f, make_entry ("session.revoke", NULL, "bob", "ok"));
  g_assert_cmpint (only_id (f, VPS_A, 0), ==, first);
  g_assert_cmpint (only_id (f, VPS_B, 0), ==, second);
  g_assert_cmpint (only_id (f, NULL, second), ==, first);
}

static void
test_the_audit_log_is_kept_for_a_year (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) all = NULL;
  VbAuditEntry *old = make_entry ("power.stop", VPS_A, NULL, "ok");
  GDateTime *now = old->at;

  old->at = g_date_time_add_days (now, -366);
  g_date_time_unref (now);
  add (f, old);
  add (f, make_entry ("power.start", VPS_A, NULL, "ok"));
  all = list (f, NULL, 0, 10);
  g_assert_cmpuint (all->len, ==, 1);
  g_assert_cmpstr (((VbAuditEntry *) all->pdata[0])->method, ==, "power.start");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
#define ADD(path, func)                                                                            \
  g_test_add ("/access-journal/" path, JournalLab, NULL, journal_lab_set_up, func,                 \
              journal_lab_tear_down)
  ADD ("revocations-survive", test_revocations_survive);
  ADD ("old-revocations-go", test_old_revocations_go);
  ADD ("loss", test_loss);
  ADD ("loss-of-both", test_loss_of_both);
  ADD ("audit-round-trip", test_audit_round_trip);
  ADD ("repetitions-are-counted", test_repetitions_are_counted);
  ADD ("what-was-done", test_what_was_done);
  ADD ("kept-for-a-year", test_the_audit_log_is_kept_for_a_year);
  return g_test_run ();
}
