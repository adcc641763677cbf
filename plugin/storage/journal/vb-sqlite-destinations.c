/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-destinations.h"

#include "core/base/vb-error.h"

/* ---- the webhook ---- */

gboolean
vb_sqlite_destinations_set_webhook (VbSqlite *sqlite, gboolean enabled, GError **error)
{
  /* What was told is known only as long as there is somebody who is told. */
  if (!enabled)
    return vb_sqlite_run (sqlite, error, "DELETE FROM destinations WHERE channel = 'webhook'", "")
           && vb_sqlite_run (sqlite, error, "DELETE FROM known_slots", "");

  /* A new start, perhaps with a new address, is worth a try at once. */
  return vb_sqlite_run (sqlite, error,
                        "INSERT INTO destinations (channel, endpoint) VALUES ('webhook',"
                        " 'webhook') ON CONFLICT (endpoint) DO UPDATE SET failures = 0,"
                        " not_before = 0",
                        "")
         && vb_sqlite_run (sqlite, error,
                           "UPDATE outbox SET next_at = created_at WHERE destination ="
                           " (SELECT id FROM destinations WHERE channel = 'webhook')",
                           "");
}

/* ---- subscribing ---- */

static gboolean
query (VbSqlite *sqlite,
       const char *sql,
       const char *first,
       const char *second,
       gint64 *value,
       GError **error)
{
  g_autoptr (VbStatement) statement = vb_sqlite_prepare (sqlite, sql, error);
  gboolean has_row;

  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, first);
  if (second != NULL)
    vb_statement_bind_text (statement, 2, second);
  if (!vb_sqlite_step (sqlite, statement, &has_row, error))
    return FALSE;
  *value = has_row ? vb_statement_get_int (statement, 0) : 0;
  return TRUE;
}

static gboolean
check_room (VbSqlite *sqlite, const VbPushSubscription *subscription, guint maximum, GError **error)
{
  gint64 others;

  if (!query (sqlite, "SELECT count (*) FROM destinations WHERE subject = ? AND endpoint <> ?",
              subscription->subject, subscription->endpoint, &others, error))
    return FALSE;
  if (others < maximum)
    return TRUE;
  g_set_error (error, VB_ERROR, VB_ERROR_RATE_LIMITED,
               "This user has %u push subscriptions; end one of them first.", maximum);
  return FALSE;
}

/* Whoever was thrown out while the request was under way. */
static gboolean
check_token (VbSqlite *sqlite, const VbPushSubscription *subscription, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  gboolean is_revoked;

  statement = vb_sqlite_prepare (sqlite,
                                 "SELECT 1 FROM revocations WHERE (is_token AND name = ?1)"
                                 " OR (NOT is_token AND name = ?2 AND revoked_at / 1000000 >= ?3)",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, subscription->token_id);
  vb_statement_bind_text (statement, 2, subscription->subject);
  vb_statement_bind_int (statement, 3, subscription->issued_at_s);
  if (!vb_sqlite_step (sqlite, statement, &is_revoked, error))
    return FALSE;
  if (is_revoked)
    vb_error_set_public (error, VB_ERROR_FORBIDDEN);
  return !is_revoked;
}

static gboolean
save_destination (VbSqlite *sqlite, const VbPushSubscription *subscription, GError **error)
{
  /* Whoever had this browser before is not told there any more. */
  return vb_sqlite_run (sqlite, error,
                        "DELETE FROM destinations WHERE endpoint = ? AND subject IS NOT ?", "ss",
                        subscription->endpoint, subscription->subject)
         && vb_sqlite_run (sqlite, error,
                           "INSERT INTO destinations (channel, endpoint, p256dh, auth, locale,"
                           " subject) VALUES ('push', ?, ?, ?, ?, ?) ON CONFLICT (endpoint)"
                           " DO UPDATE SET p256dh = excluded.p256dh, auth = excluded.auth,"
                           " locale = excluded.locale",
                           "sssss", subscription->endpoint, subscription->p256dh,
                           subscription->auth, subscription->locale, subscription->subject);
}

gboolean
vb_sqlite_destinations_forget_expired (VbSqlite *sqlite, gint64 now_us, GError **error)
{
  return vb_sqlite_run (sqlite, error, "DELETE FROM destination_vps WHERE valid_until <= ?", "i",
                        now_us)
         && vb_sqlite_run (sqlite, error,
                           "DELETE FROM destinations WHERE channel = 'push' AND id NOT IN"
                           " (SELECT destination FROM destination_vps)",
                           "");
}

