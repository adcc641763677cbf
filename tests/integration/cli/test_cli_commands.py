# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each command against a scripted service: what it asks, prints and returns."""

import json
import os
import pathlib
import stat

import pytest

from fake_service import OPERATION, OTHER, VPS, NEW_BACKUP, Refusal, backup, operation, vps

FIRST = "aaaa0000-0000-4000-8000-000000000001"
SECOND = "bbbb0000-0000-4000-8000-000000000002"

ENTRY = {"id": 7, "at": "2026-03-01T10:00:05Z", "count": 3, "subject": "bob\x1b[2J", "address": "198.51.100.7", "token": "t-1",
         "method": "backup.delete", "vps": VPS, "target": FIRST, "outcome": "forbidden"}


# ---- usage

@pytest.mark.parametrize("words", [
    [], ["frobnicate"], ["list", "x"], ["show"], ["show", "a", "b"], ["create"], ["create", "web", "--frobnicate"], ["restore", "web"],
    ["delete", "web"], ["rename", "web", "latest"], ["verify", "web"], ["cancel"], ["slots"], ["slots", "web", "many"],
    ["slots", "web", "-1"], ["log", "web", "--limit", "x"], ["log", "web", "mail"], ["watch", "a", "b"], ["--frobnicate"],
    ["token"], ["token", "--vps", "*", "--perms", "admin"], ["token", "--vps", "*", "--ttl", "60"],
    ["token", "--perms", "admin", "--ttl", "60"], ["token", "--vps", "*", "--perms", "everything", "--ttl", "60"],
    ["token", "--vps", "*", "--perms", "admin", "--ttl", "86401"],
    ["schedule"], ["schedule", "web", "mail"], ["schedule", "web", "--off", "--at", "03:30"], ["schedule", "web", "--keep", "two"],
])
def test_usage(ctl, service, words):
    done = ctl.run(*words, status=2)
    assert done.stdout == "" and done.stderr.startswith("vps-backupctl: ")
    assert service.calls == []


def test_help_needs_no_service(ctl):
    text = ctl.run("--help").stdout
    for command in ("list", "show", "create", "restore", "delete", "rename", "verify", "cancel", "slots", "schedule", "watch", "log", "token"):
        assert f"\n  {command} " in text
        assert "Usage:" in ctl.run(command, "--help").stdout
    assert ctl.run("--version").stdout.startswith("vps-backupctl ")


def test_unreachable(ctl):
    done = ctl.run("list", status=4)
    assert done.stdout == "" and "vps-backupd" in done.stderr


def test_not_our_service(ctl, folder, service):
    service.stop()
    (folder / "service.sock").unlink(missing_ok=True)
    (folder / "service.sock").write_text("")
    ctl.run("list", status=4)


# ---- reading

def test_list(ctl, service):
    service.vps[1]["operation"] = operation()
    lines = ctl.run("list").stdout.splitlines()
    assert lines[0].split()[0] == "NAME"
    assert VPS in lines[1] and "2/3" in lines[1] and "2026-03-01 10:00:05" in lines[1]
    assert OTHER in lines[2] and "42.5 %" in lines[2]
    # Columns stand one below the other.
    assert lines[0].index("VPS") == lines[1].index(VPS) == lines[2].index(OTHER)


def test_json_is_the_protocols(ctl, service):
    service.answers["operation.list"] = {"operations": [operation("completed")]}
    service.answers["audit.list"] = {"entries": [ENTRY]}
    assert json.loads(ctl.run("--json", "list").stdout) == {"vps": service.vps}
    assert json.loads(ctl.run("show", "web", "--json").stdout) == service.vps[0]
    assert json.loads(ctl.run("--json", "log", "web").stdout) == {"operations": [operation("completed")], "entries": [ENTRY]}
    assert json.loads(ctl.run("--json", "log").stdout) == {"entries": [ENTRY]}
    # A number that has no exact binary form is not made longer on its way.
    service.vps[0]["operation"] = operation(progress=12.3)
    assert '"progress":12.3,' in ctl.run("--json", "show", "web").stdout.replace(" ", "")


