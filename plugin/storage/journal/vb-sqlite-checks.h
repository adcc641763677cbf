/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-journal.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* When each backup was verified last. */

/** vb_sqlite_checks_save: inside a transaction */
gboolean
vb_sqlite_checks_save (VbSqlite *sqlite, const char *backup, const VbCheck *check, GError **error);

/** vb_sqlite_checks_load: Returns: (transfer full) (nullable): backup id → #VbCheck */
GHashTable *vb_sqlite_checks_load (VbSqlite *sqlite, GError **error);

G_END_DECLS
