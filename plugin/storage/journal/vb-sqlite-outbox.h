/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-outbox.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* What the journal's outbox holds and when it goes; see #VbOutboxInterface for what each does.
 * Those that take several steps are to be called inside a transaction. */

/** vb_sqlite_outbox_add: an entry about @notification, which has its id, for each who is to hear of
 * it */
gboolean
vb_sqlite_outbox_add (VbSqlite *sqlite, const VbNotification *notification, GError **error);
gboolean vb_sqlite_outbox_save_slots (VbSqlite *sqlite,
                                      const char *vps,
                                      guint total,
                                      const char *text,
                                      GError **error);
GPtrArray *vb_sqlite_outbox_list_due (VbSqlite *sqlite,
                                      VbChannel channel,
                                      gint64 now_us,
                                      guint limit,
                                      gint64 *next_us,
                                      GError **error);
gboolean vb_sqlite_outbox_close (VbSqlite *sqlite,
                                 const VbDelivery *delivery,
                                 gboolean arrived,
                                 GError **error);
gboolean vb_sqlite_outbox_postpone (VbSqlite *sqlite,
                                    const VbDelivery *delivery,
                                    gint64 until_us,
                                    gboolean hold,
                                    GError **error);

G_END_DECLS
