/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by the vb-sqlite-journal*.c files only: one class, one file for each of its interfaces. */

#include "core/interfaces/vb-access-journal.h"
#include "core/interfaces/vb-outbox.h"
#include "vb-journal-loss.h"
#include "vb-sqlite-journal.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/** vb_sqlite_journal_transaction: vb_sqlite_transaction(), when it is our turn on the connection */
gboolean vb_sqlite_journal_transaction (VbSqliteJournal *self,
                                        VbSqliteFunc func,
                                        gpointer user_data,
                                        GError **error);

/** vb_sqlite_journal_get_copy: Returns: (transfer none): path of the second copy of the
 * revocations */
const char *vb_sqlite_journal_get_copy (VbSqliteJournal *self);

/** vb_sqlite_journal_take_loss: Returns: what was found at the opening; %VB_JOURNAL_LOSS_NONE from
 * then on */
VbJournalLoss vb_sqlite_journal_take_loss (VbSqliteJournal *self);

void vb_sqlite_journal_access_init (VbAccessJournalInterface *iface);
void vb_sqlite_journal_outbox_init (VbOutboxInterface *iface);

G_END_DECLS
