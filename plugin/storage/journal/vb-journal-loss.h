/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * VbJournalLoss:
 * @VB_JOURNAL_LOSS_NONE: nothing speaks for it
 * @VB_JOURNAL_LOSS_NEWEST: what was written last is lost: the write-ahead log is damaged
 * @VB_JOURNAL_LOSS_ALL: the journal is missing or empty, beside what only a running service makes
 */
typedef enum
{
  VB_JOURNAL_LOSS_NONE,
  VB_JOURNAL_LOSS_NEWEST,
  VB_JOURNAL_LOSS_ALL,
} VbJournalLoss;

/** vb_journal_loss_examine: looks at what there is before the journal @file is opened. Blocks */
VbJournalLoss vb_journal_loss_examine (const char *file);

G_END_DECLS
