/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-outbox.h"

#include "vb-sqlite-destinations.h"
#include "vb-sqlite-notifications.h"

#define PUSH_KEPT_US (2 * G_TIME_SPAN_DAY)

/* ---- adding ---- */

gboolean
vb_sqlite_outbox_add (VbSqlite *sqlite, const VbNotification *notification, GError **error)
{
  const gint64 now_us = g_get_real_time ();
  const gint64 to_customers = !vb_notification_type_is_for_admins (notification->type);

  /* With push turned off nobody takes these. */
  return vb_sqlite_destinations_forget_expired (sqlite, now_us, error)
         && vb_sqlite_run (sqlite, error,
                           "DELETE FROM outbox WHERE created_at < ? AND destination IN"
                           " (SELECT id FROM destinations WHERE channel = 'push')",
                           "i", now_us - PUSH_KEPT_US)
         && vb_sqlite_run (sqlite, error,
                           "INSERT INTO outbox (destination, vps, notification, key, created_at,"
                           " next_at) SELECT id, ?1, ?2, 'msg_' || lower (hex (randomblob (16))),"
                           " ?3, ?3 FROM destinations WHERE channel = 'webhook' OR (?4 AND id IN"
                           " (SELECT destination FROM destination_vps WHERE vps IN (?1, '*')))",
                           "siii", notification->vps, notification->id, now_us, to_customers);
}

static gboolean
find_slots (VbSqlite *sqlite, const char *vps, gint64 *total, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row;

  statement = vb_sqlite_prepare (sqlite, "SELECT total FROM known_slots WHERE vps = ?", error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, vps);
  if (!vb_sqlite_step (sqlite, statement, &has_row, error))
    return FALSE;
  *total = has_row ? vb_statement_get_int (statement, 0) : -1;
  return TRUE;
}

gboolean
vb_sqlite_outbox_save_slots (VbSqlite *sqlite,
                             const char *vps,
                             guint total,
                             const char *text,
                             GError **error)
{
  const gint64 now_us = g_get_real_time ();
  gint64 known;

  if (!find_slots (sqlite, vps, &known, error))
    return FALSE;
  if (known == total)
    return TRUE;
  return vb_sqlite_run (sqlite, error,
                        "INSERT INTO known_slots (vps, total) VALUES (?, ?)"
                        " ON CONFLICT (vps) DO UPDATE SET total = excluded.total",
                        "si", vps, (gint64) total)
         && (known < 0
             || vb_sqlite_run (sqlite, error,
                               "INSERT INTO outbox (destination, vps, slots, key, created_at,"
                               " next_at) SELECT id, ?1, ?2,"
                               " 'msg_' || lower (hex (randomblob (16))), ?3, ?3"
                               " FROM destinations WHERE channel = 'webhook'",
                               "ssi", vps, text, now_us));
}

/* ---- what is due ---- */

static VbDelivery *
read_delivery (VbSqlite *sqlite, VbStatement *statement, GError **error)
{
  g_autoptr (VbDelivery) delivery = vb_delivery_new ();
  VbPushSubscription *subscription = vb_push_subscription_new ();
  gint64 notification;
  int i = 1;

  delivery->subscription = subscription;
  delivery->id = vb_statement_get_int (statement, i++);
  delivery->key = vb_statement_dup_text (statement, i++);
  delivery->vps = vb_statement_dup_text (statement, i++);
  delivery->slots = vb_statement_dup_text (statement, i++);
  delivery->created_at = vb_statement_dup_time (statement, i++);
  delivery->attempts = (guint) vb_statement_get_int (statement, i++);
  delivery->destination = vb_statement_get_int (statement, i++);
  delivery->destination_failures = (guint) vb_statement_get_int (statement, i++);
  subscription->endpoint = vb_statement_dup_text (statement, i++);
  subscription->p256dh = vb_statement_dup_text (statement, i++);
  subscription->auth = vb_statement_dup_text (statement, i++);
  subscription->locale = vb_statement_dup_text (statement, i++);
  subscription->subject = vb_statement_dup_text (statement, i++);
  notification = vb_statement_get_int (statement, i++);

  if (subscription->p256dh == NULL)
    g_clear_pointer (&delivery->subscription, vb_push_subscription_free);
  if (notification != 0)
    {
      g_autoptr (GError) problem = NULL;

      delivery->notification = vb_sqlite_notifications_get (sqlite, notification, &problem);
      if (problem != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return NULL;
        }
    }
  return g_steal_pointer (&delivery);
}

