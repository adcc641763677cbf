/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/interfaces/vb-journal.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* The methods of the same names of #VbJournal, inside a transaction of their caller's; without the
 * notification. */
gboolean
vb_sqlite_schedules_save (VbSqlite *sqlite, const VbScheduleRecord *record, GError **error);
GPtrArray *vb_sqlite_schedules_load (VbSqlite *sqlite, GError **error);

G_END_DECLS
