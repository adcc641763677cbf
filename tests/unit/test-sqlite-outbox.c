/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outbox: who is to be told of what, in which order, and until when. */
#include "journal-lab.h"
#include "core/interfaces/vb-access-journal.h"
#include "core/base/vb-error.h"
#include "core/interfaces/vb-outbox.h"

#define DAY_US (24 * 3600 * G_TIME_SPAN_SECOND)

static VbOutbox *
outbox_of (JournalLab *f)
{
  return VB_OUTBOX (f->journal);
}

static void
set_webhook (JournalLab *f, gboolean enabled)
{
  g_autoptr (GError) error = NULL;

  vb_outbox_set_webhook (outbox_of (f), enabled, &error);
  g_assert_no_error (error);
}

static gboolean
try_subscribe (JournalLab *f,
               const char *subject,
               const char *endpoint,
               const char *vps,
               gint64 until_us,
               GError **error)
{
  const char *const list[] = { vps, NULL };
  VbPushSubscription subscription = { .endpoint = (char *) endpoint,
                                      .p256dh = (char *) "key",
                                      .auth = (char *) "secret",
                                      .locale = (char *) "de",
                                      .subject = (char *) subject,
                                      .token_id = (char *) "jti" };

  return vb_outbox_subscribe (outbox_of (f), &subscription, list, until_us, 3, error);
}

static void
subscribe (JournalLab *f, const char *subject, const char *endpoint, const char *vps)
{
  g_autoptr (GError) error = NULL;

  try_subscribe (f, subject, endpoint, vps, g_get_real_time () + DAY_US, &error);
  g_assert_no_error (error);
}

/* All that is due, at @later_us from now. */
static GPtrArray *
list (JournalLab *f, VbChannel channel, gint64 later_us, gint64 *next_us)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *due = vb_outbox_list_due (outbox_of (f), channel, g_get_real_time () + later_us, 100,
                                       next_us, &error);

  g_assert_no_error (error);
  return due;
}

static guint
count (JournalLab *f, VbChannel channel)
{
  gint64 next_us;
  g_autoptr (GPtrArray) due = list (f, channel, 0, &next_us);

  return due->len;
}

static void
notify (JournalLab *f, const char *vps, const char *operation)
{
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_FAILED, vps, operation);
}

static void
test_together (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  VbDelivery *one, *again;
  gint64 next_us;

  notify (f, VPS_A, "nobody-listens");
  set_webhook (f, TRUE);
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 0);
  notify (f, VPS_A, "op-1");
  before = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (before->len, ==, 1);
  g_assert_cmpint (next_us, ==, 0);

  /* The same outcome again, as after a crash, is not told twice, and its key stays. */
  notify (f, VPS_A, "op-1");
  journal_lab_reopen (f);
  set_webhook (f, TRUE);
  after = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (after->len, ==, 1);
  one = before->pdata[0];
  again = after->pdata[0];
  g_assert_cmpstr (one->key, ==, again->key);
  g_assert_cmpstr (again->vps, ==, VPS_A);
  g_assert_null (again->subscription);
  g_assert_cmpstr (again->notification->operation, ==, "op-1");
  g_assert_cmpint (again->notification->type, ==, VB_NOTIFICATION_BACKUP_FAILED);

  g_assert_true (vb_outbox_close (outbox_of (f), again, TRUE, NULL));
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 0);
}

/* What is for administrators goes to the webhook, and to no customer's device. */
static void
test_for_admins (JournalLab *f, gconstpointer data)
{
  set_webhook (f, TRUE);
  subscribe (f, "alice", "https://push.example/1", VPS_A);
  journal_lab_notify (f, VB_NOTIFICATION_BACKUP_DAMAGED, VPS_A, "a check");
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 1);
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 0);
  notify (f, VPS_A, "op-1");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 1);
}

