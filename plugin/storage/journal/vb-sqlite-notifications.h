/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-notification.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* The journal's notifications and who has read them; see #VbJournalInterface for what each does. */

/**
 * vb_sqlite_notifications_add: to be called inside a transaction; fills in the id of @notification,
 * puts it into the outbox of those who are to hear of it, and lets go of what is too old
 */
gboolean
vb_sqlite_notifications_add (VbSqlite *sqlite, VbNotification *notification, GError **error);
/** vb_sqlite_notifications_get: Returns: (transfer full) (nullable): %NULL without error when there
 * is none; not marked as read */
VbNotification *vb_sqlite_notifications_get (VbSqlite *sqlite, gint64 id, GError **error);
GPtrArray *vb_sqlite_notifications_list (VbSqlite *sqlite,
                                         const char *const *vps,
                                         const char *subject,
                                         gint64 after,
                                         guint limit,
                                         GError **error);
/** vb_sqlite_notifications_mark_read: a mark beyond the newest notification stops at it; marks
 * never go back */
gboolean vb_sqlite_notifications_mark_read (VbSqlite *sqlite,
                                            const char *subject,
                                            gint64 up_to,
                                            GError **error);

G_END_DECLS
