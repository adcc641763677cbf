/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vb-sqlite-schema.h"

#include "core/base/vb-error.h"

/*
 * The journal, <state-dir>/journal.sqlite, version by version (`PRAGMA user_version`). Times are
 * microseconds since 1970 in UTC, sizes bytes, words as PROTOCOL spells them, truth 0 or 1.
 *
 * Version 1
 *
 * - operations: all operations. seq gives their order; one request key names at most one operation
 *   of a subject on a VPS. An ended one goes a year after its end, or when 1,000 newer ones of its
 *   VPS ended
 * - notifications: at most one of a type for an operation; ids are never given twice, not even
 *   after the newest row was deleted. One goes after 90 days, or when its VPS has 1,000 newer ones
 * - read_marks: the id up to which a subject has read
 * - backups: what the pool held when it was last seen; replaced as a whole
 * - backup_disks: their disks, in order
 *
 * Version 2
 *
 * - destinations: who is told of notifications without a connection: channel 'push' has one for
 *   each endpoint, 'webhook' one in all. Nothing goes there before not_before; failures counts how
 *   often in a row it was held
 * - destination_vps: the VPSs ('*': all) that a push subscription hears of, until when
 * - outbox: what still has to be told, one row for each destination, removed when it has arrived.
 *   It is about a notification, or slots has its text. key is what the receiver knows it by
 * - known_slots: the total of slots that was told last
 *
 * Version 3
 *
 * - revocations: tokens and users whose tokens were taken back; goes when all of them have expired
 * - audit: who asked what. A repetition within a minute only adds to count. An entry goes after a
 *   year
 *
 * Version 4
 *
 * - operations have still_us, how long one had stood still when that was last noted, and
 * stall_told, whether somebody was notified of it
 *
 * Version 5
 *
 * - operations have scheduled, whether the schedule asked for them; backups have protected and
 * scheduled
 * - notifications may belong to no operation
 * - schedules: for each VPS that has or had a schedule: its timing ('': none any more), the newest
 * day that needs no run any more, and the scheduled backup that may still have to replace older
 * ones. Without timing it goes after a week
 *
 * Version 6
 *
 * - checks: when each backup of the pool was verified last; that of one that is no more goes after
 * a year
 *
 * Version 7
 *
 * - undos: the disks that restores have replaced and that are kept until until; the newest of a VPS
 * is the one that can be undone
 *
 * Version 8
 *
 * - operations have first_backup, the backup of the present state that a restore makes first, until
 * that is complete; part_of, the restore that a create comes first in; source_vps, the VPS that a
 * restored backup belongs to when that is another one
 *
 * Version 9
 *
 * - operations have replace_disks, whether a restore may overwrite disks that the backup lacks
 *
 * Version 10
 *
 * - audit: what was done to a VPS is found beside any number of refusals
 *
 * Version 11
 *
 * - schedules: a VPS may have several, told apart by id; day is the newest run of each that needs
 * no backup any more, with a time of day where there may be several in a day. Operations and
 * backups have schedule, the id of the one that asked for them (NULL in older ones: the only one)
 *
 * To change the schema, append a step and describe the new version here. Never change a step that
 * was released. */
