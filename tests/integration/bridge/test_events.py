# SPDX-License-Identifier: LGPL-2.1-or-later
"""Subscriptions and what comes through them."""

from client import RpcError

import pytest


def methods_of(client, vps, after=0):
    return [name for _, name, params in client.events[after:] if params.get("vps") == vps]


def settle(host, client):
    """All events from before have come: an answer comes after them."""
    client.request("session.info")


def test_events_of_a_backup(host):
    vps = host.add()
    client = host.admin()
    state = client.subscribe(vps)
    operation, backup = client.back_up(vps)
    client.wait_event("notification.added", lambda one: one["operation"] == operation["id"])
    numbers = [params["seq"] for _, _, params in client.events if "seq" in params]
    assert numbers == list(range(state["seq"] + 1, state["seq"] + 1 + len(numbers)))
    states = [params["operation"]["state"] for _, name, params in client.events
              if name == "vps.changed" and params["operation"]]
    assert [one for i, one in enumerate(states) if i == 0 or states[i - 1] != one] == ["queued", "preparing", "copying", "finishing"]
    assert client.vps[vps]["backups"][0]["id"] == backup
    notification = client.wait_event("notification.added")
    assert notification["type"] == "backup_completed" and notification["read"] is False


def test_progress(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    host.tell("allow", 16 << 20)
    operation = client.request("backup.create", vps=vps)["operation"]["id"]
    half = client.wait_event("operation.progress", lambda one: one["operation"]["bytes_done"] == 16 << 20)
    percent = half["operation"]["progress"]
    assert 24 <= percent <= 25 and half["operation"]["bytes_total"] == 64 << 20
    state = client.request("vps.get", vps=vps)
    assert state["status"] == "creating_backup" and state["operation"]["progress"] == percent
    assert state["backups"][0]["progress"] == percent and state["backups"][0]["state"] == "creating"
    assert state["can_create"]["reason"] == "operation_running" and not any(state["power_actions"].values())
    with pytest.raises(RpcError) as caught:
        client.request("power.stop", vps=vps)
    assert caught.value.reason == "operation_running"
    host.tell("allow", 1 << 40)
    client.wait_operation(vps, operation)


def test_only_what_is_subscribed_comes(host):
    one, two = host.add("one"), host.add("two")
    client = host.admin()
    client.subscribe(one)
    host.tell("power", two, "two", "stopped")
    host.tell("power", one, "one", "stopped")
    client.wait_vps(one, lambda now: now["power"] == "stopped", "the stop")
    assert not methods_of(client, two)
    client.subscribe(two)
    client.request("vps.unsubscribe", vps=one)
    host.tell("power", one, "one", "running")
    host.tell("power", two, "two", "running")
    client.wait_vps(two, lambda now: now["power"] == "running", "the start")
    assert len(methods_of(client, one)) == 1


def test_all_includes_later_ones_and_removed_ones(host):
    first = host.add("first")
    client = host.admin()
    assert [one["vps"] for one in client.subscribe("*")["vps"]] == [first]
    second = host.add("second")
    client.wait_event("vps.changed", lambda one: one["vps"] == second)
    host.tell("remove", second)
    gone = client.wait_event("vps.removed")
    assert gone["vps"] == second and gone["seq"] > 1
    assert client.request("vps.unsubscribe", vps=second) == {}
    with pytest.raises(RpcError) as caught:
        client.request("vps.get", vps=second)
    assert caught.value.reason == "not_found"


def test_all_but_some(host):
    one, two = host.add("one"), host.add("two")
    client = host.admin()
    client.subscribe("*")
    client.request("vps.unsubscribe", vps=one)
    host.tell("power", one, "one", "stopped")
    host.tell("power", two, "two", "stopped")
    client.wait_vps(two, lambda now: now["power"] == "stopped", "the stop")
    assert not methods_of(client, one)
    client.subscribe(one)
    host.tell("power", one, "one", "running")
    client.wait_vps(one, lambda now: now["power"] == "running", "the start")
    client.request("vps.unsubscribe", vps="*")
    host.tell("power", two, "two", "running")
    settle(host, client)
    assert methods_of(client, two) == ["vps.changed"]


def test_each_event_comes_once(host):
    vps = host.add()
    client = host.admin()
    for what in (vps, vps, "*", vps, "*"):
        client.subscribe(what)
    host.tell("power", vps, "alpha", "stopped")
    client.wait_vps(vps, lambda now: now["power"] == "stopped", "the stop")
    settle(host, client)
    assert methods_of(client, vps) == ["vps.changed"]


def test_all_of_a_customer_are_theirs(host):
    own = host.add("own")
    foreign = host.add("foreign")
    client = host.user(host.mint("backup.read", vps=[own]))
    assert [one["vps"] for one in client.subscribe("*")["vps"]] == [own]
    assert [one["vps"] for one in client.request("vps.list")["vps"]] == [own]
    admin = host.admin()
    admin.subscribe("*")
    admin.back_up(foreign)
    host.tell("power", foreign, "foreign", "stopped")
    host.tell("power", own, "own", "stopped")
    client.wait_vps(own, lambda now: now["power"] == "stopped", "the stop")
    assert not methods_of(client, foreign)


def test_a_narrowed_session_hears_no_more(host):
    own, lost = host.add("own"), host.add("lost")
    client = host.user(host.mint("backup.read", vps=[own, lost]))
    client.subscribe(own)
    client.subscribe(lost)
    assert client.request("session.renew", token=host.mint("backup.read", vps=[own]))["vps"] == [own]
    host.tell("power", lost, "lost", "stopped")
    host.tell("power", own, "own", "stopped")
    client.wait_vps(own, lambda now: now["power"] == "stopped", "the stop")
    assert not methods_of(client, lost)
    assert client.request("session.renew", token=host.mint("power", vps=[own]))["permissions"] == ["power"]
    host.tell("power", own, "own", "running")
    settle(host, client)
    assert methods_of(client, own) == ["vps.changed"]
    # A wider one sees again what it asks for again, and nothing by itself.
    client.request("session.renew", token=host.mint("backup.read", vps=[own, lost]))
    host.tell("power", lost, "lost", "crashed")
    settle(host, client)
    assert not methods_of(client, lost)
    client.subscribe(lost)
    host.tell("power", lost, "lost", "running")
    client.wait_vps(lost, lambda now: now["power"] == "running", "the start")


def test_availability_is_a_change(host):
    vps = host.add()
    client = host.admin()
    client.subscribe(vps)
    host.tell("available", "no")
    client.wait_vps(vps, lambda now: now["can_create"]["reason"] == "hypervisor_unavailable", "the loss")
    with pytest.raises(RpcError) as caught:
        client.request("backup.create", vps=vps)
    assert caught.value.reason == "hypervisor_unavailable"
    host.tell("available", "yes")
    client.wait_vps(vps, lambda now: now["can_create"]["allowed"], "the return")
    # While nobody answers there is nothing to switch on or off with, whatever the last known power.
    client.problems = [one for one in client.problems if not one.startswith("power actions")]


def test_shutting_down(host):
    clients = [host.admin() for _ in range(3)] + [host.user(host.mint("backup.read"))]
    host.tell("stop-bridge")
    assert [client.wait_closed() for client in clients] == [4503] * 4
    assert not host.socket.exists()