/* If either cannot be stored, neither is. */
static void
test_all_or_nothing (JournalLab *f, gconstpointer data)
{
  g_autoptr (VbOperationRecord) record = journal_lab_make_record ("op", VPS_A, VB_OPERATION_FAILED);
  g_autoptr (VbNotification) notification = vb_notification_new ();
  g_autoptr (GPtrArray) operations = NULL;
  g_autoptr (GPtrArray) notifications = NULL;

  set_webhook (f, TRUE);
  g_clear_object (&f->journal);
  journal_lab_exec_sql (f, "CREATE TRIGGER refuse BEFORE INSERT ON outbox"
                           " BEGIN SELECT raise (ABORT, 'no'); END");
  journal_lab_reopen (f);
  notification->vps = g_strdup (VPS_A);
  notification->operation = g_strdup ("op");
  notification->created_at = g_date_time_new_now_utc ();
  g_assert_false (vb_journal_save_operation (f->journal, record, notification, NULL));

  operations = journal_lab_list_operations (f, VPS_A, 10);
  notifications = journal_lab_list_notifications (f, NULL, "alice", 0, 10);
  g_assert_cmpuint (operations->len, ==, 0);
  g_assert_cmpuint (notifications->len, ==, 0);
}

static void
test_order (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) held = NULL;
  g_autoptr (GPtrArray) second = NULL;
  gint64 now_us = g_get_real_time ();
  gint64 next_us;

  set_webhook (f, TRUE);
  notify (f, VPS_A, "a-1");
  notify (f, VPS_A, "a-2");
  notify (f, VPS_B, "b-1");

  /* One of each VPS at a time; what waits holds up its own VPS only. */
  first = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (first->len, ==, 2);
  g_assert_cmpstr (((VbDelivery *) first->pdata[0])->notification->operation, ==, "a-1");
  g_assert_cmpstr (((VbDelivery *) first->pdata[1])->notification->operation, ==, "b-1");
  g_assert_true (vb_outbox_postpone (outbox_of (f), first->pdata[0], now_us + DAY_US, FALSE, NULL));
  g_assert_true (vb_outbox_close (outbox_of (f), first->pdata[1], TRUE, NULL));
  held = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (held->len, ==, 0);
  g_assert_cmpint (next_us, ==, now_us + DAY_US);

  second = list (f, VB_CHANNEL_WEBHOOK, 2 * DAY_US, &next_us);
  g_assert_cmpuint (second->len, ==, 1);
  g_assert_cmpuint (((VbDelivery *) second->pdata[0])->attempts, ==, 1);
  g_assert_true (vb_outbox_close (outbox_of (f), second->pdata[0], FALSE, NULL));
  g_clear_pointer (&second, g_ptr_array_unref);
  second = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpstr (((VbDelivery *) second->pdata[0])->notification->operation, ==, "a-2");
}

static void
test_hold (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) later = NULL;
  gint64 until_us = g_get_real_time () + DAY_US;
  gint64 next_us;

  set_webhook (f, TRUE);
  notify (f, VPS_A, "a-1");
  notify (f, VPS_B, "b-1");
  first = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  for (guint i = 0; i < first->len; i++)
    g_assert_true (vb_outbox_postpone (outbox_of (f), first->pdata[i], until_us, TRUE, NULL));
  notify (f, "third", "c-1");
  journal_lab_reopen (f);

  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 0);
  later = list (f, VB_CHANNEL_WEBHOOK, 2 * DAY_US, &next_us);
  g_assert_cmpuint (later->len, ==, 3);
  g_assert_cmpuint (((VbDelivery *) later->pdata[0])->destination_failures, ==, 1);
  g_assert_true (vb_outbox_close (outbox_of (f), later->pdata[0], TRUE, NULL));
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 1);
}

static void
test_subscriptions (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) due = NULL;
  g_autoptr (GError) error = NULL;
  VbDelivery *one;
  gint64 next_us;

  subscribe (f, "alice", "https://push.example/1", VPS_A);
  subscribe (f, "alice", "https://push.example/2", "*");
  subscribe (f, "alice", "https://push.example/1", VPS_A);
  try_subscribe (f, "alice", "https://push.example/old", VPS_A, g_get_real_time () - 1, &error);
  g_assert_no_error (error);
  notify (f, VPS_A, "op-1");
  notify (f, VPS_B, "op-2");
  journal_lab_reopen (f);

  due = list (f, VB_CHANNEL_PUSH, 0, &next_us);
  g_assert_cmpuint (due->len, ==, 3);
  one = due->pdata[0];
  g_assert_cmpstr (one->subscription->endpoint, ==, "https://push.example/1");
  g_assert_cmpstr (one->subscription->p256dh, ==, "key");
  g_assert_cmpstr (one->subscription->auth, ==, "secret");
  g_assert_cmpstr (one->subscription->locale, ==, "de");
  g_assert_cmpstr (one->subscription->subject, ==, "alice");
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 0);

  g_assert_true (vb_outbox_end_destination (outbox_of (f), one, NULL));
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 2);
  notify (f, VPS_A, "op-3");
  g_assert_cmpint (journal_lab_query_int (f, "SELECT count (*) FROM outbox"), ==, 3);
}

