/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-audit-entry.h"
#include "core/model/vb-revocation.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/* Who may come in no more and who asked what; see #VbAccessJournalInterface for what each does. */

gboolean
vb_sqlite_access_save_revocation (VbSqlite *sqlite, const VbRevocation *revocation, GError **error);
GPtrArray *vb_sqlite_access_load_revocations (VbSqlite *sqlite, GError **error);

/** vb_sqlite_access_add_audit: to be called inside a transaction; also lets go of what is older
 * than a year */
gboolean vb_sqlite_access_add_audit (VbSqlite *sqlite, GPtrArray *entries, GError **error);
GPtrArray *vb_sqlite_access_list_audit (VbSqlite *sqlite,
                                        const char *vps,
                                        gboolean done_only,
                                        gint64 before,
                                        guint limit,
                                        GError **error);

G_END_DECLS