const char *const vb_sqlite_schema_steps[] = {
  "CREATE TABLE operations ("
  "  seq INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  id TEXT NOT NULL UNIQUE,"
  "  vps TEXT NOT NULL,"
  "  vps_name TEXT,"
  "  kind TEXT NOT NULL,"
  "  backup TEXT NOT NULL,"
  "  backup_name TEXT,"
  "  state TEXT NOT NULL,"
  "  request_key TEXT,"
  "  subject TEXT,"
  "  bytes_done INTEGER NOT NULL,"
  "  bytes_total INTEGER NOT NULL,"
  "  progress REAL NOT NULL,"
  "  stalled INTEGER NOT NULL,"
  "  stop_first INTEGER NOT NULL,"
  "  swapping INTEGER NOT NULL,"
  "  was_power TEXT,"
  "  details TEXT,"
  "  started_at INTEGER NOT NULL,"
  "  ended_at INTEGER,"
  "  error_reason TEXT,"
  "  error_message TEXT);"
  "CREATE INDEX operations_by_vps ON operations (vps, seq);"
  "CREATE INDEX operations_unended ON operations (seq)"
  "  WHERE state NOT IN ('completed', 'failed', 'cancelled');"
  "CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;"
  "CREATE UNIQUE INDEX operations_by_request ON operations (subject, vps, request_key)"
  "  WHERE request_key IS NOT NULL;"
  "CREATE TABLE notifications ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  type TEXT NOT NULL,"
  "  vps TEXT NOT NULL,"
  "  vps_name TEXT,"
  "  backup TEXT,"
  "  backup_name TEXT,"
  "  operation TEXT NOT NULL,"
  "  reason TEXT,"
  "  created_at INTEGER NOT NULL,"
  "  UNIQUE (operation, type));"
  "CREATE INDEX notifications_by_vps ON notifications (vps, id);"
  "CREATE INDEX notifications_by_time ON notifications (created_at);"
  "CREATE TABLE read_marks ("
  "  subject TEXT PRIMARY KEY,"
  "  up_to INTEGER NOT NULL) WITHOUT ROWID;"
  "CREATE TABLE backups ("
  "  id TEXT PRIMARY KEY,"
  "  vps TEXT NOT NULL,"
  "  vps_name TEXT,"
  "  name TEXT,"
  "  created_at INTEGER,"
  "  completed_at INTEGER,"
  "  size_bytes INTEGER NOT NULL,"
  "  unique_bytes INTEGER NOT NULL,"
  "  consistency TEXT NOT NULL,"
  "  incremental INTEGER NOT NULL) WITHOUT ROWID;"
  "CREATE TABLE backup_disks ("
  "  backup TEXT NOT NULL REFERENCES backups (id) ON DELETE CASCADE,"
  "  position INTEGER NOT NULL,"
  "  target TEXT NOT NULL,"
  "  virtual_size_bytes INTEGER NOT NULL,"
  "  size_bytes INTEGER NOT NULL,"
  "  PRIMARY KEY (backup, position)) WITHOUT ROWID;",

  "CREATE TABLE destinations ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  channel TEXT NOT NULL,"
  "  endpoint TEXT NOT NULL UNIQUE,"
  "  p256dh TEXT,"
  "  auth TEXT,"
  "  locale TEXT,"
  "  subject TEXT,"
  "  failures INTEGER NOT NULL DEFAULT 0,"
  "  not_before INTEGER NOT NULL DEFAULT 0);"
  "CREATE INDEX destinations_by_subject ON destinations (subject);"
  "CREATE TABLE destination_vps ("
  "  destination INTEGER NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,"
  "  vps TEXT NOT NULL,"
  "  token_id TEXT,"
  "  valid_until INTEGER NOT NULL,"
  "  PRIMARY KEY (destination, vps)) WITHOUT ROWID;"
  "CREATE INDEX destination_vps_by_vps ON destination_vps (vps);"
  "CREATE TABLE outbox ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  destination INTEGER NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,"
  "  vps TEXT NOT NULL,"
  "  notification INTEGER,"
  "  slots TEXT,"
  "  key TEXT NOT NULL,"
  "  created_at INTEGER NOT NULL,"
  "  attempts INTEGER NOT NULL DEFAULT 0,"
  "  next_at INTEGER NOT NULL);"
  "CREATE INDEX outbox_in_order ON outbox (destination, vps, id);"
  "CREATE INDEX outbox_by_notification ON outbox (notification);"
  "CREATE TABLE known_slots ("
  "  vps TEXT PRIMARY KEY,"
  "  total INTEGER NOT NULL) WITHOUT ROWID;",

  "CREATE TABLE revocations ("
  "  is_token INTEGER NOT NULL,"
  "  name TEXT NOT NULL,"
  "  revoked_at INTEGER NOT NULL,"
  "  PRIMARY KEY (is_token, name)) WITHOUT ROWID;"
  "CREATE TABLE audit ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  at INTEGER NOT NULL,"
  "  count INTEGER NOT NULL,"
  "  subject TEXT NOT NULL,"
  "  address TEXT NOT NULL,"
  "  token_id TEXT,"
  "  method TEXT NOT NULL,"
  "  vps TEXT,"
  "  target TEXT,"
  "  outcome TEXT NOT NULL);"
  "CREATE INDEX audit_by_vps ON audit (vps, id);"
  "CREATE INDEX audit_by_subject ON audit (subject, at);"
  "CREATE INDEX audit_by_time ON audit (at);",

  "ALTER TABLE operations ADD COLUMN still_us INTEGER NOT NULL DEFAULT 0;"
  "ALTER TABLE operations ADD COLUMN stall_told INTEGER NOT NULL DEFAULT 0;",

  "ALTER TABLE operations ADD COLUMN scheduled INTEGER NOT NULL DEFAULT 0;"
  "ALTER TABLE backups ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;"
  "ALTER TABLE backups ADD COLUMN scheduled INTEGER NOT NULL DEFAULT 0;"
  "CREATE TABLE new_notifications ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  type TEXT NOT NULL,"
  "  vps TEXT NOT NULL,"
  "  vps_name TEXT,"
  "  backup TEXT,"
  "  backup_name TEXT,"
  "  operation TEXT,"
  "  reason TEXT,"
  "  created_at INTEGER NOT NULL,"
  "  UNIQUE (operation, type));"
  "INSERT INTO new_notifications SELECT * FROM notifications;"
  /* No id is given twice, whatever has been deleted. */
  "DELETE FROM sqlite_sequence WHERE name = 'new_notifications';"
  "INSERT INTO sqlite_sequence (name, seq)"
  "  SELECT 'new_notifications', seq FROM sqlite_sequence WHERE name = 'notifications';"
  "DROP TABLE notifications;"
  "ALTER TABLE new_notifications RENAME TO notifications;"
  "CREATE INDEX notifications_by_vps ON notifications (vps, id);"
  "CREATE INDEX notifications_by_time ON notifications (created_at);"
  "CREATE TABLE schedules ("
  "  vps TEXT PRIMARY KEY,"
  "  timing TEXT NOT NULL,"
  "  day TEXT NOT NULL,"
  "  made TEXT) WITHOUT ROWID;",

  "CREATE TABLE checks ("
  "  backup TEXT PRIMARY KEY,"
  "  checked_at INTEGER NOT NULL,"
  "  bad_chunks INTEGER NOT NULL) WITHOUT ROWID;",

  "CREATE TABLE undos ("
  "  operation TEXT PRIMARY KEY,"
  "  vps TEXT NOT NULL,"
  "  backup TEXT NOT NULL,"
  "  backup_name TEXT,"
  "  restored_at INTEGER NOT NULL,"
  "  until INTEGER NOT NULL,"
  "  files TEXT NOT NULL) WITHOUT ROWID;",

  "ALTER TABLE operations ADD COLUMN first_backup TEXT;"
  "ALTER TABLE operations ADD COLUMN part_of TEXT;"
  "ALTER TABLE operations ADD COLUMN source_vps TEXT;",

  "ALTER TABLE operations ADD COLUMN replace_disks INTEGER NOT NULL DEFAULT 0;",

  "CREATE INDEX audit_done ON audit (id) WHERE outcome = 'ok' AND vps <> '*';"
  "CREATE INDEX audit_done_by_vps ON audit (vps, id) WHERE outcome = 'ok' AND vps <> '*';",

  "ALTER TABLE operations ADD COLUMN schedule TEXT;"
  "ALTER TABLE backups ADD COLUMN schedule TEXT;"
  "CREATE TABLE new_schedules ("
  "  vps TEXT NOT NULL,"
  "  id TEXT NOT NULL,"
  "  timing TEXT NOT NULL,"
  "  day TEXT NOT NULL,"
  "  made TEXT,"
  "  PRIMARY KEY (vps, id)) WITHOUT ROWID;"
  "INSERT INTO new_schedules SELECT vps, 'default', timing, day, made FROM schedules;"
  "DROP TABLE schedules;"
  "ALTER TABLE new_schedules RENAME TO schedules;",

  NULL,
};

