/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-outbox.h"
#include "core/model/vb-revocation.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* Who is to be told: push subscriptions and the webhook; see #VbOutboxInterface for what each does.
 * To be called inside a transaction. */

gboolean vb_sqlite_destinations_set_webhook (VbSqlite *sqlite, gboolean enabled, GError **error);
/** vb_sqlite_destinations_forget_expired: a subscription that nobody has confirmed for long hears
 * no more */
gboolean vb_sqlite_destinations_forget_expired (VbSqlite *sqlite, gint64 now_us, GError **error);
gboolean vb_sqlite_destinations_subscribe (VbSqlite *sqlite,
                                           const VbPushSubscription *subscription,
                                           const char *const *vps,
                                           gint64 until_us,
                                           guint maximum,
                                           GError **error);
gboolean vb_sqlite_destinations_unsubscribe (VbSqlite *sqlite,
                                             const char *subject,
                                             VbSubscriptionMatch match,
                                             gpointer user_data,
                                             guint *n_ended,
                                             GError **error);
/** vb_sqlite_destinations_revoke: ends what was subscribed with tokens that were taken back */
gboolean
vb_sqlite_destinations_revoke (VbSqlite *sqlite, const VbRevocation *revocation, GError **error);
gboolean vb_sqlite_destinations_end (VbSqlite *sqlite, gint64 destination, GError **error);

G_END_DECLS
