/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-operation-record.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* The journal's table of operations; see #VbJournalInterface for what each does. */

/** vb_sqlite_operations_save: to be called inside a transaction; also lets go of what is too old */
gboolean
vb_sqlite_operations_save (VbSqlite *sqlite, const VbOperationRecord *record, GError **error);
GPtrArray *vb_sqlite_operations_load_unended (VbSqlite *sqlite, GError **error);
VbOperationRecord *vb_sqlite_operations_find_request (VbSqlite *sqlite,
                                                      const char *subject,
                                                      const char *vps,
                                                      const char *request_key,
                                                      GError **error);
GPtrArray *
vb_sqlite_operations_list (VbSqlite *sqlite, const char *vps, guint limit, GError **error);

G_END_DECLS