static void
test_at_most (JournalLab *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  subscribe (f, "alice", "https://push.example/1", VPS_A);
  subscribe (f, "alice", "https://push.example/2", VPS_A);
  subscribe (f, "alice", "https://push.example/3", VPS_A);
  subscribe (f, "alice", "https://push.example/3", VPS_B);
  subscribe (f, "bob", "https://push.example/4", VPS_B);
  g_assert_false (try_subscribe (f, "alice", "https://push.example/5", VPS_A,
                                 g_get_real_time () + DAY_US, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_RATE_LIMITED);

  /* A browser that somebody else uses now tells nothing of the one before. */
  subscribe (f, "bob", "https://push.example/3", VPS_B);
  subscribe (f, "alice", "https://push.example/5", VPS_A);
  notify (f, VPS_A, "op-1");
  g_assert_cmpint (journal_lab_query_int (f, "SELECT count (*) FROM outbox"), ==, 3);
}

static gboolean
match_vps (const VbPushSubscription *subscription, gpointer vps)
{
  g_assert_cmpstr (subscription->token_id, ==, "jti");
  return g_str_equal (subscription->vps, vps);
}

static void
test_unsubscribe (JournalLab *f, gconstpointer data)
{
  guint n_ended;

  subscribe (f, "alice", "https://push.example/1", VPS_A);
  subscribe (f, "alice", "https://push.example/1", VPS_B);
  subscribe (f, "alice", "https://push.example/2", VPS_A);
  subscribe (f, "bob", "https://push.example/3", VPS_A);
  notify (f, VPS_A, "op-1");
  notify (f, VPS_B, "op-2");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 4);

  /* What waits for it goes with it. */
  g_assert_true (
      vb_outbox_unsubscribe (outbox_of (f), "alice", match_vps, (gpointer) VPS_A, &n_ended, NULL));
  g_assert_cmpuint (n_ended, ==, 2);
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 2);
  g_assert_cmpint (journal_lab_query_int (f, "SELECT count (*) FROM destinations"), ==, 2);
  g_assert_true (
      vb_outbox_unsubscribe (outbox_of (f), NULL, match_vps, (gpointer) VPS_A, &n_ended, NULL));
  g_assert_cmpuint (n_ended, ==, 1);
  g_assert_cmpint (journal_lab_query_int (f, "SELECT count (*) FROM destinations"), ==, 1);
}

static void
take_back (JournalLab *f, gboolean is_token, const char *name)
{
  g_autoptr (VbRevocation) revocation
      = vb_revocation_new (is_token, name, g_get_real_time () / G_USEC_PER_SEC);
  g_autoptr (GError) error = NULL;

  vb_access_journal_save_revocation (VB_ACCESS_JOURNAL (f->journal), revocation, &error);
  g_assert_no_error (error);
}

static void
test_revoked (JournalLab *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  subscribe (f, "alice", "https://push.example/1", VPS_A);
  subscribe (f, "bob", "https://push.example/2", VPS_A);
  notify (f, VPS_A, "op-1");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 2);
  take_back (f, FALSE, "alice");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 1);
  take_back (f, TRUE, "other");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 1);
  take_back (f, TRUE, "jti");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 0);
  notify (f, VPS_A, "op-2");
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 0);

  /* A request that was under way comes too late. */
  g_assert_false (try_subscribe (f, "bob", "https://push.example/2", VPS_A,
                                 g_get_real_time () + DAY_US, &error));
  g_assert_error (error, VB_ERROR, VB_ERROR_FORBIDDEN);
}