def test_show(ctl, service):
    text = ctl.run("show", VPS.upper()).stdout
    assert "web" in text and FIRST in text and SECOND in text and "2.5 GiB" in text and "2 of 3" in text
    service.vps[0]["can_create"] = {"allowed": False, "reason": "slots_full"}
    assert "slots_full" in ctl.run("show", "web").stdout


def test_log(ctl, service):
    service.answers["operation.list"] = {"operations": [
        operation("failed", error={"reason": "insufficient_space", "message": "The pool is full."}), operation("completed")]}
    service.answers["audit.list"] = {"entries": [ENTRY]}
    text = ctl.run("log", "web", "--limit", "5").stdout
    assert service.wait_for_call("operation.list") == {"vps": VPS, "limit": 5}
    assert service.wait_for_call("audit.list") == {"vps": VPS, "limit": 5}
    assert "insufficient_space: The pool is full." in text and "0:12" in text
    assert "198.51.100.7" in text and "forbidden (3×)" in text and "\x1b" not in text
    text = ctl.run("log").stdout
    assert service.wait_for_call("audit.list", 2) == {} and "backup.delete" in text and "insufficient_space" not in text


def test_activity(ctl, service):
    entry = {"id": 9, "at": "2026-03-01T10:00:05Z", "by": "bob\x1b[2J", "method": "backup.delete", "vps": VPS, "target": FIRST}
    entries = [entry, {**entry, "id": 8, "by": "operator", "target": None}]
    answer = service.answers["activity.list"] = {"entries": entries, "next": None}
    text = ctl.run("activity", "web", "--limit", "2").stdout
    assert service.wait_for_call("activity.list") == {"vps": VPS, "limit": 2}
    assert text.splitlines()[0].split() == ["ASKED", "BY", "METHOD", "VPS", "TARGET"] and len(text.splitlines()) == 3
    assert "backup.delete" in text and VPS in text and FIRST in text and "operator" in text and "\x1b" not in text
    assert json.loads(ctl.run("--json", "activity", "web").stdout) == answer
    assert ctl.run("activity").stdout == text and service.wait_for_call("activity.list", 3) == {}


def test_names_cannot_command_the_terminal(ctl, service):
    service.vps[0]["name"] = "web\x1b]0;owned\x07\u202egnp"
    service.vps[0]["backups"][0]["name"] = "\x1b[2Jgone\nNEXT"
    for words in (["list"], ["show", VPS]):
        text = ctl.run(*words).stdout
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
        assert not any(line.startswith("NEXT") for line in text.splitlines())


# ---- who is meant

def test_vps_not_found(ctl, service):
    assert "not_found" in ctl.run("show", "nobody", status=3).stderr
    assert "not_found" in ctl.run("show", "00000000-0000-4000-8000-000000000000", status=3).stderr


def test_vps_named_like_a_uuid(ctl, service):
    name = "77777777-0000-4000-8000-000000000000"
    service.vps.append(vps("88888888-0000-4000-8000-000000000000", name))
    assert json.loads(ctl.run("--json", "show", name).stdout)["name"] == name


@pytest.mark.parametrize("text, expected", [(FIRST, FIRST), ("aaaa", FIRST), ("BBBB0", SECOND), ("latest", SECOND)])
def test_backup_is_found(ctl, service, text, expected):
    service.answers["backup.delete"] = {}
    ctl.run("delete", "web", text)
    assert service.wait_for_call("backup.delete") == {"vps": VPS, "backup": expected}


def test_latest_is_one_that_is_there(ctl, service):
    service.answers["backup.delete"] = {}
    service.vps[0]["backups"].insert(0, backup(NEW_BACKUP, "third", "creating"))
    ctl.run("delete", "web", "latest")
    assert service.wait_for_call("backup.delete")["backup"] == SECOND
    ctl.run("delete", "mail", "latest", status=3)


def test_backup_is_not_found(ctl, service):
    assert "not_found" in ctl.run("delete", "web", "dddd", status=3).stderr
    service.vps[0]["backups"].append(backup("aaaa0000-0000-4000-8000-000000000009", "twin"))
    assert "More than one" in ctl.run("delete", "web", "aaaa", status=2).stderr
    ctl.run("delete", "web", "", status=2)
    assert service.called("backup.delete") == []


