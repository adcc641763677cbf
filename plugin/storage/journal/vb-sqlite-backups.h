/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-backup-info.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* What the journal remembers of the pool's backups; see #VbJournalInterface for what each does. */

/** vb_sqlite_backups_save: to be called inside a transaction */
gboolean vb_sqlite_backups_save (VbSqlite *sqlite, GPtrArray *backups, GError **error);
GPtrArray *vb_sqlite_backups_load (VbSqlite *sqlite, GError **error);

G_END_DECLS
