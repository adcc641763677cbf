/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/**
 * VbSqlite:
 *
 * One SQLite connection with its prepared statements. Not thread-safe: whoever owns it takes turns.
 * All errors are of #VB_ERROR and name the file; %VB_ERROR_INSUFFICIENT_SPACE when its disk is
 * full.
 */
typedef struct _VbSqlite VbSqlite;

/**
 * VbStatement:
 *
 * A prepared statement that is lent by vb_sqlite_prepare(); leaving the scope of its autoptr resets
 * it, so that no read transaction stays open.
 */
typedef sqlite3_stmt VbStatement;

/**
 * VbSqliteFunc:
 *
 * Work inside a transaction. Returns: %FALSE with @error set undoes all of it
 */
typedef gboolean (*VbSqliteFunc) (VbSqlite *self, gpointer user_data, GError **error);

/**
 * vb_sqlite_open:
 * @file: path; the file is created with mode 0600 when it does not exist, and gets that mode when
 * it does
 *
 * Opens @file with synchronous=FULL: what is committed survives a loss of power. Changes nothing in
 * a file that exists.
 *
 * Returns: (transfer full) (nullable): the connection
 */
VbSqlite *vb_sqlite_open (const char *file, GError **error);
void vb_sqlite_close (VbSqlite *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbSqlite, vb_sqlite_close)

/** vb_sqlite_enable_wal: turns on write-ahead logging, for good; only for a file that is known to
 * be ours */
gboolean vb_sqlite_enable_wal (VbSqlite *self, GError **error);

/** vb_sqlite_get_file: Returns: (transfer none): the path it was opened with */
const char *vb_sqlite_get_file (VbSqlite *self);

/** vb_sqlite_exec: runs @sql, one or more statements without results */
gboolean vb_sqlite_exec (VbSqlite *self, const char *sql, GError **error);

/**
 * vb_sqlite_run:
 * @sql: one statement; its rows, if any, are not looked at
 * @types: a letter for each value: "s" text (%NULL is stored as NULL), "i" #gint64
 *
 * Runs a prepared statement with these values.
 */
gboolean vb_sqlite_run (VbSqlite *self, GError **error, const char *sql, const char *types, ...);

/** vb_sqlite_query_int: @value: (out): first column of the first row of @sql, 0 without a row */
gboolean vb_sqlite_query_int (VbSqlite *self, const char *sql, gint64 *value, GError **error);

/** vb_sqlite_transaction: runs @func in one BEGIN IMMEDIATE … COMMIT; on failure nothing of it
 * stays */
gboolean
vb_sqlite_transaction (VbSqlite *self, VbSqliteFunc func, gpointer user_data, GError **error);

/**
 * vb_sqlite_prepare:
 * @sql: one statement; prepared once for each text and kept
 *
 * Returns: (transfer none) (nullable): the statement, reset and with nothing bound
 */
VbStatement *vb_sqlite_prepare (VbSqlite *self, const char *sql, GError **error);
void vb_statement_release (VbStatement *statement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VbStatement, vb_statement_release)

/**
 * vb_sqlite_step:
 * @has_row: (out) (optional): whether there is a row to be read
 */
gboolean vb_sqlite_step (VbSqlite *self, VbStatement *statement, gboolean *has_row, GError **error);

/** vb_sqlite_set_error: sets @error from the last failure of the connection, with what we were
 * doing */
void vb_sqlite_set_error (VbSqlite *self, const char *doing, GError **error);

/* Binding; @index counts from 1. A NULL text or time is stored as NULL; times are stored as
 * microseconds since 1970 in UTC. */
void vb_statement_bind_text (VbStatement *statement, int index, const char *text);
void vb_statement_bind_int (VbStatement *statement, int index, gint64 value);
void vb_statement_bind_double (VbStatement *statement, int index, double value);
void vb_statement_bind_time (VbStatement *statement, int index, GDateTime *time);

/* Reading; @column counts from 0. NULL is read as NULL or 0. */
char *vb_statement_dup_text (VbStatement *statement, int column);
gint64 vb_statement_get_int (VbStatement *statement, int column);
double vb_statement_get_double (VbStatement *statement, int column);
GDateTime *vb_statement_dup_time (VbStatement *statement, int column);

G_END_DECLS