# ---- refusals

def test_refusal(ctl, service):
    service.answers["backup.delete"] = Refusal("operation_running", "Wait for the restore to end.")
    done = ctl.run("delete", "web", "latest", status=3)
    assert done.stderr == "vps-backupctl: Wait for the restore to end. (operation_running)\n" and done.stdout == ""
    done = ctl.run("--json", "delete", "web", "latest", status=3)
    assert json.loads(done.stdout)["error"]["data"]["reason"] == "operation_running"


def test_other_errors(ctl, service):
    service.answers["backup.rename"] = Refusal(None, "name: at most 64 characters", -32602)
    assert "64 characters" in ctl.run("rename", "web", "latest", "x" * 65, status=3).stderr
    service.answers["backup.rename"] = Refusal("internal", "Look into the log.")
    ctl.run("rename", "web", "latest", "x", status=1)
    service.answers["backup.rename"] = Refusal(None, "Internal error.", -32603)
    ctl.run("rename", "web", "latest", "x", status=1)


# ---- changing

def test_rename(ctl, service):
    service.answers["backup.rename"] = backup(SECOND, "new")
    ctl.run("rename", "web", "bbbb", "new name")
    assert service.wait_for_call("backup.rename") == {"vps": VPS, "backup": SECOND, "name": "new name"}
    ctl.run("rename", "web", "bbbb", "--", "--name")
    assert service.wait_for_call("backup.rename", 2)["name"] == "--name"


def test_protect(ctl, service):
    service.answers["backup.protect"] = backup(SECOND, "new")
    ctl.run("protect", "web", "bbbb")
    assert service.wait_for_call("backup.protect") == {"vps": VPS, "backup": SECOND, "protected": True}
    ctl.run("protect", "web", "bbbb", "off")
    assert service.wait_for_call("backup.protect", 2)["protected"] is False
    ctl.run("protect", "web", "bbbb", "of", status=2)


def test_schedule(ctl, service):
    nothing = {"schedule": None, "next_run_at": None}
    nightly = {"at": "03:30", "keep": 2, "jitter_minutes": 15, "zone": "Europe/Berlin"}
    service.answers["schedule.get"] = nothing
    assert "none" in ctl.run("schedule", "web").stdout
    service.answers["schedule.set"] = {"schedule": nightly, "next_run_at": "2026-03-01T02:41:07Z"}
    said = ctl.run("schedule", "web", "--at", "03:30").stdout
    assert service.wait_for_call("schedule.set") == {"vps": VPS, "schedule": {"at": "03:30", "keep": 1, "jitter_minutes": 0}}
    assert "daily at 03:30 Europe/Berlin, up to 15 minutes later; keeps 2" in said
    assert ctl.run("schedule", "web", "--keep", "3", status=2).stdout == ""
    # What is not given stays.
    service.vps[0] |= {"schedule": nightly, "next_run_at": "2026-03-01T02:41:07Z"}
    ctl.run("schedule", "web", "--jitter", "0", "--keep", "3")
    assert service.wait_for_call("schedule.set", 2)["schedule"] == nightly | {"keep": 3, "jitter_minutes": 0}
    assert "daily at 03:30" in ctl.run("show", "web").stdout
    service.answers["schedule.set"] = nothing
    ctl.run("--json", "schedule", "web", "--off")
    assert service.wait_for_call("schedule.set", 3) == {"vps": VPS, "schedule": None}