static VbStatement *
prepare_due (VbSqlite *sqlite, VbChannel channel, guint limit, GError **error)
{
  VbStatement *statement = vb_sqlite_prepare (
      sqlite,
      "SELECT max (o.next_at, d.not_before) AS due, o.id, o.key, o.vps, o.slots, o.created_at,"
      " o.attempts, d.id, d.failures, d.endpoint, d.p256dh, d.auth, d.locale, d.subject,"
      " o.notification FROM outbox o JOIN destinations d ON d.id = o.destination"
      " WHERE d.channel = ?1 AND NOT EXISTS (SELECT 1 FROM outbox p"
      " WHERE p.destination = o.destination AND p.vps = o.vps AND p.id < o.id)"
      " ORDER BY due, o.id LIMIT ?2",
      error);

  if (statement == NULL)
    return NULL;
  vb_statement_bind_text (statement, 1, vb_channel_to_string (channel));
  /* One more: it says when to ask again. */
  vb_statement_bind_int (statement, 2, (gint64) limit + 1);
  return statement;
}

GPtrArray *
vb_sqlite_outbox_list_due (VbSqlite *sqlite,
                           VbChannel channel,
                           gint64 now_us,
                           guint limit,
                           gint64 *next_us,
                           GError **error)
{
  g_autoptr (GPtrArray) due = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_delivery_free);
  g_autoptr (VbStatement) statement = prepare_due (sqlite, channel, limit, error);
  gboolean has_row;

  *next_us = 0;
  if (statement == NULL)
    return NULL;
  while (TRUE)
    {
      VbDelivery *delivery;

      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (has_row && (due->len == limit || vb_statement_get_int (statement, 0) > now_us))
        {
          *next_us = vb_statement_get_int (statement, 0);
          has_row = FALSE;
        }
      if (!has_row)
        return g_steal_pointer (&due);
      delivery = read_delivery (sqlite, statement, error);
      if (delivery == NULL)
        return NULL;
      g_ptr_array_add (due, delivery);
    }
}

/* ---- what became of it ---- */

gboolean
vb_sqlite_outbox_close (VbSqlite *sqlite,
                        const VbDelivery *delivery,
                        gboolean arrived,
                        GError **error)
{
  return vb_sqlite_run (sqlite, error, "DELETE FROM outbox WHERE id = ?", "i", delivery->id)
         && (!arrived
             || vb_sqlite_run (sqlite, error,
                               "UPDATE destinations SET failures = 0, not_before = 0 WHERE id = ?1"
                               " AND (failures <> 0 OR not_before <> 0)",
                               "i", delivery->destination));
}

gboolean
vb_sqlite_outbox_postpone (VbSqlite *sqlite,
                           const VbDelivery *delivery,
                           gint64 until_us,
                           gboolean hold,
                           GError **error)
{
  /* Several that fail at the same time are one failure of the destination. */
  return vb_sqlite_run (sqlite, error,
                        "UPDATE outbox SET attempts = attempts + 1, next_at = ? WHERE id = ?", "ii",
                        until_us, delivery->id)
         && (!hold
             || vb_sqlite_run (sqlite, error,
                               "UPDATE destinations SET failures = failures + (failures = ?3),"
                               " not_before = max (not_before, ?1) WHERE id = ?2",
                               "iii", until_us, delivery->destination,
                               (gint64) delivery->destination_failures));
}
