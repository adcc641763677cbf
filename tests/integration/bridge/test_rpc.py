# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests and their answers: results, refusals, permissions, scope."""

import datetime
import json

import pytest

from client import RpcError

ALL = ("backup.read", "backup.create", "backup.restore", "backup.delete", "slots.write", "power")

def refusal(client, method, **params):
    with pytest.raises(RpcError) as caught:
        client.request(method, **params)
    return caught.value


def test_session_info_of_an_administrator(host):
    info = host.admin().request("session.info")
    assert info["server"]["name"] == "vps-backup"
    assert info["permissions"] == ["admin"] and info["vps"] == "*" and info["expires_at"] is None
    assert info["stall_timeout_s"] == 1800


def test_session_info_of_a_token(host):
    vps = host.add()
    info = host.user(host.mint("backup.read", "power", vps=[vps.upper()], sub="bob")).request("session.info")
    assert info["subject"] == "bob" and info["vps"] == [vps]
    assert info["permissions"] == ["backup.read", "power"] and info["expires_at"].endswith("Z")


def test_vps_object(host):
    vps = host.add("mail")
    client = host.admin()
    state = client.request("vps.get", vps=vps.upper())
    assert (state["name"], state["power"], state["status"]) == ("mail", "running", "running")
    assert state["slots"] == {"used": 0, "total": 2, "included": 2, "extra": 0, "step": 1, "maximum": 10, "billable_steps": 0}
    assert state["can_create"] == {"allowed": True, "reason": None}
    assert state["power_actions"] == {"start": False, "stop": True, "restart": True}
    assert state["operation"] is None and state["backups"] == []
    assert client.request("vps.list") == {"vps": [state]}


