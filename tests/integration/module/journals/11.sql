-- A journal as version 11 of its format was written. It says what that version was, so it is never changed.
PRAGMA application_id = 1986161482;
PRAGMA user_version = 11;
BEGIN TRANSACTION;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  subject TEXT NOT NULL,
  address TEXT NOT NULL,
  token_id TEXT,
  method TEXT NOT NULL,
  vps TEXT,
  target TEXT,
  outcome TEXT NOT NULL);
INSERT INTO "audit" VALUES(1,1700000060000000,2,'alice','192.0.2.7','t1','backup.create','6695eb01-f6a4-8304-79aa-97f2502e193f',NULL,'ok');
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
  incremental INTEGER NOT NULL, protected INTEGER NOT NULL DEFAULT 0, scheduled INTEGER NOT NULL DEFAULT 0, schedule TEXT) WITHOUT ROWID;
CREATE TABLE destination_vps (
  destination INTEGER NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,
  vps TEXT NOT NULL,
  token_id TEXT,
  valid_until INTEGER NOT NULL,
  PRIMARY KEY (destination, vps)) WITHOUT ROWID;
INSERT INTO "destination_vps" VALUES(1,'6695eb01-f6a4-8304-79aa-97f2502e193f',NULL,4000000000000000);
CREATE TABLE destinations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL,
  endpoint TEXT NOT NULL UNIQUE,
  p256dh TEXT,
  auth TEXT,
  locale TEXT,
  subject TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0);
INSERT INTO "destinations" VALUES(1,'push','https://push.example/send/1','BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM','tBHItJI5svbpez7KI4CCXg','de','alice',0,0);
CREATE TABLE known_slots (
  vps TEXT PRIMARY KEY,
  total INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "known_slots" VALUES('6695eb01-f6a4-8304-79aa-97f2502e193f',2);
CREATE TABLE "notifications" (  id INTEGER PRIMARY KEY AUTOINCREMENT,  type TEXT NOT NULL,  vps TEXT NOT NULL,  vps_name TEXT,  backup TEXT,  backup_name TEXT,  operation TEXT,  reason TEXT,  created_at INTEGER NOT NULL,  UNIQUE (operation, type));
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
  error_message TEXT, still_us INTEGER NOT NULL DEFAULT 0, stall_told INTEGER NOT NULL DEFAULT 0, scheduled INTEGER NOT NULL DEFAULT 0, first_backup TEXT, part_of TEXT, source_vps TEXT, replace_disks INTEGER NOT NULL DEFAULT 0, schedule TEXT);
INSERT INTO "operations" VALUES(1,'aaaaaaaa-0000-4000-8000-000000000001','6695eb01-f6a4-8304-79aa-97f2502e193f','test','create','3f1c2f0e-0000-4000-8000-000000000001','Tägliche „Sicherung“','completed','order-1','alice',1048576,1048576,100.0,0,0,0,NULL,NULL,1700000060000000,1700000065000000,NULL,NULL,0,0,0,NULL,NULL,NULL,0,NULL);
INSERT INTO "operations" VALUES(2,'aaaaaaaa-0000-4000-8000-000000000002','6695eb01-f6a4-8304-79aa-97f2502e193f','test','restore','3f1c2f0e-0000-4000-8000-000000000002','Tägliche „Sicherung“','failed',NULL,'alice',1048576,1048576,100.0,0,1,0,'running',NULL,1700000120000000,1700000125000000,'checksum_mismatch','The backup is damaged; choose another one.',0,0,0,NULL,NULL,NULL,0,NULL);
INSERT INTO "operations" VALUES(3,'aaaaaaaa-0000-4000-8000-000000000003','6695eb01-f6a4-8304-79aa-97f2502e193f','test','create','3f1c2f0e-0000-4000-8000-000000000003','Tägliche „Sicherung“','copying',NULL,'alice',519045,1048576,49.5,1,0,0,NULL,'running crash 2023-11-14T22:16:20Z',1700000180000000,NULL,NULL,NULL,7000000,1,1,NULL,NULL,NULL,0,'office');
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  destination INTEGER NOT NULL REFERENCES destinations (id) ON DELETE CASCADE,
  vps TEXT NOT NULL,
  notification INTEGER,
  slots TEXT,
  key TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL);
CREATE TABLE read_marks (
  subject TEXT PRIMARY KEY,
  up_to INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "read_marks" VALUES('uid:0',5);
CREATE TABLE revocations (
  is_token INTEGER NOT NULL,
  name TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  PRIMARY KEY (is_token, name)) WITHOUT ROWID;
INSERT INTO "revocations" VALUES(0,'mallory',1700000000000000);
CREATE TABLE checks (
  backup TEXT PRIMARY KEY,  checked_at INTEGER NOT NULL,  bad_chunks INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "checks" VALUES('3f1c2f0e-0000-4000-8000-000000000001',1700000000000000,2);
CREATE TABLE "schedules" (  vps TEXT NOT NULL,  id TEXT NOT NULL,  timing TEXT NOT NULL,  day TEXT NOT NULL,  made TEXT,  PRIMARY KEY (vps, id)) WITHOUT ROWID;
INSERT INTO "schedules" VALUES('0a0a0a0a-1111-4222-8333-444444444444','default','03:30+15 Europe/Berlin','2023-11-14','3f1c2f0e-0000-4000-8000-000000000001');
INSERT INTO "schedules" VALUES('0a0a0a0a-1111-4222-8333-444444444444','office','Mon,Fri 08/4:00+0 UTC','2023-11-14 08:00',NULL);
CREATE INDEX operations_by_vps ON operations (vps, seq);
CREATE INDEX operations_unended ON operations (seq)  WHERE state NOT IN ('completed', 'failed', 'cancelled');
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;
CREATE UNIQUE INDEX operations_by_request ON operations (subject, vps, request_key)  WHERE request_key IS NOT NULL;
CREATE INDEX destinations_by_subject ON destinations (subject);
CREATE INDEX destination_vps_by_vps ON destination_vps (vps);
CREATE INDEX outbox_in_order ON outbox (destination, vps, id);
CREATE INDEX outbox_by_notification ON outbox (notification);
CREATE INDEX audit_by_vps ON audit (vps, id);
CREATE INDEX audit_by_subject ON audit (subject, at);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_done ON audit (id) WHERE outcome = 'ok' AND vps <> '*';
CREATE INDEX audit_done_by_vps ON audit (vps, id) WHERE outcome = 'ok' AND vps <> '*';
CREATE INDEX notifications_by_vps ON notifications (vps, id);
CREATE INDEX notifications_by_time ON notifications (created_at);
CREATE TABLE undos (
  operation TEXT PRIMARY KEY,
  vps TEXT NOT NULL,
  backup TEXT NOT NULL,
  backup_name TEXT,
  restored_at INTEGER NOT NULL,
  until INTEGER NOT NULL,
  files TEXT NOT NULL) WITHOUT ROWID;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('operations',3);
INSERT INTO "sqlite_sequence" VALUES('destinations',1);
INSERT INTO "sqlite_sequence" VALUES('audit',1);
INSERT INTO "sqlite_sequence" VALUES('notifications',6);
COMMIT;
