# SPDX-License-Identifier: LGPL-2.1-or-later
"""create, restore and watch against a scripted service: progress, outcomes, questions, and a service that goes away meanwhile."""

import json
import signal

import pytest

from fake_service import OPERATION, OTHER, VPS, NEW_BACKUP, Loss, Refusal, backup, operation

SECOND = "bbbb0000-0000-4000-8000-000000000002"


@pytest.fixture
def creating(service):
    """A service on which a create has been admitted and goes on until a test ends it."""
    def create(params):
        service.vps[0]["operation"] = operation("queued")
        return {"operation": operation("queued"), "backup": backup(NEW_BACKUP, "new", "queued")}

    service.answers["backup.create"] = create
    service.answers["operation.list"] = {"operations": [operation()]}
    return service


def end(service, state, announce=True, **members):
    service.answers["operation.list"] = {"operations": [operation(state, **members)]}
    service.vps[0]["operation"] = None
    if state == "completed":
        service.vps[0]["backups"].insert(0, backup(NEW_BACKUP, "new"))
    if announce:
        service.send("vps.changed", **service.vps[0])


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


# ---- create

def test_create_returns_at_once(ctl, creating):
    assert NEW_BACKUP in ctl.run("create", "web", "--name", "before", "--request-key", "k").stdout
    assert creating.wait_for_call("backup.create") == {"vps": VPS, "name": "before", "request_key": "k"}
    assert json.loads(ctl.run("--json", "create", "web").stdout)["operation"]["id"] == OPERATION


def test_create_is_refused(ctl, service):
    service.answers["backup.create"] = Refusal("slots_full", "Delete a backup or buy a slot.")
    assert "slots_full" in ctl.run("create", "web", "--wait", status=3).stderr


def test_wait(ctl, creating):
    process = ctl.start("create", "web", "--wait")
    creating.wait_for_call("vps.subscribe")
    creating.send("operation.progress", vps=VPS, operation=operation(), seq=8)
    creating.send("operation.progress", vps=OTHER, operation=operation("failed", identity="x"), seq=8)
    creating.send("vps.changed", **{**creating.vps[0], "operation": operation("finishing")})
    end(creating, "completed")
    status, out, err = finish(process)
    assert (status, err) == (0, "")
    assert "42.5 %  425.0 MiB of 1000.0 MiB  100.0 MiB/s  0:06 left" in out
    assert "finishing" in out and f"Backup {NEW_BACKUP} is available" in out
    assert "\r" not in out and "\x1b" not in out


def test_wait_with_json(ctl, creating):
    process = ctl.start("--json", "create", "web", "--wait")
    creating.wait_for_call("vps.subscribe")
    creating.send("operation.progress", vps=VPS, operation=operation(), seq=8)
    end(creating, "completed")
    status, out, err = finish(process)
    assert (status, err) == (0, "")
    assert json.loads(out) == {"operation": operation("completed"), "backup": backup(NEW_BACKUP, "new")}


@pytest.mark.parametrize("state, error, words", [
    ("failed", {"reason": "insufficient_space", "message": "The pool is full."}, "The pool is full. (insufficient_space)"),
    ("cancelled", {"reason": "cancelled", "message": "It was cancelled."}, "cancelled"),
])
def test_wait_for_a_failure(ctl, creating, state, error, words):
    process = ctl.start("create", "web", "--wait", "--json")
    creating.wait_for_call("vps.subscribe")
    end(creating, state, error=error)
    status, out, err = finish(process)
    assert status == 1 and words in err
    assert json.loads(out)["operation"]["state"] == state and json.loads(out)["backup"] is None


def test_wait_for_what_has_ended_already(ctl, creating):
    creating.answers["backup.create"] = {"operation": operation("completed"), "backup": backup(NEW_BACKUP, "new")}
    end(creating, "completed", announce=False)
    assert "is available" in ctl.run("create", "web", "--wait").stdout


def test_wait_when_events_are_lost(ctl, creating):
    """The end was never announced to us: after a while we ask."""
    process = ctl.start("create", "web", "--wait")
    creating.wait_for_call("vps.subscribe")
    end(creating, "completed", announce=False)
    assert finish(process)[0] == 0


# ---- the service goes away

def test_wait_outlives_a_restart(ctl, creating):
    process = ctl.start("create", "web", "--wait")
    creating.wait_for_call("vps.subscribe")
    creating.stop()
    # First the VPS is not known yet, then the operation goes on, then it ends.
    known, creating.vps = creating.vps, []
    creating.start()
    creating.wait_for_call("vps.subscribe", 3)
    creating.vps = known
    creating.wait_for_call("vps.subscribe", 4)
    creating.send("operation.progress", vps=VPS, operation=operation(), seq=1)
    end(creating, "completed")
    status, out, err = finish(process)
    assert status == 0, err
    assert "connecting again" in out and "is available" in out


def test_outcome_of_an_operation_that_ended_meanwhile(ctl, creating):
    process = ctl.start("create", "web", "--wait")
    creating.wait_for_call("vps.subscribe")
    creating.stop()
    end(creating, "failed", announce=False, error={"reason": "interrupted", "message": "The service was stopped."})
    creating.start()
    status, _, err = finish(process)
    assert status == 1 and "interrupted" in err