def test_create_restore_delete(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    started = client.request("backup.create", vps=vps, name="before upgrade")
    assert started["backup"]["name"] == "before upgrade" and started["backup"]["size_bytes"] is None
    assert started["backup"]["id"] == started["operation"]["backup"]
    ended = client.wait_operation(vps, started["operation"]["id"])
    assert ended["state"] == "completed" and ended["progress"] == 100 and ended["error"] is None
    backup, = client.request("vps.get", vps=vps)["backups"]
    assert backup["state"] == "available" and backup["size_bytes"] == 64 << 20 and backup["progress"] is None
    assert backup["disks"] == [{"target": "vda", "virtual_size_bytes": 64 << 20, "size_bytes": 64 << 20}]

    assert client.restore(vps, backup["id"], stop_first=True)["state"] == "completed"
    renamed = client.request("backup.rename", vps=vps, backup=backup["id"], name="ganz neu ✓")
    assert renamed["name"] == "ganz neu ✓"
    assert client.request("backup.verify", vps=vps, backup=backup["id"]) == {"ok": True, "bad_chunks": 0}
    host.tell("bad-chunks", 3)
    assert client.request("backup.verify", vps=vps, backup=backup["id"]) == {"ok": False, "bad_chunks": 3}
    assert client.request("backup.delete", vps=vps, backup=backup["id"]) == {}
    assert client.request("vps.get", vps=vps)["slots"]["used"] == 0
    kinds = [one["kind"] for one in client.request("operation.list", vps=vps)["operations"]]
    assert kinds == ["restore", "create"]
    assert len(client.request("operation.list", vps=vps, limit=1)["operations"]) == 1


def test_a_protected_backup_stays(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    _, backup = client.back_up(vps)
    assert client.vps[vps]["backups"][0]["protected"] is False
    assert client.request("backup.protect", vps=vps, backup=backup, protected=True)["protected"] is True
    client.wait_vps(vps, lambda now: now["backups"][0]["protected"], "everybody is told")
    refused = refusal(client, "backup.delete", vps=vps, backup=backup)
    assert refused.reason == "forbidden" and "protected" in refused.message
    assert client.restore(vps, backup)["state"] == "completed"
    may_not = host.user(host.mint("backup.create"))
    assert refusal(may_not, "backup.protect", vps=vps, backup=backup, protected=False).reason == "forbidden"
    assert client.request("backup.protect", vps=vps, backup=backup, protected=False)["protected"] is False
    assert client.request("backup.delete", vps=vps, backup=backup) == {}


def test_schedule(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    assert client.request("schedule.get", vps=vps) == {"schedule": None, "next_run_at": None}
    state = client.request("schedule.set", vps=vps, schedule={"at": "03:30", "keep": 2})
    assert state["schedule"] == {"at": "03:30", "keep": 2, "jitter_minutes": 0, "zone": "UTC"}
    assert state["next_run_at"][10:] == "T03:30:00Z"
    client.wait_vps(vps, lambda now: now["schedule"] == state["schedule"] and now["next_run_at"] == state["next_run_at"],
                    "everybody is told")
    berlin = {"at": "23:59", "keep": 99, "jitter_minutes": 360, "zone": "Europe/Berlin"}
    assert client.request("schedule.set", vps=vps, schedule=berlin)["schedule"] == berlin
    assert client.request("schedule.get", vps=vps)["schedule"] == berlin
    for change, word in (({"at": "24:00"}, "at"), ({"at": 3}, "at"), ({"keep": 0}, "keep"), ({"keep": "2"}, "keep"),
                         ({"jitter_minutes": 361}, "jitter"), ({"jitter_minutes": 1.5}, "jitter"), ({"zone": "../UTC"}, "zone"),
                         ({"zone": None}, "zone"), ({"days": "mon"}, "schedule")):
        refused = refusal(client, "schedule.set", valid=False, vps=vps, schedule=berlin | change)
        assert refused.code == -32602 and refused.message.startswith(word + ":"), change
    for wrong in ("03:30", [], 7, {}):
        assert refusal(client, "schedule.set", valid=False, vps=vps, schedule=wrong).code == -32602
    assert refusal(client, "schedule.set", valid=False, vps=vps).code == -32602
    assert client.request("schedule.get", vps=vps)["schedule"] == berlin
    assert client.request("schedule.set", vps=vps, schedule=None) == {"schedule": None, "next_run_at": None}
    client.wait_vps(vps, lambda now: now["schedule"] is None, "everybody is told")
    assert [one["method"] for one in client.request("audit.list", vps=vps)["entries"]].count("schedule.set") > 3


def test_several_schedules(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    assert "schedules" in client.request("session.info")["features"]
    assert client.request("schedule.list", vps=vps) == {"schedules": [], "slots_needed": 0, "slots_total": 2}
    office = {"at": "08:00", "days": ["mon", "fri"], "every_hours": 4, "keep": 1}
    state = client.request("schedule.set", vps=vps, id="office", schedule=office)
    assert state["schedule"] == {"at": "00:00", "days": ["mon", "fri"], "every_hours": 4, "keep": 1, "jitter_minutes": 0, "zone": "UTC"}
    month = {"calendar": "*-*~1 4:00", "keep": 1, "zone": "Europe/Berlin"}
    state = client.request("schedule.set", vps=vps, id="month", schedule=month)
    assert state["schedule"] == {"at": "04:00", "calendar": "*-*~01 04:00", "keep": 1, "jitter_minutes": 0, "zone": "Europe/Berlin"}
    listed = client.request("schedule.list", vps=vps)
    assert [one["id"] for one in listed["schedules"]] == ["office", "month"] and listed["slots_needed"] == 2
    assert all(one["next_run_at"] and one["slots_needed"] == 1 for one in listed["schedules"])
    client.wait_vps(vps, lambda now: now["schedules"] == listed["schedules"], "everybody is told")
    now = client.request("vps.get", vps=vps)
    assert now["next_run_at"] == min(one["next_run_at"] for one in listed["schedules"]) and now["schedule"] == listed["schedules"][0]["schedule"]

    # More than the slots hold is refused and says how many it needs, one schedule alone or with the others.
    week = {"at": "02:00", "keep": 1, "keep_daily": 7, "keep_weekly": 4}
    for name, needed in ("month", 11), ("week", 12):
        refused = refusal(client, "schedule.set", vps=vps, id=name, schedule=week)
        assert refused.code == -32602 and f"needs {needed} backup slots, and this VPS has 2" in refused.message
    assert client.request("schedule.list", vps=vps) == listed
    preview = client.request("schedule.preview", vps=vps, id="week", schedule=week)
    assert (preview["slots_needed"], preview["slots_total"], preview["fits"]) == (12, 2, False)
    assert client.request("schedule.preview", vps=vps, id="month")["fits"] is True
    assert refusal(client, "schedule.preview", vps=vps, id="week").reason == "not_found"

    # A client that knows only of one schedule sees and sets the first.
    assert client.request("schedule.get", vps=vps)["schedule"] == listed["schedules"][0]["schedule"]
    daily = {"at": "03:30", "keep": 2, "jitter_minutes": 5, "zone": "UTC"}
    assert client.request("schedule.set", vps=vps, schedule=daily)["schedule"] == daily
    listed = client.request("schedule.list", vps=vps)["schedules"]
    assert [one["id"] for one in listed] == ["office", "month"] and listed[0]["schedule"] == daily
    client.request("schedule.remove", vps=vps, id="office")
    assert refusal(client, "schedule.remove", vps=vps, id="office").reason == "not_found"
    assert client.request("schedule.set", vps=vps, schedule=None)["schedule"] is None
    assert client.request("schedule.list", vps=vps)["schedules"] == []
    for change, word in (({"days": []}, "days"), ({"days": ["mo"]}, "days"), ({"days": "mon"}, "days"), ({"every_hours": 5}, "every"),
                         ({"every_hours": "6"}, "every"), ({"calendar": "2026-01-01"}, "calendar"), ({"calendar": 7}, "calendar"),
                         ({"keep_daily": -1}, "keep_daily"), ({"keep_monthly": "1"}, "keep_daily"), ({"hours": 3}, "schedule")):
        refused = refusal(client, "schedule.set", valid=False, vps=vps, id="x", schedule=office | change)
        assert refused.code == -32602 and refused.message.startswith(word), change
    assert refusal(client, "schedule.set", valid=False, vps=vps, id="a b", schedule=office).message.startswith("id:")


def test_preview_of_what_is_kept(host):
    vps = host.add()
    client = host.admin()
    client.request("slots.set", vps=vps, total=9)
    preview = client.request("schedule.preview", vps=vps, schedule={"at": "02:00", "keep": 1, "keep_daily": 3, "keep_weekly": 2, "keep_monthly": 2})
    days = [datetime.datetime.fromisoformat(one["at"].replace("Z", "+00:00")) for one in preview["kept"]]
    runs = [datetime.datetime.fromisoformat(one.replace("Z", "+00:00")) for one in preview["next_runs"]]
    assert runs[0] > datetime.datetime.now(datetime.timezone.utc) and all(one.hour == 2 for one in runs + days)
    assert [(later - one).days for one, later in zip(runs, runs[1:])] == [1] * 4
    assert days[0] == runs[0] and preview["kept"][0]["rules"] == ["last", "daily", "weekly", "monthly"]
    assert [(days[0] - one).days for one in days[:3]] == [0, 1, 2] and preview["removes"] == []
    weekly = [day for day, one in zip(days, preview["kept"]) if "weekly" in one["rules"]]
    monthly = [day for day, one in zip(days, preview["kept"]) if "monthly" in one["rules"]]
    assert len(weekly) == len(monthly) == 2 and weekly[1].weekday() == 6 and (monthly[1] + datetime.timedelta(days=1)).day == 1
    assert len(days) <= preview["slots_needed"] == 5 and preview["fits"] is True


def test_request_key_returns_the_first_operation_again(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    first = client.request("backup.create", vps=vps, request_key="k1")
    client.wait_operation(vps, first["operation"]["id"])
    again = client.request("backup.create", vps=vps, request_key="k1")
    assert again["operation"]["id"] == first["operation"]["id"] and again["operation"]["state"] == "completed"
    client.request("backup.delete", vps=vps, backup=first["backup"]["id"])
    assert client.request("backup.create", vps=vps, request_key="k1")["backup"] is None


def test_cancel(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    host.tell("allow", 8 << 20)
    operation = client.request("backup.create", vps=vps)["operation"]["id"]
    client.wait_state(operation, "copying", 8 << 20)
    assert client.request("operation.cancel", vps=vps, operation=operation) == {}
    assert client.wait_operation(vps, operation)["state"] == "cancelled"
    assert client.request("vps.get", vps=vps)["backups"] == []
    assert refusal(client, "operation.cancel", vps=vps, operation=operation).reason == "too_late"
    # To another VPS, and to those who see nothing else, it never existed.
    other = host.add("other")
    for asking in (client, host.user(host.mint("backup.create", vps=[other]))):
        assert refusal(asking, "operation.cancel", vps=other, operation=operation).reason == "not_found"


@pytest.mark.parametrize("name", ["\u200b", "\u200d\u2060\ufeff", " \u00a0\u3000", "\u3164", "\u2800\u00ad", "\u0301", "\u202e\u200f"])
def test_a_name_can_be_seen(host, name):
    vps = host.add()
    client = host.admin()
    assert refusal(client, "backup.create", vps=vps, name=name).code == -32602
    client.subscribe(vps)
    _, backup = client.back_up(vps)
    assert refusal(client, "backup.rename", vps=vps, backup=backup, name=name).code == -32602
    # What joins the parts of a name is a part of it.
    assert client.request("backup.rename", vps=vps, backup=backup, name="👨\u200d👩 e\u0301")["name"] == "👨\u200d👩 e\u0301"


def test_slots_and_power(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    assert client.request("slots.set", vps=vps, total=4)["total"] == 4
    assert refusal(client, "slots.set", vps=vps, total=99).code == -32602
    assert client.request("power.stop", vps=vps, force=True) == {}
    client.wait_vps(vps, lambda now: now["power"] == "stopped", "the stop")
    assert client.request("power.start", vps=vps) == {}


def test_notifications(host):
    vps, other = host.add(), host.add("other")
    admin = host.admin()
    for one in (vps, other):
        admin.subscribe(one)
        admin.back_up(one)
    client = host.user(host.mint("backup.read", vps=[vps]))
    found = client.request("notification.list")["notifications"]
    assert [(one["type"], one["vps"], one["read"]) for one in found] == [("backup_completed", vps, False)]
    assert client.request("notification.read", up_to=found[0]["id"]) == {}
    assert client.request("notification.list", vps=vps)["notifications"][0]["read"] is True
    assert len(admin.request("notification.list")["notifications"]) == 2
    assert admin.request("notification.list", after=found[0]["id"], limit=1)["notifications"][0]["read"] is False
    assert host.user(host.mint("backup.read", vps=[])).request("notification.list") == {"notifications": []}


def test_cancel_needs_the_permission_of_the_kind(host):
    vps = host.add()
    admin = host.admin()
    admin.subscribe(vps)
    host.tell("allow", 1 << 20)
    operation = admin.request("backup.create", vps=vps)["operation"]["id"]
    restorer = host.user(host.mint("backup.restore", vps=[vps]))
    assert refusal(restorer, "operation.cancel", vps=vps, operation=operation).reason == "forbidden"
    creator = host.user(host.mint("backup.create", vps=[vps]))
    assert creator.request("operation.cancel", vps=vps, operation=operation) == {}
    host.tell("allow", 1 << 40)


def test_only_administrators_overwrite_other_disks(host):
    vps = host.add()
    unknown = "00000000-0000-4000-8000-000000000000"
    user = host.user(host.mint(*ALL, vps=[vps]))
    assert refusal(user, "backup.restore", vps=vps, backup=unknown, replace_disks=True).reason == "forbidden"
    assert refusal(user, "backup.restore", vps=vps, backup=unknown, replace_disks=False).reason == "not_found"
    assert refusal(host.admin(), "backup.restore", vps=vps, backup=unknown, replace_disks=True).reason == "not_found"


def test_every_refusal_tells_customers_nothing_of_the_inside(host):
    vps = host.add()
    user = host.user(host.mint(*ALL, vps=[vps]))
    admin = host.admin()
    for reason in ("insufficient_space", "internal", "hypervisor_unavailable", "disk_missing", "checksum_mismatch"):
        host.tell("fail", "hypervisor", "list_disks", reason)
        told = refusal(user, "backup.create", vps=vps)
        assert (told.code, told.reason) == (-32000, reason) and "/secret" not in told.message
        host.tell("fail", "hypervisor", "list_disks", reason)
        assert "/secret" in refusal(admin, "backup.create", vps=vps).message


def test_a_failed_operation_tells_customers_nothing_of_the_inside(host):
    vps = host.add()
    user = host.user(host.mint(*ALL, vps=[vps]))
    user.subscribe(vps)
    admin = host.admin()
    host.tell("fail", "pool", "capture", "internal")
    ended, _ = user.back_up(vps)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "internal"
    assert "/secret" not in json.dumps([user.traffic, user.events])
    assert "/secret" in admin.operation(vps, ended["id"])["error"]["message"]


@pytest.mark.parametrize("text, code", [
    ("{", -32700),
    ("", -32700),
    ('{"jsonrpc":"2.0","id":1,"id":2,"method":"vps.list"}', -32700),
    ('{"jsonrpc":"2.0",}', -32700),
    ('{"jsonrpc":"2.0","method":"vps.list"} x', -32700),
    ('/* hello */ {"jsonrpc":"2.0","id":1,"method":"vps.list"}', -32700),
    ('{"jsonrpc":"2.0","id":12345678901234567890123,"method":"vps.list"}', -32700),
    ('{"jsonrpc":"2.0","id":1e999,"method":"vps.list"}', -32700),
    ('{"jsonrpc":"2.0","id":"a\\u0000b","method":"vps.list"}', -32700),
    ('[{"jsonrpc":"2.0","id":1,"method":"vps.list"}]', -32600),
    ("[]", -32600),
    ("17", -32600),
    pytest.param("[" * 33 + "]" * 33, -32600, id="33 levels"),
    pytest.param("[" * 30000, -32600, id="30000 levels"),
    ('{"jsonrpc":"2.0","id":true,"method":"vps.list"}', -32600),
    ('{"jsonrpc":"2.0","id":{},"method":"vps.list"}', -32600),
])
def test_what_is_no_request(host, text, code):
    client = host.admin()
    client.send_text(text)
    answer = client.wait_for(lambda: client._answers.pop(None, None), "an answer without id")
    assert answer["error"]["code"] == code
    assert client.request("session.info")


@pytest.mark.parametrize("members, code", [
    ({"jsonrpc": "1.0", "method": "vps.list"}, -32600),
    ({"method": "vps.list"}, -32600),
    ({"jsonrpc": "2.0"}, -32600),
    ({"jsonrpc": "2.0", "method": 5}, -32600),
    ({"jsonrpc": "2.0", "method": "vps.explode"}, -32601),
    ({"jsonrpc": "2.0", "method": "push.none"}, -32601),
    ({"jsonrpc": "2.0", "method": "vps.list", "params": []}, -32602),
    ({"jsonrpc": "2.0", "method": "vps.list", "params": None}, -32602),
])
def test_what_is_a_wrong_request(host, members, code):
    assert host.admin().raw(json.dumps({"id": "x", **members}))["error"]["code"] == code


@pytest.mark.parametrize("number", [0, -7, 2**63 - 1, 1.5, "", "ü", None])
def test_the_id_comes_back_as_it_was(host, number):
    client = host.admin()
    assert client.raw(json.dumps({"jsonrpc": "2.0", "id": number, "method": "session.info"}))["id"] == number


def test_32_levels_are_fine(host):
    client = host.admin()
    deep = "[" * 30 + "]" * 30
    answer = client.raw('{"jsonrpc":"2.0","id":1,"method":"session.info","params":{"x":%s}}' % deep)
    assert answer["error"]["code"] == -32602 and "x" in answer["error"]["message"]


def test_requests_without_id_run_without_answer(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    client.send_text(json.dumps({"jsonrpc": "2.0", "method": "no.such"}))
    client.send_text(json.dumps({"jsonrpc": "2.0", "method": "vps.get"}))
    client.send_text(json.dumps({"jsonrpc": "2.0", "method": "backup.create", "params": {"vps": vps}}))
    client.wait_vps(vps, lambda now: now["backups"] and now["operation"] is None, "the backup")
    assert not client._answers


@pytest.mark.parametrize("method, params, name", [
    ("vps.get", {}, "vps"),
    ("vps.get", {"vps": 5}, "vps"),
    ("vps.get", {"vps": None}, "vps"),
    ("vps.get", {"vps": "x", "extra": 1}, "extra"),
    ("session.info", {"a": 1}, "a"),
    ("backup.create", {"vps": "x", "name": ""}, "name"),
    ("backup.create", {"vps": "x", "name": "n" * 65}, "name"),
    ("backup.create", {"vps": "x", "name": ["n"]}, "name"),
    ("backup.restore", {"vps": "x", "backup": "y", "stop_first": "yes"}, "stop_first"),
    ("slots.set", {"vps": "x", "total": -1}, "total"),
    ("slots.set", {"vps": "x", "total": 2.5}, "total"),
    ("slots.set", {"vps": "x", "total": "3"}, "total"),
    ("slots.set", {"vps": "x", "total": 2**31}, "total"),
    ("operation.list", {"vps": "x", "limit": 0}, "limit"),
    ("notification.read", {}, "up_to"),
])
def test_invalid_params_by_name(host, method, params, name):
    answer = host.admin().raw(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    assert answer["error"]["code"] == -32602
    assert f"“{name}”" in answer["error"]["message"] and "data" not in answer["error"]


def test_names_of_64_characters_are_fine(host):
    vps = host.add()
    client = host.admin()
    name = "ä" * 64
    assert client.request("backup.create", vps=vps, name=name)["backup"]["name"] == name


@pytest.mark.parametrize("character", ["\n", "\x7f", "\u2028", "\u202e", "\u2066", "\u2069"])
def test_names_that_would_turn_or_break_what_is_around_them(host, character):
    with pytest.raises(RpcError) as refused:
        host.admin().request("backup.create", vps=host.add(), name=f"a{character}b")
    assert refused.value.code == -32602


def test_names_in_right_to_left_scripts_are_fine(host):
    name = "\u200fقبل التحديث v2"
    assert host.admin().request("backup.create", vps=host.add(), name=name)["backup"]["name"] == name


def outcome(client, number):
    """What became of a request: "ok", or the reason of its refusal."""
    try:
        client.answer(number)
        return "ok"
    except RpcError as refused:
        return refused.reason


def backed_up(host, name):
    """A VPS, and a backup of it."""
    vps = host.add(name)
    admin = host.admin()
    admin.subscribe(vps)
    return vps, admin.back_up(vps)[1]


def test_verifies_of_one_subject_wait_for_each_other(new_host):
    host = new_host(journal="sqlite")
    (mine, my_backup), (theirs, their_backup) = backed_up(host, "mine"), backed_up(host, "theirs")
    host.tell("hold", "pool", "verify")
    token = host.mint("backup.read", vps=[mine], sub="greedy")
    greedy = [host.user(token) for _ in range(3)]
    # One has its turn and 64 wait; nothing else of theirs waits for it.
    # One has its turn and 64 wait; nothing else of theirs waits for it.
    asked = [(client, client.start("backup.verify", vps=mine, backup=my_backup)) for client in greedy for _ in range(30)]
    assert [client.request("session.info")["subject"] for client in greedy] == ["greedy"] * 3
    assert greedy[0].request("vps.get", vps=mine)["backups"]
    other = host.user(host.mint("backup.read", "backup.create", vps=[theirs], sub="other"))
    others = other.start("backup.verify", vps=theirs, backup=their_backup)
    assert other.request("backup.rename", vps=theirs, backup=their_backup, name="meanwhile")["name"] == "meanwhile"
    host.tell("release", "pool", "verify")
    assert other.answer(others)["ok"] is True
    ends = [outcome(client, number) for client, number in asked]
    assert ends.count("ok") == 65 and ends.count("too_busy") == 25
    # In the order of the log: the other one did not wait for all that had been asked before.
    done = [line for line in host.read_log().splitlines() if "backup.verify" in line and line.endswith(" ok")]
    assert len(done) == 66 and any("other" in line for line in done[:3])


def test_who_has_gone_has_no_turn(host):
    (mine, my_backup), (theirs, their_backup) = backed_up(host, "mine"), backed_up(host, "theirs")
    host.tell("hold", "pool", "verify")
    leaver = host.user(host.mint("backup.read", sub="leaver"))
    for _ in range(20):
        leaver.start("backup.verify", vps=mine, backup=my_backup)
    leaver.request("session.info")
    leaver.close()
    again = host.user(host.mint("backup.read", sub="leaver"))
    number = again.start("backup.verify", vps=theirs, backup=their_backup)
    host.tell("release", "pool", "verify")
    assert again.answer(number)["ok"] is True


def test_too_many_requests_under_way(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    _, backup = client.back_up(vps)
    host.tell("hold", "pool", "verify")
    numbers = [client.start("backup.verify", vps=vps, backup=backup) for _ in range(40)]
    with pytest.raises(RpcError) as caught:
        client.answer(numbers[-1])
    assert caught.value.reason == "rate_limited"
    host.tell("release", "pool", "verify")
    assert client.answer(numbers[0])["ok"] is True
