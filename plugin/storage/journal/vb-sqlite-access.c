/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-access.h"

#define AUDIT_KEPT_US (365 * G_TIME_SPAN_DAY)
/* Within so long a repetition is counted and not written again. */
#define AUDIT_MERGED_US G_TIME_SPAN_MINUTE

/* ---- revocations ---- */

static gboolean
forget_old_revocations (VbSqlite *sqlite, GError **error)
{
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite, "DELETE FROM revocations WHERE revoked_at < ?", error);

  if (statement == NULL)
    return FALSE;
  vb_statement_bind_int (statement, 1,
                         g_get_real_time () - VB_REVOCATION_KEPT_S * G_TIME_SPAN_SECOND);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

gboolean
vb_sqlite_access_save_revocation (VbSqlite *sqlite, const VbRevocation *revocation, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  if (!forget_old_revocations (sqlite, error))
    return FALSE;
  statement
      = vb_sqlite_prepare (sqlite,
                           "INSERT INTO revocations (is_token, name, revoked_at) VALUES (?, ?, ?)"
                           " ON CONFLICT (is_token, name)"
                           " DO UPDATE SET revoked_at = max (revoked_at, excluded.revoked_at)",
                           error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_int (statement, 1, revocation->is_token);
  vb_statement_bind_text (statement, 2, revocation->name);
  vb_statement_bind_int (statement, 3, revocation->revoked_at_s * G_TIME_SPAN_SECOND);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

GPtrArray *
vb_sqlite_access_load_revocations (VbSqlite *sqlite, GError **error)
{
  g_autoptr (GPtrArray) revocations
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_revocation_free);
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite, "SELECT is_token, name, revoked_at FROM revocations", error);
  gboolean has_row;

  if (statement == NULL)
    return NULL;
  while (TRUE)
    {
      g_autofree char *name = NULL;

      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&revocations);
      name = vb_statement_dup_text (statement, 1);
      g_ptr_array_add (revocations, vb_revocation_new (
                                        vb_statement_get_int (statement, 0) != 0, name,
                                        vb_statement_get_int (statement, 2) / G_TIME_SPAN_SECOND));
    }
}

/* ---- adding to the audit log ---- */

/* What was refused is the same whatever it was about: whoever tries one UUID after the other fills
 * one row a minute. */
