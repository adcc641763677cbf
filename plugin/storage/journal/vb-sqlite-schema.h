/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vb-sqlite.h"

G_BEGIN_DECLS

/**
 * vb_sqlite_schema_steps: (array zero-terminated=1):
 *
 * SQL that makes version n+1 of the journal from version n, for n = 0, 1, …; an empty database is
 * version 0.
 */
extern const char *const vb_sqlite_schema_steps[];

/**
 * vb_sqlite_schema_migrate:
 * @steps: (array zero-terminated=1): as vb_sqlite_schema_steps
 *
 * Brings the database to the version that @steps end with, all in one transaction. Refuses a
 * database that is newer, that is not ours, or that is damaged; then it is left as it was.
 */
gboolean vb_sqlite_schema_migrate (VbSqlite *sqlite, const char *const *steps, GError **error);

G_END_DECLS
