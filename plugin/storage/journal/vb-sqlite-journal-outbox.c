/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal as a #VbOutbox. */
#include "vb-sqlite-destinations.h"
#include "vb-sqlite-journal-private.h"
#include "vb-sqlite-outbox.h"

typedef struct
{
  gboolean flag; /* enabled, arrived, hold */
  const VbPushSubscription *subscription;
  const char *const *vps_list;
  const char *subject;
  VbSubscriptionMatch match;
  gpointer match_data;
  guint *n_ended;
  const char *vps;
  const char *text;
  guint number; /* maximum, total */
  gint64 time_us;
  const VbDelivery *delivery;
} OutboxCall;

static gboolean
run (VbOutbox *outbox, VbSqliteFunc func, OutboxCall call, GError **error)
{
  return vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (outbox), func, &call, error);
}

static gboolean
set_webhook_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_destinations_set_webhook (sqlite, call->flag, error);
}

static gboolean
vb_sqlite_journal_set_webhook (VbOutbox *outbox, gboolean enabled, GError **error)
{
  return run (outbox, set_webhook_in_transaction, (OutboxCall){ .flag = enabled }, error);
}

static gboolean
subscribe_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_destinations_subscribe (sqlite, call->subscription, call->vps_list,
                                           call->time_us, call->number, error);
}

static gboolean
vb_sqlite_journal_subscribe (VbOutbox *outbox,
                             const VbPushSubscription *subscription,
                             const char *const *vps,
                             gint64 until_us,
                             guint maximum,
                             GError **error)
{
  return run (
      outbox, subscribe_in_transaction,
      (OutboxCall){
          .subscription = subscription, .vps_list = vps, .time_us = until_us, .number = maximum },
      error);
}

static gboolean
unsubscribe_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_destinations_unsubscribe (sqlite, call->subject, call->match, call->match_data,
                                             call->n_ended, error);
}

static gboolean
vb_sqlite_journal_unsubscribe (VbOutbox *outbox,
                               const char *subject,
                               VbSubscriptionMatch match,
                               gpointer user_data,
                               guint *n_ended,
                               GError **error)
{
  return run (outbox, unsubscribe_in_transaction,
              (OutboxCall){
                  .subject = subject, .match = match, .match_data = user_data, .n_ended = n_ended },
              error);
}

static gboolean
save_slots_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_outbox_save_slots (sqlite, call->vps, call->number, call->text, error);
}

static gboolean
vb_sqlite_journal_save_slots (VbOutbox *outbox,
                              const char *vps,
                              guint total,
                              const char *text,
                              GError **error)
{
  return run (outbox, save_slots_in_transaction,
              (OutboxCall){ .vps = vps, .number = total, .text = text }, error);
}

typedef struct
{
  VbChannel channel;
  gint64 now_us;
  guint limit;
  gint64 *next_us;
  GPtrArray *due;
} ListCall;

static gboolean
list_due_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  ListCall *call = data;

  call->due = vb_sqlite_outbox_list_due (sqlite, call->channel, call->now_us, call->limit,
                                         call->next_us, error);
  return call->due != NULL;
}

static GPtrArray *
vb_sqlite_journal_list_due (VbOutbox *outbox,
                            VbChannel channel,
                            gint64 now_us,
                            guint limit,
                            gint64 *next_us,
                            GError **error)
{
  ListCall call = { .channel = channel, .now_us = now_us, .limit = limit, .next_us = next_us };

  if (!vb_sqlite_journal_transaction (VB_SQLITE_JOURNAL (outbox), list_due_in_transaction, &call,
                                      error))
    g_clear_pointer (&call.due, g_ptr_array_unref);
  return call.due;
}

static gboolean
close_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_outbox_close (sqlite, call->delivery, call->flag, error);
}

static gboolean
vb_sqlite_journal_close (VbOutbox *outbox,
                         const VbDelivery *delivery,
                         gboolean arrived,
                         GError **error)
{
  return run (outbox, close_in_transaction, (OutboxCall){ .delivery = delivery, .flag = arrived },
              error);
}

static gboolean
postpone_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_outbox_postpone (sqlite, call->delivery, call->time_us, call->flag, error);
}

static gboolean
vb_sqlite_journal_postpone (VbOutbox *outbox,
                            const VbDelivery *delivery,
                            gint64 until_us,
                            gboolean hold,
                            GError **error)
{
  return run (outbox, postpone_in_transaction,
              (OutboxCall){ .delivery = delivery, .time_us = until_us, .flag = hold }, error);
}

static gboolean
end_destination_in_transaction (VbSqlite *sqlite, gpointer data, GError **error)
{
  const OutboxCall *call = data;

  return vb_sqlite_destinations_end (sqlite, call->delivery->destination, error);
}

static gboolean
vb_sqlite_journal_end_destination (VbOutbox *outbox, const VbDelivery *delivery, GError **error)
{
  return run (outbox, end_destination_in_transaction, (OutboxCall){ .delivery = delivery }, error);
}

void
vb_sqlite_journal_outbox_init (VbOutboxInterface *iface)
{
  iface->set_webhook = vb_sqlite_journal_set_webhook;
  iface->subscribe = vb_sqlite_journal_subscribe;
  iface->unsubscribe = vb_sqlite_journal_unsubscribe;
  iface->save_slots = vb_sqlite_journal_save_slots;
  iface->list_due = vb_sqlite_journal_list_due;
  iface->close = vb_sqlite_journal_close;
  iface->postpone = vb_sqlite_journal_postpone;
  iface->end_destination = vb_sqlite_journal_end_destination;
}