static void
save_slots (JournalLab *f, const char *vps, guint total)
{
  g_autofree char *text = g_strdup_printf ("%u slots", total);
  g_autoptr (GError) error = NULL;

  vb_outbox_save_slots (outbox_of (f), vps, total, text, &error);
  g_assert_no_error (error);
}

static void
test_slots (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) due = NULL;
  VbDelivery *one;
  gint64 next_us;

  set_webhook (f, TRUE);
  subscribe (f, "alice", "https://push.example/1", VPS_A);
  save_slots (f, VPS_A, 2);
  save_slots (f, VPS_A, 2);
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 0);
  save_slots (f, VPS_A, 4);
  journal_lab_reopen (f);
  save_slots (f, VPS_A, 4);

  due = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (due->len, ==, 1);
  one = due->pdata[0];
  g_assert_cmpstr (one->slots, ==, "4 slots");
  g_assert_null (one->notification);
  g_assert_cmpuint (count (f, VB_CHANNEL_PUSH), ==, 0);

  /* Who turns the webhook off and on again is not told of what was in between. */
  set_webhook (f, FALSE);
  set_webhook (f, TRUE);
  save_slots (f, VPS_A, 6);
  g_assert_cmpuint (count (f, VB_CHANNEL_WEBHOOK), ==, 0);
}

/* The history lets go of what is old, but not of what is still to be told. */
static void
test_retention (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) due = NULL;
  g_autoptr (GPtrArray) left = NULL;
  gint64 next_us;

  set_webhook (f, TRUE);
  notify (f, VPS_A, "aged");
  g_clear_object (&f->journal);
  journal_lab_exec_sql (f, "UPDATE notifications SET created_at = created_at - 91 * 86400000000");
  journal_lab_reopen (f);
  notify (f, VPS_B, "new");

  due = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (due->len, ==, 2);
  g_assert_cmpstr (((VbDelivery *) due->pdata[0])->notification->operation, ==, "aged");
  g_assert_true (vb_outbox_close (outbox_of (f), due->pdata[0], TRUE, NULL));
  notify (f, VPS_B, "newer");
  left = journal_lab_list_notifications (f, NULL, "alice", 0, 10);
  g_assert_cmpuint (left->len, ==, 2);
}

/* What browsers did not take for days is of no interest any more; the operator's receiver gets
 * everything. */
static void
test_stale_push (JournalLab *f, gconstpointer data)
{
  g_autoptr (GPtrArray) push = NULL;
  g_autoptr (GPtrArray) webhook = NULL;
  gint64 next_us;

  set_webhook (f, TRUE);
  subscribe (f, "alice", "https://push.example/1", "*");
  notify (f, VPS_A, "stale");
  g_clear_object (&f->journal);
  journal_lab_exec_sql (f, "UPDATE outbox SET created_at = created_at - 3 * 86400000000");
  journal_lab_reopen (f);
  notify (f, VPS_B, "new");

  push = list (f, VB_CHANNEL_PUSH, 0, &next_us);
  g_assert_cmpuint (push->len, ==, 1);
  g_assert_cmpstr (((VbDelivery *) push->pdata[0])->notification->operation, ==, "new");
  webhook = list (f, VB_CHANNEL_WEBHOOK, 0, &next_us);
  g_assert_cmpuint (webhook->len, ==, 2);
}

#define TEST(path, func)                                                                           \
  g_test_add (path, JournalLab, NULL, journal_lab_set_up, func, journal_lab_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("/sqlite-outbox/together", test_together);
  TEST ("/sqlite-outbox/for-admins", test_for_admins);
  TEST ("/sqlite-outbox/all-or-nothing", test_all_or_nothing);
  TEST ("/sqlite-outbox/order", test_order);
  TEST ("/sqlite-outbox/hold", test_hold);
  TEST ("/sqlite-outbox/subscriptions", test_subscriptions);
  TEST ("/sqlite-outbox/at-most", test_at_most);
  TEST ("/sqlite-outbox/unsubscribe", test_unsubscribe);
  TEST ("/sqlite-outbox/revoked", test_revoked);
  TEST ("/sqlite-outbox/slots", test_slots);
  TEST ("/sqlite-outbox/retention", test_retention);
  TEST ("/sqlite-outbox/stale-push", test_stale_push);
  return g_test_run ();
}
