/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-journal.h"

#define VPS_A "aaaaaaaa-0000-4000-8000-000000000001"
#define VPS_B "bbbbbbbb-0000-4000-8000-000000000002"

/**
 * JournalLab:
 *
 * A journal in a folder of its own, as fixture of a test. What must not fail is asserted here.
 */
typedef struct
{
  char *folder;
  char *file;
  VbJournal *journal;
} JournalLab;

void journal_lab_set_up (JournalLab *f, gconstpointer data);
void journal_lab_tear_down (JournalLab *f, gconstpointer data);
void journal_lab_reopen (JournalLab *f);

VbOperationRecord *
journal_lab_make_record (const char *id, const char *vps, VbOperationState state);
void journal_lab_save (JournalLab *f, VbOperationRecord *record, VbNotification *notification);

/** journal_lab_notify: saves a failed operation with a notification; Returns: the id of that */
gint64
journal_lab_notify (JournalLab *f, VbNotificationType type, const char *vps, const char *operation);

GPtrArray *journal_lab_list_notifications (JournalLab *f,
                                           const char *const *vps,
                                           const char *subject,
                                           gint64 after,
                                           guint limit);
GPtrArray *journal_lab_list_operations (JournalLab *f, const char *vps, guint limit);

/* Behind the journal's back, which has to be closed for exec_sql(). */
void journal_lab_exec_sql (JournalLab *f, const char *sql);
gint64 journal_lab_query_int (JournalLab *f, const char *sql);
