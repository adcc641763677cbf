# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what: every method of the schema with every permission, on an own and on a foreign VPS; who is thrown out; what is
written down of it."""

import json
import os
import pathlib
import time
import uuid

import pytest

import client as clients
import wire
from client import ConnectionEnded, ConnectRefused, RpcError

SOURCE = pathlib.Path(os.environ.get("VB_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
SCHEMA = json.loads((SOURCE / "ui-bridge/schema/vps-backup.v1.schema.json").read_text(encoding="utf-8"))["definitions"]
METHODS = SCHEMA["methods"]
PERMISSIONS = SCHEMA["Permission"]["enum"]


def example(name, schema, vps):
    """A value that the schema allows: the VPS where one is named, else the first thing that fits."""
    if name == "vps":
        return vps
    if name == "subscription":
        return {"endpoint": "https://push.example/1", "keys": {"p256dh": "x", "auth": "y"}}
    if "enum" in schema:
        return schema["enum"][0]
    if {"type": "null"} in schema.get("anyOf", []):
        return None
    kind = schema.get("type")
    return {"integer": schema.get("minimum", 1), "boolean": True, "object": {}, "array": []}.get(kind, str(uuid.uuid4()))


def params_of(method, vps):
    """All params that a method requires; the VPS is named wherever one can be."""
    schema = METHODS[method]["params"]
    names = set(schema.get("required", [])) | ({"vps"} & set(schema["properties"]))
    if schema.get("minProperties") == 1 and not names:
        names = {next(iter(schema["properties"]))}
    return {name: example(name, schema["properties"][name], vps) for name in names}


def outcome(client, method, vps):
    """None when it was done, else the reason, or the code where there is none."""
    try:
        client.request(method, valid=False, **params_of(method, vps))
    except RpcError as error:
        return error.reason or error.code
    return None


def test_every_method_says_whom_it_is_for():
    for name, method in METHODS.items():
        assert set(method["permissions"]) | set(method.get("also", [])) <= set(PERMISSIONS), name
        assert method["audit"] in ("always", "refused"), name
        # What anybody may ask must not be about a VPS.
        assert method["permissions"] or "vps" not in method["params"]["properties"], name
    assert {name for name, method in METHODS.items() if not method["permissions"]} == {"session.info", "session.renew"}


@pytest.mark.parametrize("permission", [None] + PERMISSIONS)
def test_every_method_with_each_permission_on_an_own_and_a_foreign_vps(host, permission):
    own, foreign = host.add("own"), host.add("foreign")
    client = host.user(host.mint(*([permission] if permission else []), vps=[own]))
    for number, (name, method) in enumerate(METHODS.items()):
        if number % 12 == 11:
            client.close()
            client = host.user(host.mint(*([permission] if permission else []), vps=[own]))
        allowed = permission == "admin" or not method["permissions"] or permission in method["permissions"]
        allowed = allowed and (permission == "admin" or set(method.get("also", [])) <= {permission})
        about_vps = "vps" in method["params"]["properties"]
        on_foreign, on_unknown = outcome(client, name, foreign), outcome(client, name, str(uuid.uuid4()))
        if not allowed:
            assert on_foreign == on_unknown == "forbidden", name
            assert outcome(client, name, own) == "forbidden", name
        elif about_vps and permission != "admin":
            # What is not theirs is as if it had never been.
            assert on_foreign == on_unknown == "not_found", name
        elif name == "session.renew":
            assert on_foreign == "forbidden"
        else:
            assert on_foreign != "forbidden", name
        if allowed and name not in ("session.revoke", "session.renew"):
            assert outcome(client, name, own) != "forbidden", name
    client.close()


def test_methods_that_need_two_permissions(host):
    own = host.add()
    both = {name: method for name, method in METHODS.items() if "also" in method}
    assert set(both) == {"schedule.set", "schedule.remove"}
    for name, method in both.items():
        client = host.user(host.mint(method["permissions"][0], *method["also"], vps=[own]))
        assert outcome(client, name, own) == ("not_found" if name == "schedule.remove" else None)
        assert outcome(client, name, str(uuid.uuid4())) == "not_found"
        rest = set(PERMISSIONS) - {"admin", method["also"][0]}
        assert outcome(host.user(host.mint(*rest, vps=[own])), name, own) == "forbidden"


def test_no_event_of_a_foreign_vps_and_none_without_the_permission(host):
    own, foreign = host.add("own"), host.add("foreign")
    customer = host.user(host.mint("backup.read", "backup.create", vps=[own]))
    blind = host.user(host.mint("backup.read", vps=[own]))
    for client in (customer, blind):
        client.subscribe("*")
    blind.request("session.renew", token=host.mint("backup.create", vps=[own]))
    admin = host.admin()
    admin.subscribe("*")
    for vps in (foreign, own):
        admin.back_up(vps)
    host.tell("remove", foreign)
    host.tell("remove", own)
    admin.wait_for(lambda: [name for _, name, _ in admin.events].count("vps.removed") == 2, "both to go")
    customer.wait_event("vps.removed")
    assert {name for _, name, _ in customer.events} == {"vps.changed", "operation.progress", "notification.added", "vps.removed"}
    assert {params["vps"] for _, _, params in customer.events} == {own}
    blind.request("session.info")
    assert not blind.events


# ---- revocation


def test_revoking_a_user(host):
    vps = host.add()
    early = int(time.time()) - 5
    victims = [host.user(host.mint("backup.read", vps=[vps], sub="mallory", iat=early)) for _ in range(3)]
    without_iat = host.user(host.mint("backup.read", sub="mallory"))
    other = host.user(host.mint("backup.read", vps=[vps], sub="bob", iat=early))
    admin = host.admin()
    assert admin.request("session.revoke", sub="mallory") == {"closed": 4}
    for client in victims + [without_iat]:
        assert client.wait_closed() == 4401
    with pytest.raises(ConnectRefused) as caught:
        host.user(host.mint("backup.read", sub="mallory", iat=int(time.time()) - 1))
    assert caught.value.status == 401
    with pytest.raises(ConnectRefused):
        host.user(host.mint("backup.read", sub="mallory"))
    with pytest.raises(RpcError) as refused:
        other.request("session.renew", token=host.mint("backup.read", sub="mallory", iat=early))
    assert refused.value.reason == "forbidden"
    assert other.request("session.info")["subject"] == "bob"
    # Not for ever: what is issued from the next second on is good.
    assert host.user(host.mint("backup.read", sub="mallory", iat=int(time.time()) + 2)).request("session.info")
    assert admin.request("session.revoke", sub="nobody") == {"closed": 0}


def test_revoking_a_user_whose_issuer_has_a_fast_clock(host):
    """Issued before the revocation, whatever its time says; and what is issued after it is good again."""
    def ahead(seconds, sub="mallory"):
        return host.mint("backup.read", sub=sub, iat=int(time.time()) + seconds)
    seen, renewed, unseen, other = ahead(25), ahead(20), ahead(28), ahead(25, "bob")
    client, other_client = host.user(seen), host.user(other)
    client.request("session.renew", token=renewed)
    admin = host.admin()
    assert admin.request("session.revoke", sub="mallory") == {"closed": 1}
    assert client.wait_closed() == 4401
    for token in (seen, renewed, unseen):
        with pytest.raises(ConnectRefused) as caught:
            host.user(token)
        assert caught.value.status == 401
    assert other_client.request("session.info")["subject"] == "bob"
    assert host.user(other).request("session.info")["subject"] == "bob"


def test_revoking_a_token(host):
    token = host.mint("backup.read", sub="carol", jti="t-1")
    one, two = host.user(token), host.user(host.mint("backup.read", sub="carol", jti="t-2"))
    assert host.admin().request("session.revoke", jti="t-1") == {"closed": 1}
    assert one.wait_closed() == 4401
    with pytest.raises(ConnectRefused):
        host.user(token)
    assert two.request("session.info")["subject"] == "carol"


def test_revoking_outlives_the_service(new_host, tmp_path):
    host = new_host(tmp_path, journal="sqlite")
    by_user, by_id = host.mint("backup.read", sub="mallory"), host.mint("backup.read", sub="carol", jti="t-1")
    good = host.mint("backup.read", sub="carol", jti="t-2")
    admin = host.admin()
    admin.request("session.revoke", sub="mallory")
    admin.request("session.revoke", jti="t-1")
    host.kill()
    again = new_host(tmp_path, keys=False, journal="sqlite")
    for token in (by_user, by_id):
        with pytest.raises(ConnectRefused) as caught:
            again.user(token)
        assert caught.value.status == 401
    assert again.user(good).request("session.info")["subject"] == "carol"


def test_a_renewed_session_is_known_by_its_new_token(host):
    client = host.user(host.mint("backup.read", sub="dave", jti="old"))
    client.request("session.renew", token=host.mint("backup.read", sub="dave", jti="new"))
    admin = host.admin()
    assert admin.request("session.revoke", jti="old") == {"closed": 0}
    assert admin.request("session.revoke", jti="new") == {"closed": 1}
    assert client.wait_closed() == 4401


def test_whoever_revokes_themselves_reads_the_answer(host):
    client = host.user(host.mint("admin", sub="root"))
    assert client.request("session.revoke", sub="root") == {"closed": 1}
    assert client.wait_closed() == 4401


def test_revoking_is_in_force_even_when_it_cannot_be_kept(host):
    victim = host.user(host.mint("backup.read", sub="eve"))
    admin = host.admin()
    host.tell("fail", "journal", "save_revocation", "internal")
    assert admin.refusal("session.revoke", sub="eve").reason == "internal"
    assert victim.wait_closed() == 4401


def test_revoking_takes_a_user_or_a_token(host):
    admin = host.admin()
    for params in ({}, {"sub": "a", "jti": "b"}, {"sub": ""}, {"sub": "x" * 257}):
        with pytest.raises(RpcError) as caught:
            admin.request("session.revoke", valid=False, **params)
        assert caught.value.code == -32602


def test_those_on_the_socket_cannot_be_revoked(host):
    admin = host.admin()
    subject = admin.request("session.info")["subject"]
    assert admin.request("session.revoke", sub=subject) == {"closed": 0}
    assert host.admin().request("session.info")


# ---- the audit log


def last_entry(host):
    return host.admin().request("audit.list", limit=1)["entries"][0]


def test_who_asked_what_and_what_came_of_it(host):
    vps = host.add()
    user = host.user(host.mint("backup.create", vps=[vps], sub="bob", jti="t-7"))
    operation = user.request("backup.create", vps=vps)["operation"]["id"]
    entry = last_entry(host)
    assert (entry["subject"], entry["address"], entry["token"]) == ("bob", "127.0.0.1", "t-7")
    assert (entry["method"], entry["vps"], entry["target"], entry["outcome"]) == ("backup.create", vps, operation, "ok")
    assert "bob (127.0.0.1) asked for backup.create: ok" in host.read_log()

    backup = str(uuid.uuid4())
    assert user.refusal("backup.delete", vps=vps, backup=backup).reason == "forbidden"
    entry = last_entry(host)
    assert (entry["method"], entry["target"], entry["outcome"]) == ("backup.delete", backup, "forbidden")
    assert user.refusal("vps.get", vps=vps).reason == "forbidden"
    assert last_entry(host)["method"] == "vps.get"

    admin = host.admin()
    assert admin.refusal("slots.set", vps=vps, total=99).code == -32602
    assert last_entry(host)["outcome"] == "invalid_params"
    admin.request("slots.set", vps=vps, total=3)
    entry = last_entry(host)
    assert (entry["subject"], entry["token"], entry["outcome"]) == (f"uid:{os.getuid()}", None, "ok")


def test_a_customer_sees_who_has_done_what_to_the_own_vps(host):
    own, foreign = host.add(), host.add()
    alice, bob = (host.user(host.mint("backup.create", "backup.read", vps=[own], sub=sub)) for sub in ("alice", "bob"))
    operation = alice.request("backup.create", vps=own)["operation"]["id"]
    host.admin().request("slots.set", vps=own, total=3)
    host.admin().request("slots.set", vps=foreign, total=3)
    admin = host.admin()
    admin.follow(own)
    assert admin.wait_operation(own, operation)["state"] == "completed"
    backup = admin.request("vps.get", vps=own)["backups"][0]["id"]
    # Asked whether it could begin, which is nothing that was done.
    host.admin().request("backup.restore", vps=own, backup=backup, check=True)
    assert host.user(host.mint("backup.read", vps=[foreign], sub="mallory")).refusal("backup.delete", vps=foreign, backup="x").reason == "forbidden"
    page = bob.request("activity.list", vps=own)
    assert [(one["by"], one["method"], one["target"]) for one in page["entries"]] == [("operator", "slots.set", None), ("alice", "backup.create", operation)]
    assert page["next"] is None and set(page["entries"][0]) == {"id", "at", "by", "method", "vps", "target"}
    first = bob.request("activity.list", vps=own, limit=1)
    assert [one["by"] for one in first["entries"]] == ["operator"]
    assert [one["by"] for one in bob.request("activity.list", vps=own, before=first["next"])["entries"]] == ["alice"]
    assert bob.refusal("activity.list", vps=foreign).reason == "not_found"
    assert host.user(host.mint("backup.create", vps=[own])).refusal("activity.list", vps=own).reason == "forbidden"
    # Who was turned away is the operator's business.
    assert [one["method"] for one in host.admin().request("activity.list", vps=foreign)["entries"]] == ["slots.set"]
    # Of all VPSs: of those that the token names, and nothing that is about none.
    host.admin().request("session.revoke", sub="nobody")
    assert bob.request("activity.list")["entries"] == bob.request("activity.list", vps="*")["entries"] == page["entries"]
    assert [(one["method"], one["vps"]) for one in host.admin().request("activity.list")["entries"]] == [
        ("slots.set", foreign), ("slots.set", own), ("backup.create", own)]


def test_refusals_of_others_do_not_hide_what_was_done(host):
    """Whoever knows the UUID of a VPS can ask for it as often as he likes."""
    own, foreign = host.add(), host.add()
    host.admin().request("slots.set", vps=own, total=3)
    for method in "vps.get", "operation.list", "schedule.get":
        for number in range(2):
            token = host.mint("backup.read", vps=[foreign], sub=f"mallory{number}")
            assert host.user(token).refusal(method, vps=own).reason == "not_found"
    page = host.user(host.mint("backup.read", vps=[own], sub="bob")).request("activity.list", vps=own, limit=2)
    assert [one["method"] for one in page["entries"]] == ["slots.set"] and page["next"] is None


def begin_through_proxy(host, forwarded):
    """The address that is written down for a request that came through a proxy on this machine."""
    vps = host.add()
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "X-Forwarded-For": forwarded,
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Authorization": f"Bearer {host.mint('slots.write', vps=[vps])}"}
    with wire.connect(host.port) as connection:
        connection.sendall(wire.request("GET", "/v1/ws", headers))
        reader = wire.Reader(connection)
        assert reader.read_answer(keep=True).status == 101
        connection.sendall(wire.frame(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "slots.set", "params": {"vps": vps, "total": 3}}).encode()))
        assert json.loads(reader.read_frame()[1])["result"]["total"] == 3
    return last_entry(host)["address"]


def test_a_trusted_proxy_says_who_is_behind_it(new_host):
    host = new_host(trusted_proxies="192.0.2.1;127.0.0.1")
    assert begin_through_proxy(host, "198.51.100.7") == "198.51.100.7"
    # What the client itself has sent comes first; the proxy adds the last one.
    assert begin_through_proxy(host, "203.0.113.1, 2001:db8::7") == "2001:db8::7"
    assert begin_through_proxy(host, "198.51.100.7, nonsense") == "127.0.0.1"


def test_others_are_not_believed(host):
    assert begin_through_proxy(host, "198.51.100.7") == "127.0.0.1"


def test_a_foreign_vps_is_named_in_the_audit_log(host):
    own, foreign = host.add(), host.add()
    user = host.user(host.mint("power", vps=[own]))
    assert user.refusal("power.stop", vps=foreign, force=True).reason == "not_found"
    assert user.refusal("power.stop", vps="x" * 5000).reason == "not_found"
    admin = host.admin()
    long, stop = admin.request("audit.list", limit=2)["entries"]
    assert stop["vps"] == foreign and stop["outcome"] == "not_found" and long["vps"] == "x" * 64
    assert [one["vps"] for one in admin.request("audit.list", vps=foreign)["entries"]] == [foreign]
    before = admin.request("audit.list", before=long["id"])["entries"]
    assert before[0] == stop


def test_reading_is_not_written_down(host):
    vps = host.add()
    admin = host.admin()
    for method in ("vps.list", "session.info", "audit.list", "notification.list"):
        admin.request(method)
    admin.subscribe(vps)
    assert admin.request("audit.list")["entries"] == []


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method["audit"] == "always"])
def test_every_method_that_changes_something_is_written_down(host, name):
    vps = host.add()
    try:
        host.admin().request(name, valid=False, **params_of(name, vps))
    except RpcError:
        pass
    assert last_entry(host)["method"] == name


def test_an_answer_waits_for_the_audit_log(host):
    vps = host.add()
    admin = host.admin()
    host.tell("hold", "journal", "add_audit")
    number = admin.start("slots.set", vps=vps, total=3)
    assert host.admin().request("vps.get", vps=vps)
    assert number not in admin._answers
    host.tell("release", "journal", "add_audit")
    assert admin.answer(number)["total"] == 3


def test_what_cannot_be_written_down_is_still_answered(host):
    vps = host.add()
    host.tell("fail", "journal", "add_audit", "insufficient_space")
    assert host.admin().request("slots.set", vps=vps, total=3)["total"] == 3
    assert "Failed to write the audit log" in host.read_log()


# ---- requests a second


def flood(client, n):
    for number in range(n):
        client.start("session.info")


def test_a_burst_is_fine_and_more_is_refused(host):
    client = host.admin()
    numbers = [client.start("session.info") for _ in range(60)]
    for number in numbers[:40]:
        assert client.answer(number)
    with pytest.raises(RpcError) as caught:
        for number in numbers[40:]:
            client.answer(number)
    assert caught.value.reason == "rate_limited"
    # It fills again.
    end = time.monotonic() + 20
    while True:
        time.sleep(0.2)
        try:
            assert client.request("session.info")
            break
        except RpcError:
            assert time.monotonic() < end


def test_flooding_ends_the_connection_and_disturbs_nobody(host):
    other = host.admin()
    for connect in (host.admin, lambda: host.user(host.mint("backup.read"))):
        client = connect()
        with pytest.raises((ConnectionEnded, clients.websockets.ConnectionClosed)):
            flood(client, 5000)
            client.request("session.info")
        assert client.wait_closed() == 4429
        assert other.request("session.info")


def test_a_flood_of_rubbish_is_a_flood(host):
    client = host.admin()
    with pytest.raises(clients.websockets.ConnectionClosed):
        for _ in range(5000):
            client.send_text("{")
    assert client.wait_closed() == 4429