static gboolean
find_repeated (VbSqlite *sqlite, const VbAuditEntry *entry, gint64 *id, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row;

  statement = vb_sqlite_prepare (sqlite,
                                 "SELECT id FROM audit WHERE subject = ?1 AND address = ?2"
                                 " AND method = ?3 AND outcome = ?4 AND at > ?5 AND at <= ?6"
                                 " AND (?4 <> '" VB_AUDIT_OK "'"
                                 " OR (vps IS ?7 AND target IS ?8)) LIMIT 1",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_text (statement, 1, entry->subject);
  vb_statement_bind_text (statement, 2, entry->address);
  vb_statement_bind_text (statement, 3, entry->method);
  vb_statement_bind_text (statement, 4, entry->outcome);
  vb_statement_bind_int (statement, 5,
                         g_date_time_to_unix (entry->at) * G_TIME_SPAN_SECOND - AUDIT_MERGED_US);
  vb_statement_bind_time (statement, 6, entry->at);
  vb_statement_bind_text (statement, 7, entry->vps);
  vb_statement_bind_text (statement, 8, entry->target);
  if (!vb_sqlite_step (sqlite, statement, &has_row, error))
    return FALSE;
  *id = has_row ? vb_statement_get_int (statement, 0) : 0;
  return TRUE;
}

static gboolean
count_again (VbSqlite *sqlite, gint64 id, GError **error)
{
  g_autoptr (VbStatement) statement
      = vb_sqlite_prepare (sqlite, "UPDATE audit SET count = count + 1 WHERE id = ?", error);

  if (statement == NULL)
    return FALSE;
  vb_statement_bind_int (statement, 1, id);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

static gboolean
insert_audit (VbSqlite *sqlite, VbAuditEntry *entry, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  int i = 0;

  statement = vb_sqlite_prepare (sqlite,
                                 "INSERT INTO audit (at, count, subject, address, token_id, method,"
                                 " vps, target, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                 error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_time (statement, ++i, entry->at);
  vb_statement_bind_int (statement, ++i, entry->count);
  vb_statement_bind_text (statement, ++i, entry->subject);
  vb_statement_bind_text (statement, ++i, entry->address);
  vb_statement_bind_text (statement, ++i, entry->token_id);
  vb_statement_bind_text (statement, ++i, entry->method);
  vb_statement_bind_text (statement, ++i, entry->vps);
  vb_statement_bind_text (statement, ++i, entry->target);
  vb_statement_bind_text (statement, ++i, entry->outcome);
  return vb_sqlite_step (sqlite, statement, NULL, error)
         && vb_sqlite_query_int (sqlite, "SELECT last_insert_rowid ()", &entry->id, error);
}

static gboolean
add_one (VbSqlite *sqlite, VbAuditEntry *entry, GError **error)
{
  if (!find_repeated (sqlite, entry, &entry->id, error))
    return FALSE;
  return entry->id != 0 ? count_again (sqlite, entry->id, error)
                        : insert_audit (sqlite, entry, error);
}

gboolean
vb_sqlite_access_add_audit (VbSqlite *sqlite, GPtrArray *entries, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;

  for (guint i = 0; i < entries->len; i++)
    if (!add_one (sqlite, g_ptr_array_index (entries, i), error))
      return FALSE;

  statement = vb_sqlite_prepare (sqlite, "DELETE FROM audit WHERE at < ?", error);
  if (statement == NULL)
    return FALSE;
  vb_statement_bind_int (statement, 1, g_get_real_time () - AUDIT_KEPT_US);
  return vb_sqlite_step (sqlite, statement, NULL, error);
}

/* ---- reading the audit log ---- */

static VbAuditEntry *
read_entry (VbStatement *statement)
{
  VbAuditEntry *entry = g_new0 (VbAuditEntry, 1);
  int i = 0;

  entry->id = vb_statement_get_int (statement, i++);
  entry->at = vb_statement_dup_time (statement, i++);
  entry->count = vb_statement_get_int (statement, i++);
  entry->subject = vb_statement_dup_text (statement, i++);
  entry->address = vb_statement_dup_text (statement, i++);
  entry->token_id = vb_statement_dup_text (statement, i++);
  entry->method = vb_statement_dup_text (statement, i++);
  entry->vps = vb_statement_dup_text (statement, i++);
  entry->target = vb_statement_dup_text (statement, i++);
  entry->outcome = vb_statement_dup_text (statement, i++);
  return entry;
}

GPtrArray *
vb_sqlite_access_list_audit (VbSqlite *sqlite,
                             const char *vps,
                             gboolean done_only,
                             gint64 before,
                             guint limit,
                             GError **error)
{
  g_autoptr (GPtrArray) entries
      = g_ptr_array_new_with_free_func ((GDestroyNotify) vb_audit_entry_free);
  g_autoptr (VbStatement) statement = NULL;
  gboolean has_row;

#define SELECT                                                                                     \
  "SELECT id, at, count, subject, address, token_id, method, vps, target, outcome"                 \
  " FROM audit WHERE id < ?1"
#define ORDER " ORDER BY id DESC LIMIT ?2"
  /* As the partial indexes have it: neither of no VPS nor of all of them. */
#define DONE " AND outcome = '" VB_AUDIT_OK "' AND vps <> '*'"
  static const char *const queries[2][2] = {
    { SELECT ORDER, SELECT " AND vps = ?3" ORDER },
    { SELECT DONE ORDER, SELECT DONE " AND vps = ?3" ORDER },
  };
#undef SELECT
#undef DONE
#undef ORDER
  statement = vb_sqlite_prepare (sqlite, queries[done_only ? 1 : 0][vps != NULL ? 1 : 0], error);
  if (statement == NULL)
    return NULL;
  vb_statement_bind_int (statement, 1, before > 0 ? before : G_MAXINT64);
  vb_statement_bind_int (statement, 2, limit);
  if (vps != NULL)
    vb_statement_bind_text (statement, 3, vps);
  while (TRUE)
    {
      if (!vb_sqlite_step (sqlite, statement, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&entries);
      g_ptr_array_add (entries, read_entry (statement));
    }
}