def test_lost_answer_does_not_create_twice(ctl, creating):
    """The service dies between admission and answer: the same key is used again."""
    creating.answers["backup.create"] = Loss(Loss(creating.answers["backup.create"]))
    process = ctl.start("create", "web", "--wait")
    first = creating.wait_for_call("backup.create")
    second = creating.wait_for_call("backup.create", 3)
    assert second == first and second["request_key"]
    creating.wait_for_call("vps.subscribe")
    end(creating, "completed")
    assert finish(process)[0] == 0


# ---- terminal

def test_bar(ctl, creating):
    terminal = ctl.start_on_terminal("create", "web", "--wait")
    creating.wait_for_call("vps.subscribe")
    creating.send("operation.progress", vps=VPS, operation=operation(), seq=8)
    terminal.read_until("42.5 %")
    end(creating, "completed")
    assert terminal.finish() == 0
    assert "[###" in terminal.output and "\r\x1b[K" in terminal.output and "is available" in terminal.output


def begun(service):
    """Restores that were to begin: before each the command line asks what would be lost with it."""
    return [call for call in service.called("backup.restore") if not call.get("check")]


def test_restore_asks(ctl, service):
    service.answers["backup.restore"] = {"operation": operation("queued", kind="restore", backup=SECOND)}
    terminal = ctl.start_on_terminal("restore", "web", "latest")
    terminal.read_until("[y/N]")
    assert "web" in terminal.output and "second" in terminal.output
    terminal.type("n\n")
    assert terminal.finish() == 1
    assert service.called("backup.restore") == [{"vps": VPS, "backup": SECOND, "check": True}]

    terminal = ctl.start_on_terminal("restore", "web", "latest")
    terminal.read_until("[y/N]")
    terminal.type("y\n")
    assert terminal.finish() == 0
    assert begun(service) == [{"vps": VPS, "backup": SECOND}]


# ---- restore

def test_restore_needs_a_yes(ctl, service):
    ctl.run("restore", "web", "latest", status=2)
    assert service.calls == []


def test_restore(ctl, service):
    restoring = {"kind": "restore", "backup": SECOND}
    service.answers["backup.restore"] = {"operation": operation("queued", **restoring)}
    service.vps[0]["operation"] = operation("queued", **restoring)
    process = ctl.start("restore", "web", "bbbb", "--yes", "--wait", "--stop-first", "--backup-first", "--replace-disks")
    service.wait_for_call("vps.subscribe")
    end(service, "failed", error={"reason": "checksum_mismatch", "message": "The backup is damaged."}, **restoring)
    status, _, err = finish(process)
    assert status == 1 and "checksum_mismatch" in err
    assert begun(service) == [{"vps": VPS, "backup": SECOND, "stop_first": True, "backup_first": True, "replace_disks": True}]


# ---- watch

def read_until(process, text):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text} never came: {lines}")


def test_watch(ctl, service):
    process = ctl.start("watch")
    read_until(process, "mail")
    assert service.wait_for_call("vps.subscribe") == {"vps": "*"}
    service.send("vps.changed", **{**service.vps[0], "status": "creating_backup", "operation": operation()})
    read_until(process, "web  creating_backup")
    service.send("operation.progress", vps=VPS, operation=operation(), seq=9)
    read_until(process, "42.5 %")
    service.send("notification.added", id=1, type="backup_failed", vps=VPS, vps_name="web", backup=NEW_BACKUP, backup_name="new",
                 operation=OPERATION, reason="interrupted", created_at="2026-03-02T10:00:12Z", read=False)
    read_until(process, "backup_failed “new” (interrupted)")

    service.stop()
    service.start()
    service.wait_for_call("vps.subscribe", 2)
    service.send("vps.changed", **{**service.vps[0], "status": "stopped"})
    read_until(process, "web  stopped")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_watch_on_a_terminal_is_a_table(ctl, service):
    terminal = ctl.start_on_terminal("watch")
    terminal.read_until("OPERATION")
    service.wait_for_call("vps.subscribe")
    service.send("vps.changed", **{**service.vps[0], "status": "creating_backup", "operation": operation()})
    table = terminal.read_screen("42.5 %", "mail").splitlines()
    assert [line.split()[:1] for line in table if line.strip()][:3] == [["NAME"], ["web"], ["mail"]], "the busy one comes first"
    service.send("operation.progress", vps=VPS, operation=operation(progress=61.0), seq=9)
    terminal.read_until("61.0 %")
    service.send("notification.added", id=1, type="backup_failed", vps=VPS, vps_name="web", backup=NEW_BACKUP, backup_name="new",
                 operation=OPERATION, reason="interrupted", created_at="2026-03-02T10:00:12Z", read=False)
    terminal.read_until("web  backup_failed “new” (interrupted)")
    terminal.output = ""
    service.send("vps.removed", vps=VPS, seq=10)
    terminal.read_until("mail")
    assert "web " not in terminal.output.split("\033[2J")[-1].split("\r\n\r\n")[0]
    terminal.process.send_signal(signal.SIGINT)
    terminal.finish()


def test_watch_one_with_json(ctl, service):
    process = ctl.start("--json", "watch", "web")
    assert json.loads(process.stdout.readline()) == service.vps[0]
    assert service.wait_for_call("vps.subscribe") == {"vps": VPS}
    service.send("operation.progress", vps=VPS, operation=operation(), seq=9)
    assert json.loads(process.stdout.readline())["params"]["operation"] == operation()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
