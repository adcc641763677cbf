-- A journal as version 1 of its format was written. It says what that version was, so it is never changed.
PRAGMA application_id = 1986161482;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE backup_disks (
  backup TEXT NOT NULL REFERENCES backups (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  target TEXT NOT NULL,
  virtual_size_bytes INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (backup, position)) WITHOUT ROWID;
CREATE TABLE backups (
  id TEXT PRIMARY KEY,
  vps TEXT NOT NULL,
  vps_name TEXT,
  name TEXT,
  created_at INTEGER,
  completed_at INTEGER,
  size_bytes INTEGER NOT NULL,
  unique_bytes INTEGER NOT NULL,
  consistency TEXT NOT NULL,
  incremental INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE notifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  vps TEXT NOT NULL,
  vps_name TEXT,
  backup TEXT,
  backup_name TEXT,
  operation TEXT NOT NULL,
  reason TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (operation, type));
INSERT INTO "notifications" VALUES(5,'backup_completed','6695eb01-f6a4-8304-79aa-97f2502e193f','test','3f1c2f0e-0000-4000-8000-000000000001','Tägliche „Sicherung“','aaaaaaaa-0000-4000-8000-000000000001',NULL,1700000065000000);
INSERT INTO "notifications" VALUES(6,'restore_failed','6695eb01-f6a4-8304-79aa-97f2502e193f','test','3f1c2f0e-0000-4000-8000-000000000002','Tägliche „Sicherung“','aaaaaaaa-0000-4000-8000-000000000002','checksum_mismatch',1700000125000000);
CREATE TABLE operations (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  vps TEXT NOT NULL,
  vps_name TEXT,
  kind TEXT NOT NULL,
  backup TEXT NOT NULL,
  backup_name TEXT,
  state TEXT NOT NULL,
  request_key TEXT,
  subject TEXT,
  bytes_done INTEGER NOT NULL,
  bytes_total INTEGER NOT NULL,
  progress REAL NOT NULL,
  stalled INTEGER NOT NULL,
  stop_first INTEGER NOT NULL,
  swapping INTEGER NOT NULL,
  was_power TEXT,
  details TEXT,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  error_reason TEXT,
  error_message TEXT);
INSERT INTO "operations" VALUES(1,'aaaaaaaa-0000-4000-8000-000000000001','6695eb01-f6a4-8304-79aa-97f2502e193f','test','create','3f1c2f0e-0000-4000-8000-000000000001','Tägliche „Sicherung“','completed','order-1','alice',1048576,1048576,100.0,0,0,0,NULL,NULL,1700000060000000,1700000065000000,NULL,NULL);
INSERT INTO "operations" VALUES(2,'aaaaaaaa-0000-4000-8000-000000000002','6695eb01-f6a4-8304-79aa-97f2502e193f','test','restore','3f1c2f0e-0000-4000-8000-000000000002','Tägliche „Sicherung“','failed',NULL,'alice',1048576,1048576,100.0,0,1,0,'running',NULL,1700000120000000,1700000125000000,'checksum_mismatch','The backup is damaged; choose another one.');
INSERT INTO "operations" VALUES(3,'aaaaaaaa-0000-4000-8000-000000000003','6695eb01-f6a4-8304-79aa-97f2502e193f','test','create','3f1c2f0e-0000-4000-8000-000000000003','Tägliche „Sicherung“','copying',NULL,'alice',519045,1048576,49.5,0,0,0,NULL,'running crash 2023-11-14T22:16:20Z',1700000180000000,NULL,NULL,NULL);
CREATE TABLE read_marks (
  subject TEXT PRIMARY KEY,
  up_to INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "read_marks" VALUES('uid:0',5);
CREATE INDEX operations_by_vps ON operations (vps, seq);
CREATE INDEX operations_unended ON operations (seq)  WHERE state NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX operations_by_request ON operations (subject, vps, request_key)  WHERE request_key IS NOT NULL;
CREATE INDEX notifications_by_vps ON notifications (vps, id);
CREATE INDEX notifications_by_time ON notifications (created_at);
DELETE FROM sqlite_sequence;
INSERT INTO "sqlite_sequence" VALUES('operations',3);
INSERT INTO "sqlite_sequence" VALUES('notifications',6);
COMMIT;