/* "vbkJ": marks the file as ours, so that a configured path to another program's database does no
 * harm. */
#define APPLICATION_ID 0x76626b4a

static gboolean
check_integrity (VbSqlite *sqlite, GError **error)
{
  g_autoptr (VbStatement) statement = NULL;
  g_autofree char *finding = NULL;

  statement = vb_sqlite_prepare (sqlite, "PRAGMA quick_check (1)", error);
  if (statement == NULL || !vb_sqlite_step (sqlite, statement, NULL, error))
    return FALSE;

  finding = vb_statement_dup_text (statement, 0);
  if (g_strcmp0 (finding, "ok") == 0)
    return TRUE;
  g_strdelimit (finding, "\n", ' ');
  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
               "%s is damaged (%s); restore it from a copy, or move it away to start with an "
               "empty history",
               vb_sqlite_get_file (sqlite), finding);
  return FALSE;
}

static gboolean
check_owner (VbSqlite *sqlite, gint64 version, GError **error)
{
  gint64 application_id;
  gint64 tables;

  if (!vb_sqlite_query_int (sqlite, "PRAGMA application_id", &application_id, error)
      || !vb_sqlite_query_int (sqlite, "SELECT count (*) FROM sqlite_schema", &tables, error))
    return FALSE;
  if (application_id == APPLICATION_ID || (version == 0 && application_id == 0 && tables == 0))
    return TRUE;

  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
               "%s is a database of another program; choose another state folder",
               vb_sqlite_get_file (sqlite));
  return FALSE;
}