def test_several_schedules(ctl, service):
    first = {"at": "03:30", "keep": 2, "jitter_minutes": 15, "zone": "Europe/Berlin"}
    office = {"at": "08:00", "days": ["mon", "fri"], "every_hours": 4, "keep": 1, "keep_daily": 7, "jitter_minutes": 0, "zone": "UTC"}
    entries = [{"id": "default", "schedule": first, "next_run_at": "2026-03-01T02:41:07Z", "slots_needed": 2},
               {"id": "office", "schedule": office, "next_run_at": None, "slots_needed": 7}]
    # An older service is not asked for what it cannot do.
    for wrong in (["--days", "mon", "--at", "03:00"], ["--every", "6h", "--at", "03:00"], ["--id", "x", "--at", "03:00"], ["preview", "--at", "03:00"]):
        assert "older" in ctl.run("schedule", "web", *wrong, status=2).stderr
    service.vps[0] |= {"schedule": first, "schedules": entries}
    service.answers["schedule.list"] = {"schedules": entries, "slots_needed": 9, "slots_total": 9}
    lines = ctl.run("schedule", "web").stdout.splitlines()
    assert "daily at 03:30 Europe/Berlin, up to 15 minutes later; keeps 2; next" in lines[0]
    assert "[office] mon, fri, every 4 hours from 08:00 UTC, up to 0 minutes later; keeps 1, 7 daily; next" in lines[1]
    assert ctl.run("show", "web").stdout.count("Schedule ") == 2
    assert json.loads(ctl.run("--json", "schedule", "web", "list").stdout)["schedules"] == entries

    service.answers["schedule.set"] = {"schedule": office, "next_run_at": None}
    ctl.run("schedule", "web", "--id", "office", "--days", "all", "--keep-daily", "0", "--keep-weekly", "4")
    rest = {name: office[name] for name in ("at", "every_hours", "keep", "jitter_minutes", "zone")}
    assert service.wait_for_call("schedule.set") == {"vps": VPS, "id": "office", "schedule": rest | {"keep_daily": 0, "keep_weekly": 4}}
    ctl.run("schedule", "web", "set", "--calendar", "Mon..Fri 02:00")
    assert service.wait_for_call("schedule.set", 2) == {
        "vps": VPS, "id": "default", "schedule": {"calendar": "Mon..Fri 02:00", "keep": 2, "jitter_minutes": 15, "zone": "Europe/Berlin"}}
    ctl.run("schedule", "web", "--id", "new", "--at", "01:00", "--every", "6", "--keep-monthly", "3")
    assert service.wait_for_call("schedule.set", 3) == {
        "vps": VPS, "id": "new", "schedule": {"at": "01:00", "every_hours": 6, "keep": 1, "jitter_minutes": 0, "keep_monthly": 3}}
    service.answers["schedule.preview"] = {
        "next_runs": ["2026-03-01T02:00:00Z"], "removes": [FIRST], "kept": [{"at": "2026-03-01T02:00:00Z", "rules": ["last", "daily"]}],
        "slots_needed": 12, "slots_total": 3, "fits": False}
    said = ctl.run("schedule", "web", "preview", "--id", "office").stdout
    assert service.wait_for_call("schedule.preview") == {"vps": VPS, "id": "office"}
    assert FIRST in said and "(last, daily)" in said and "12 needed by all schedules, 3 there" in said
    ctl.run("schedule", "web", "preview", "--at", "04:00", "--id", "new")
    assert service.wait_for_call("schedule.preview", 2)["schedule"]["at"] == "04:00"
    service.answers["schedule.remove"] = {}
    ctl.run("schedule", "web", "remove", "office")
    assert service.wait_for_call("schedule.remove") == {"vps": VPS, "id": "office"}
    ctl.run("schedule", "web", "--off")
    assert service.wait_for_call("schedule.set", 4) == {"vps": VPS, "schedule": None}
    for wrong in (["set"], ["list", "--at", "03:00"], ["remove", "office", "--keep", "3"], ["preview", "office"], ["remove", "--at", "3"],
                  ["--id", "new", "--keep", "3"]):
        ctl.run("schedule", "web", *wrong, status=2)


def test_verify(ctl, service):
    service.answers["backup.verify"] = {"ok": True, "bad_chunks": 0}
    ctl.run("verify", "web", "latest")
    service.answers["backup.verify"] = {"ok": False, "bad_chunks": 3}
    assert "checksum_mismatch" in ctl.run("verify", "web", "latest", status=1).stderr
    assert json.loads(ctl.run("--json", "verify", "web", "latest", status=1).stdout) == {"ok": False, "bad_chunks": 3}


