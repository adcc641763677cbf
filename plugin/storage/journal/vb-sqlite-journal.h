/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * VbSqliteJournal:
 *
 * The #VbJournal in one SQLite file. All methods are thread-safe and take turns on one connection;
 * a method returns when what it wrote survives a loss of power.
 */
#define VB_TYPE_SQLITE_JOURNAL (vb_sqlite_journal_get_type ())
G_DECLARE_FINAL_TYPE (VbSqliteJournal, vb_sqlite_journal, VB, SQLITE_JOURNAL, GObject)

/**
 * vb_sqlite_journal_new:
 * @file: path of the database, in an existing folder on a local disk
 *
 * Opens the journal, or makes an empty one with mode 0600, and brings an older format up to date.
 * Blocks. Errors are of #VB_ERROR: the file is damaged, of another program, or was written by a
 * newer version; then it is left as it was.
 *
 * Returns: (transfer full) (nullable): the journal
 */
VbSqliteJournal *vb_sqlite_journal_new (const char *file, GError **error);

G_END_DECLS