static gboolean
check_version (VbSqlite *sqlite, gint64 version, guint newest, GError **error)
{
  if (version >= 0 && version <= newest)
    return TRUE;

  g_set_error (error, VB_ERROR, VB_ERROR_INTERNAL,
               "%s was written by a newer vps-backup (format %" G_GINT64_FORMAT
               ", this one knows up to %u); install that version again",
               vb_sqlite_get_file (sqlite), version, newest);
  return FALSE;
}

static gboolean
run_steps (VbSqlite *sqlite, const char *const *steps, gint64 version, guint newest, GError **error)
{
  g_autofree char *pragmas = NULL;

  for (guint i = version; i < newest; i++)
    if (!vb_sqlite_exec (sqlite, steps[i], error))
      {
        g_prefix_error (error, "Failed to bring the journal to format %u: ", i + 1);
        return FALSE;
      }

  pragmas = g_strdup_printf ("PRAGMA application_id = %d; PRAGMA user_version = %u;",
                             APPLICATION_ID, newest);
  return vb_sqlite_exec (sqlite, pragmas, error);
}

static gboolean
migrate (VbSqlite *sqlite, gpointer user_data, GError **error)
{
  const char *const *steps = user_data;
  const guint newest = g_strv_length (user_data);
  gint64 version;

  if (!vb_sqlite_query_int (sqlite, "PRAGMA user_version", &version, error)
      || !check_owner (sqlite, version, error) || !check_version (sqlite, version, newest, error)
      || !check_integrity (sqlite, error))
    return FALSE;
  return version == newest || run_steps (sqlite, steps, version, newest, error);
}

gboolean
vb_sqlite_schema_migrate (VbSqlite *sqlite, const char *const *steps, GError **error)
{
  return vb_sqlite_transaction (sqlite, migrate, (gpointer) steps, error);
}
