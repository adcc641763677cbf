# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service finds a journal of another version of itself: an older one is brought up to date with all that is in it, a newer one is
refused, and one that cannot be brought up to date is left as it was. journals/N.sql is what version N of the format was."""

import json
import pathlib
import re
import sqlite3
import time

import client as clients
import pytest

JOURNALS = sorted((pathlib.Path(__file__).parent / "journals").glob("*.sql"), key=lambda path: int(path.stem))
VPS = "6695eb01-f6a4-8304-79aa-97f2502e193f"  # of libvirt's test driver
CREATED, RESTORED, UNENDED = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
WRITTEN_AT = 1_700_000_000_000_000  # the first time in the files


def write_journal(daemon, path):
    """The journal as if it had been written within the hour: what is old is forgotten."""
    daemon.state.mkdir(mode=0o755)
    shift = time.time_ns() // 1000 - 3_600_000_000 - WRITTEN_AT
    sql = re.sub(r"\b17\d{14}\b", lambda found: str(int(found.group()) + shift), path.read_text(encoding="utf-8"))
    journal = daemon.state / "journal.sqlite"
    with sqlite3.connect(journal) as database:
        database.executescript(sql)
    database.close()
    return journal


def contents(journal):
    """{table: (columns, rows)}"""
    database = sqlite3.connect(journal)
    tables = [name for name, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    found = {}
    for table in tables:
        rows = database.execute(f"SELECT * FROM {table}")
        found[table] = [column[0] for column in rows.description], rows.fetchall()
    database.close()
    return found


def schema(journal):
    """Everything that a format consists of, but for how it is spelled: a column that was added later stands last."""
    database = sqlite3.connect(journal)
    version = database.execute("PRAGMA user_version").fetchone()[0]
    found = {(table, tuple(column[1:])) for table, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
             for column in database.execute(f"PRAGMA table_info ({table})")}
    found |= set(database.execute("SELECT name, replace (replace (sql, '  ', ' '), char (10), '') FROM sqlite_schema WHERE type = 'index'"))
    database.close()
    return version, found


@pytest.fixture
def current(daemon):
    """What a new installation's journal looks like."""
    daemon.start().wait_ready()
    assert daemon.stop() == 0
    found = schema(daemon.state / "journal.sqlite")
    for path in daemon.state.rglob("journal.sqlite*"):
        path.unlink()
    daemon.state.joinpath("locks").rmdir()
    for path in daemon.state.iterdir():
        path.unlink()
    daemon.state.rmdir()
    return found


def test_there_is_a_journal_of_every_version(current):
    assert [int(path.stem) for path in JOURNALS] == list(range(1, current[0] + 1))


@pytest.mark.parametrize("path", JOURNALS, ids=lambda path: path.stem)
def test_older_journal(daemon, current, path):
    journal = write_journal(daemon, path)
    before = contents(journal)
    daemon.ctl("pool", "init", daemon.folder / "pool")
    daemon.start().wait_ready()
    with clients.Client(socket=daemon.socket, schema=clients.source_schema()) as client:
        client.follow(VPS)
        ended = client.wait_operation(VPS, UNENDED)
        assert (ended["state"], ended["error"]["reason"], ended["progress"]) == ("failed", "interrupted", 49.5), "its VPS runs no backup"
        told = client.request("notification.list", vps=VPS)["notifications"]
        assert [(one["id"], one["type"], one["operation"], one["reason"], one["read"]) for one in told] == [
            (5, "backup_completed", CREATED, None, True), (6, "restore_failed", RESTORED, "checksum_mismatch", False),
            (7, "backup_failed", UNENDED, "interrupted", False)]
        assert {one["backup_name"] for one in told} == {"Tägliche „Sicherung“"}
        operations = client.request("operation.list", vps=VPS)["operations"]
        assert [(one["id"], one["state"]) for one in operations] == [(UNENDED, "failed"), (RESTORED, "failed"), (CREATED, "completed")]
        assert client.problems == []
    audit = json.loads(daemon.ctl("--json", "log", "test").stdout)["entries"]
    assert ("alice", "backup.create", 2) in [(one["subject"], one["method"], one["count"]) for one in audit] or "audit" not in before
    assert daemon.stop() == 0

    assert schema(journal) == current
    after = contents(journal)
    for table, (columns, rows) in before.items():
        now = [dict(zip(after[table][0], row)) for row in after[table][1]]
        for row in rows:
            old = dict(zip(columns, row))
            # Telling goes on meanwhile, and how that ends depends on the network.
            for word in ("failures", "not_before", "attempts", "next_at"):
                old.pop(word, None)
            if old.get("id") != UNENDED and table != "known_slots":  # which is for a webhook, and here is none
                assert any(old.items() <= one.items() for one in now), (table, old)


def start_is_refused(daemon):
    done = daemon.run("--config", daemon.write_config(), status=1)
    assert done.stderr.count("\n") == 1 and str(daemon.state / "journal.sqlite") in done.stderr
    return done.stderr


def test_newer_journal_is_refused(daemon, current):
    journal = write_journal(daemon, JOURNALS[-1])
    with sqlite3.connect(journal) as database:
        database.execute(f"PRAGMA user_version = {current[0] + 1}")
    database.close()
    before = journal.read_bytes()
    said = start_is_refused(daemon)
    assert f"was written by a newer vps-backup (format {current[0] + 1}, this one knows up to {current[0]}); install that version again" in said
    assert journal.read_bytes() == before


def test_failed_migration_leaves_it_as_it_was(daemon, current):
    """A column that the last step adds is there already, after the first of its statements has been executed."""
    journal = write_journal(daemon, next(path for path in JOURNALS if path.stem == "3"))
    with sqlite3.connect(journal) as database:
        database.execute("ALTER TABLE operations ADD COLUMN stall_told INTEGER")
    database.close()
    before = contents(journal), schema(journal)
    assert "Failed to bring the journal to format 4" in start_is_refused(daemon)
    assert (contents(journal), schema(journal)) == before
    with sqlite3.connect(journal) as database:
        database.execute("ALTER TABLE operations DROP COLUMN stall_told")
    database.close()
    assert daemon.start().wait_ready().stop() == 0
    assert schema(journal) == current