gboolean
vb_sqlite_destinations_subscribe (VbSqlite *sqlite,
                                  const VbPushSubscription *subscription,
                                  const char *const *vps,
                                  gint64 until_us,
                                  guint maximum,
                                  GError **error)
{
  gint64 id;

  if (!vb_sqlite_destinations_forget_expired (sqlite, g_get_real_time (), error)
      || !check_token (sqlite, subscription, error)
      || !check_room (sqlite, subscription, maximum, error)
      || !save_destination (sqlite, subscription, error)
      || !query (sqlite, "SELECT id FROM destinations WHERE endpoint = ?", subscription->endpoint,
                 NULL, &id, error))
    return FALSE;

  for (; *vps != NULL; vps++)
    if (!vb_sqlite_run (sqlite, error,
                        "INSERT INTO destination_vps (destination, vps, token_id, valid_until)"
                        " VALUES (?, ?, ?, ?) ON CONFLICT (destination, vps) DO UPDATE SET"
                        " token_id = excluded.token_id, valid_until = excluded.valid_until",
                        "issi", id, *vps, subscription->token_id, until_us))
      return FALSE;
  return TRUE;
}

/* ---- ending ---- */

typedef struct
{
  gint64 destination;
  char *vps;
} Ended;

static void
ended_clear (gpointer data)
{
  g_free (((Ended *) data)->vps);
}

static GArray *
find_ended (VbSqlite *sqlite,
            const char *subject,
            VbSubscriptionMatch match,
            gpointer user_data,
            GError **error)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (Ended));
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row = TRUE;

  g_array_set_clear_func (found, ended_clear);
  statement = vb_sqlite_prepare (sqlite,
                                 "SELECT d.id, v.vps, d.endpoint, d.p256dh, d.auth, d.locale,"
                                 " d.subject, v.token_id FROM destinations d"
                                 " JOIN destination_vps v ON v.destination = d.id"
                                 " WHERE ?1 IS NULL OR d.subject = ?1",
                                 error);
  if (statement == NULL)
    return NULL;
  vb_statement_bind_text (statement, 1, subject);
  while (TRUE)
    {
      g_autoptr (VbPushSubscription) one = vb_push_subscription_new ();
      int i = 1;

      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&found);
      one->vps = vb_statement_dup_text (statement, i++);
      one->endpoint = vb_statement_dup_text (statement, i++);
      one->p256dh = vb_statement_dup_text (statement, i++);
      one->auth = vb_statement_dup_text (statement, i++);
      one->locale = vb_statement_dup_text (statement, i++);
      one->subject = vb_statement_dup_text (statement, i++);
      one->token_id = vb_statement_dup_text (statement, i++);
      if (match (one, user_data))
        {
          Ended ended = { vb_statement_get_int (statement, 0), g_strdup (one->vps) };
          g_array_append_val (found, ended);
        }
    }
}

static gboolean
end_one (VbSqlite *sqlite, const Ended *ended, GError **error)
{
  /* What waits goes with it, unless another entry of the subscription still covers it. */
  return vb_sqlite_run (sqlite, error,
                        "DELETE FROM destination_vps WHERE destination = ? AND vps = ?", "is",
                        ended->destination, ended->vps)
         && vb_sqlite_run (sqlite, error,
                           "DELETE FROM outbox WHERE destination = ?1 AND NOT EXISTS"
                           " (SELECT 1 FROM destination_vps v WHERE v.destination = ?1"
                           " AND v.vps IN (outbox.vps, '*'))",
                           "i", ended->destination)
         && vb_sqlite_run (sqlite, error,
                           "DELETE FROM destinations WHERE id = ?1 AND NOT EXISTS"
                           " (SELECT 1 FROM destination_vps WHERE destination = ?1)",
                           "i", ended->destination);
}

gboolean
vb_sqlite_destinations_unsubscribe (VbSqlite *sqlite,
                                    const char *subject,
                                    VbSubscriptionMatch match,
                                    gpointer user_data,
                                    guint *n_ended,
                                    GError **error)
{
  g_autoptr (GArray) found = find_ended (sqlite, subject, match, user_data, error);

  if (found == NULL)
    return FALSE;
  for (guint i = 0; i < found->len; i++)
    if (!end_one (sqlite, &g_array_index (found, Ended, i), error))
      return FALSE;
  *n_ended = found->len;
  return TRUE;
}

static gboolean
was_asked_with (const VbPushSubscription *subscription, gpointer user_data)
{
  const VbRevocation *revocation = user_data;

  return g_strcmp0 (revocation->name,
                    revocation->is_token ? subscription->token_id : subscription->subject)
         == 0;
}

gboolean
vb_sqlite_destinations_revoke (VbSqlite *sqlite, const VbRevocation *revocation, GError **error)
{
  guint n_ended;

  return vb_sqlite_destinations_unsubscribe (sqlite, NULL, was_asked_with, (gpointer) revocation,
                                             &n_ended, error);
}

gboolean
vb_sqlite_destinations_end (VbSqlite *sqlite, gint64 destination, GError **error)
{
  return vb_sqlite_run (sqlite, error, "DELETE FROM destinations WHERE id = ?", "i", destination);
}