def test_the_operators_language(ctl, service):
    catalogues = str(pathlib.Path(os.environ["VB_BUILD"]) / "po")
    assert "Commands:" in ctl.run("--help").stdout
    ctl.environment |= {"LANGUAGE": "de", "TEXTDOMAINDIR": catalogues}
    if "VB_LOCALES" in os.environ:
        ctl.environment |= {"LOCPATH": os.environ["VB_LOCALES"], "LC_ALL": os.environ["VB_LOCALE"]}
    assert "Befehle:" in ctl.run("--help").stdout
    assert "Socket des Dienstes (Vorgabe: /run/vps-backup/" in ctl.run("--help").stdout
    assert "Unbekannter Befehl „backup“" in ctl.run("backup", status=2).stderr
    for pieces, words in ((1, "1 Stück von 1 MiB weicht von seiner Prüfsumme ab"), (3, "3 Stücke von 1 MiB weichen von ihren Prüfsummen ab")):
        service.answers["backup.verify"] = {"ok": False, "bad_chunks": pieces}
        assert words in ctl.run("verify", "web", "latest", status=1).stderr
    assert "FORTSCHRITT" in ctl.run("list").stdout
    assert ctl.run("--json", "list").stdout.startswith("{"), "the protocol has no language"
    service.answers["backup.delete"] = Refusal("operation_running", "A backup operation is running on this VPS; wait until it has finished.")
    refused = ctl.run("delete", "web", "latest", status=3).stderr
    assert "Auf diesem VPS läuft bereits ein Vorgang; warten Sie, bis er abgeschlossen ist. (operation_running)" in refused
    ctl.environment["LANGUAGE"] = "tlh:de"
    assert "„backup“" in ctl.run("backup", status=2).stderr, "the next best"
    ctl.environment["LANGUAGE"] = "tlh"
    assert "Unknown command “backup”" in ctl.run("backup", status=2).stderr


def test_slots(ctl, service):
    slots = {**service.vps[0]["slots"], "total": 5}
    service.answers["slots.set"] = slots
    assert "2 of 3" in ctl.run("slots", "web").stdout
    assert service.called("slots.set") == []
    assert json.loads(ctl.run("--json", "slots", "web", "5").stdout) == slots
    assert service.wait_for_call("slots.set") == {"vps": VPS, "total": 5}


def test_cancel(ctl, service):
    service.answers["operation.cancel"] = {}
    ctl.run("cancel", "web", status=3)
    service.vps[0]["operation"] = operation()
    ctl.run("cancel", "web")
    assert service.wait_for_call("operation.cancel") == {"vps": VPS, "operation": OPERATION}


# ---- tokens

def test_token(ctl, folder):
    import base64
    import hashlib
    import hmac
    import os
    import time
    keys = folder / "keys"
    keys.mkdir()
    for number, name in enumerate(("old", "new")):
        (keys / name).write_bytes(os.urandom(40))
        (keys / name).chmod(stat.S_IRUSR)
        os.utime(keys / name, (1000 + number, 1000 + number))

    def claims(*words, key="new"):
        token = ctl.run("token", "--vps", VPS, "--perms", "backup.read,power", "--ttl", "60", *words).stdout.strip()
        head, body, signature = token.split(".")
        expected = hmac.new((keys / key).read_bytes(), f"{head}.{body}".encode(), hashlib.sha256).digest()
        assert base64.urlsafe_b64decode(signature + "=") == expected
        return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))

    made = claims("--keys", keys, "--sub", "alice")
    assert made["vps"] == [VPS] and made["perms"] == ["backup.read", "power"] and made["sub"] == "alice"
    assert made["aud"] == "vps-backup" and 0 < made["exp"] - time.time() <= 60
    claims("--key-file", keys / "old", key="old")
    (folder / "service.conf").write_text(f"[bridge]\ntoken-keys={keys}\n")
    claims("--config", folder / "service.conf")
    ctl.run("token", "--vps", "*", "--perms", "admin", "--ttl", "60", "--keys", folder / "none", status=1)


def test_token_for_a_name(ctl, folder, service):
    (folder / "key").write_bytes(b"k" * 32)
    (folder / "key").chmod(stat.S_IRUSR)
    ctl.run("token", "--vps", "mail", "--perms", "backup.read", "--ttl", "60", "--key-file", folder / "key")
    ctl.run("token", "--vps", "nobody", "--perms", "backup.read", "--ttl", "60", "--key-file", folder / "key", status=3)
