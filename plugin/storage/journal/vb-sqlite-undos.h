/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/model/vb-undo.h"
#include "vb-sqlite.h"

G_BEGIN_DECLS

/** vb_sqlite_undos_save: inserts or replaces the one of the same operation */
gboolean vb_sqlite_undos_save (VbSqlite *sqlite, const VbUndo *undo, GError **error);
gboolean vb_sqlite_undos_remove (VbSqlite *sqlite, const char *operation, GError **error);

/** vb_sqlite_undos_load: Returns: (transfer full) (nullable) (element-type VbUndo): oldest first */
GPtrArray *vb_sqlite_undos_load (VbSqlite *sqlite, GError **error);

G_END_DECLS
